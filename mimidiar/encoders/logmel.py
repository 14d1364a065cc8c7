"""Log-mel spectrum: the positive control of the study, without a codec. An adapter that fails on it has a fault of its
own.

80 bands: Hann windows of 64 ms every 40 ms, power spectrum, mel bands, natural logarithm. Frame f ends with sample
HOP (f + 1) and so depends on nothing later; silence precedes the first sample. torch is imported where it is used.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.errors import MimidiarError

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE_RATE = 16000
HOP, WINDOW, BANDS = 640, 1024, 80
FRAME_SAMPLES = 2 * HOP  # 80 ms, one label frame
FLOOR = 1e-6  # added to the power of a band: the power of digital silence
TAP = "mel"


def logmel(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """Its one tap is `mel`. There are no weights; the hash is that of the numbers above."""
    if tap not in (TAP, None):
        raise MimidiarError(f"{name} has no tap {tap!r}; its one tap is {TAP}")
    if checkpoint is not None:
        raise MimidiarError(f"{name} has no weights and reads no checkpoint, got {checkpoint}")
    recipe = f"log-mel, {BANDS} bands, window {WINDOW}, hop {HOP}, {SAMPLE_RATE} Hz, floor {FLOOR}"
    return EncoderSpec(
        name=name,
        tap=TAP,
        taps=(TAP,),
        sample_rate=SAMPLE_RATE,
        frame_hz=SAMPLE_RATE / HOP,
        dim=BANDS,
        weights="none (log-mel spectrum)",
        weights_sha256=hashlib.sha256(recipe.encode()).hexdigest(),
        make=LogMelEncoder,
    )


class LogMelEncoder(Encoder):
    """The `Encoder` protocol on the log-mel spectrum."""

    frame_samples = FRAME_SAMPLES

    def __init__(self, spec: EncoderSpec, device: Any):
        import torch
        from torchaudio.functional import melscale_fbanks

        self.spec, self.device = spec, device
        self.bands = melscale_fbanks(WINDOW // 2 + 1, 0.0, SAMPLE_RATE / 2, BANDS, SAMPLE_RATE).to(device)
        self.window = torch.hann_window(WINDOW).to(device)

    def encode(self, audio: "Tensor", lengths: "Tensor") -> "tuple[Tensor, Tensor]":
        """Audio (B, T) at 16 kHz, lengths (B,) in samples -> features (B, F, D), frames (B,); 0 past each length."""
        import torch

        from mimidiar.encoders.padding import pad_to_frames, without_padding

        lengths = torch.as_tensor(lengths, device=self.device)
        audio, blocks = pad_to_frames(audio.to(self.device), lengths, FRAME_SAMPLES)
        with self.stream(len(audio)) as stream:
            features = stream.step(audio)
        return without_padding(features, 2 * blocks), 2 * blocks

    @contextmanager
    def stream(self, batch_size: int) -> "Iterator[LogMelStream]":
        """Start `batch_size` streams in step."""
        yield LogMelStream(self, self.window.new_zeros(batch_size, WINDOW - HOP))

    def spectrum(self, audio: "Tensor") -> "Tensor":
        """Audio (B, WINDOW - HOP + n * HOP) that begins with history -> log energies (B, n, BANDS)."""
        import torch

        power = torch.fft.rfft(audio.unfold(-1, WINDOW, HOP) * self.window).abs().square()
        return (power @ self.bands + FLOOR).log()


class LogMelStream:
    """`batch_size` streams in step; the state is the audio that the next window still needs."""

    def __init__(self, encoder: LogMelEncoder, history: "Tensor"):
        self.encoder, self.history = encoder, history  # (B, WINDOW - HOP)

    def step(self, audio: "Tensor") -> "Tensor":
        """Audio (B, n * 1280) -> its features (B, 2 n, BANDS)."""
        import torch

        if audio.shape[0] != len(self.history) or audio.shape[1] == 0 or audio.shape[1] % FRAME_SAMPLES:
            expected = f"({len(self.history)}, n x {FRAME_SAMPLES})"
            raise ValueError(f"a step of {tuple(audio.shape)}: expected {expected} samples, n >= 1")
        with torch.inference_mode():
            audio = torch.cat([self.history, audio.to(self.history.device)], dim=1)
            self.history = audio[:, -(WINDOW - HOP) :]
            return self.encoder.spectrum(audio)
