"""Log-mel spectrum: the positive control of the study, without a codec. An adapter that fails on it has a fault of its
own.

80 bands up to 8 kHz: Hann windows of 64 ms every 40 ms, power spectrum, mel bands, natural logarithm. Frame f ends with
the last sample of its 40 ms and so depends on nothing later; silence precedes the first sample. Tap `mel` is of audio
at 16 kHz, `mel24` of audio at 24 kHz, as it goes into a codec. torch is imported where it is used.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.errors import MimidiarError

if TYPE_CHECKING:
    from torch import Tensor

BANDS, HIGHEST_HZ = 80, 8000.0
FRAME_HZ = 25.0
FLOOR = 1e-6  # added to the power of a band: the power of digital silence
TAPS = {"mel": 16000, "mel24": 24000}  # the sampling rate of each


@dataclass(frozen=True)
class MelWindow:
    """A sampling rate in Hz with, in samples, the hop and the length of the window."""

    sample_rate: int
    hop: int
    length: int

    @classmethod
    def at(cls, sample_rate: int) -> "MelWindow":
        return cls(sample_rate, sample_rate // 25, sample_rate * 8 // 125)


def logmel(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """Its taps are those of `TAPS`. There are no weights; the hash is that of the numbers above."""
    tap = tap or next(iter(TAPS))
    if tap not in TAPS:
        raise MimidiarError(f"{name} has no tap {tap!r}; choose {' or '.join(TAPS)}")
    if checkpoint is not None:
        raise MimidiarError(f"{name} has no weights and reads no checkpoint, got {checkpoint}")
    form = MelWindow.at(TAPS[tap])
    recipe = f"log-mel, {BANDS} bands, window {form.length}, hop {form.hop}, {form.sample_rate} Hz, floor {FLOOR}"
    return EncoderSpec(
        name=name,
        tap=tap,
        taps=tuple(TAPS),
        sample_rate=form.sample_rate,
        frame_hz=FRAME_HZ,
        dim=BANDS,
        weights="none (log-mel spectrum)",
        weights_sha256=hashlib.sha256(recipe.encode()).hexdigest(),
        make=LogMelEncoder,
    )


class LogMelEncoder(Encoder):
    """The `Encoder` protocol on the log-mel spectrum."""

    def __init__(self, spec: EncoderSpec, device: Any):
        import torch
        from torchaudio.functional import melscale_fbanks

        self.spec, self.device, self.form = spec, device, MelWindow.at(spec.sample_rate)
        self.frame_samples = 2 * self.form.hop  # 80 ms, one label frame
        bins = self.form.length // 2 + 1
        self.bands = melscale_fbanks(bins, 0.0, HIGHEST_HZ, BANDS, spec.sample_rate).to(device)
        self.window = torch.hann_window(self.form.length).to(device)

    def encode(self, audio: "Tensor", lengths: "Tensor") -> "tuple[Tensor, Tensor]":
        """Audio (B, T), lengths (B,) in samples -> features (B, F, D), frames (B,); 0 past each length."""
        import torch

        from mimidiar.encoders.padding import pad_to_frames, without_padding

        lengths = torch.as_tensor(lengths, device=self.device)
        audio, blocks = pad_to_frames(audio.to(self.device), lengths, self.frame_samples)
        with self.stream(len(audio)) as stream:
            features = stream.step(audio)
        return without_padding(features, 2 * blocks), 2 * blocks

    @contextmanager
    def stream(self, batch_size: int) -> "Iterator[LogMelStream]":
        """Start `batch_size` streams in step."""
        yield LogMelStream(self, self.window.new_zeros(batch_size, self.form.length - self.form.hop))

    def spectrum(self, audio: "Tensor") -> "Tensor":
        """Audio (B, length - hop + n * hop) that begins with history -> log energies (B, n, BANDS)."""
        import torch

        power = torch.fft.rfft(audio.unfold(-1, self.form.length, self.form.hop) * self.window).abs().square()
        return (power @ self.bands + FLOOR).log()


class LogMelStream:
    """`batch_size` streams in step; the state is the audio that the next window still needs."""

    def __init__(self, encoder: LogMelEncoder, history: "Tensor"):
        self.encoder, self.history = encoder, history  # (B, length - hop)

    def step(self, audio: "Tensor") -> "Tensor":
        """Audio (B, n * frame_samples) -> its features (B, 2 n, BANDS)."""
        import torch

        block = self.encoder.frame_samples
        if audio.shape[0] != len(self.history) or audio.shape[1] == 0 or audio.shape[1] % block:
            expected = f"({len(self.history)}, n x {block})"
            raise ValueError(f"a step of {tuple(audio.shape)}: expected {expected} samples, n >= 1")
        with torch.inference_mode():
            audio = torch.cat([self.history, audio.to(self.history.device)], dim=1)
            self.history = audio[:, -self.history.shape[1] :]
            return self.encoder.spectrum(audio)
