"""The log-mel spectrum as an encoder: Hann windows, power spectrum, mel bands, natural logarithm (numbers in mel.py).

Frame f ends with sample HOP (f + 1) and so knows nothing of the future; before the first sample lies silence.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torchaudio
from torch import nn

from mimidiar.encoders.logmel_spec import BANDS, FLOOR, FRAME_SAMPLES, HOP, SAMPLE_RATE, WINDOW
from mimidiar.encoders.protocol import EncoderSpec


class LogMel(nn.Module):
    """Audio (B, WINDOW - HOP + n * HOP), the first WINDOW - HOP samples being history -> log energies (B, n, BANDS)."""

    def __init__(self) -> None:
        super().__init__()
        bands = torchaudio.functional.melscale_fbanks(WINDOW // 2 + 1, 0.0, SAMPLE_RATE / 2, BANDS, SAMPLE_RATE)
        self.register_buffer("bands", bands)
        self.register_buffer("window", torch.hann_window(WINDOW))

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        power = torch.fft.rfft(audio.unfold(-1, WINDOW, HOP) * self.window).abs().square()
        return (power @ self.bands + FLOOR).log()


@dataclass
class LogMelStream:
    """`batch_size` streams in step; the state is the audio that the next window still needs."""

    model: LogMel
    history: torch.Tensor  # (B, WINDOW - HOP)

    @torch.inference_mode()
    def step(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio (B, n * 1280) -> its features (B, 2 n, BANDS)."""
        if audio.shape[0] != len(self.history) or audio.shape[1] == 0 or audio.shape[1] % FRAME_SAMPLES:
            expected = f"({len(self.history)}, n x {FRAME_SAMPLES})"
            raise ValueError(f"a step of {tuple(audio.shape)}: expected {expected} samples, n >= 1")
        heard = torch.cat([self.history, audio.to(self.history.device)], dim=1)
        self.history = heard[:, -(WINDOW - HOP) :]
        return self.model(heard)


class LogMelEncoder:
    """The `Encoder` protocol on the log-mel spectrum."""

    frame_samples = FRAME_SAMPLES
    lookahead_frames = 0

    def __init__(self, spec: EncoderSpec, device: Any):
        self.name, self.tap, self.taps = spec.name, spec.tap, spec.taps
        self.sample_rate, self.frame_hz, self.dim = spec.sample_rate, spec.frame_hz, spec.dim
        self.weights, self.weights_sha256 = spec.weights, spec.weights_sha256
        self.model = LogMel().to(device)

    @torch.inference_mode()
    def encode(self, audio: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Audio (B, T) at 16 kHz, lengths (B,) in samples -> features (B, F, D), frames (B,); 0 past each length."""
        device = self.model.window.device
        lengths = torch.as_tensor(lengths, device=device)
        blocks = -(-lengths // FRAME_SAMPLES)
        samples = int(blocks.max()) * FRAME_SAMPLES
        audio = nn.functional.pad(audio.to(device), (0, max(0, samples - audio.shape[1])))[:, :samples]
        audio = audio * (torch.arange(samples, device=device) < lengths[:, None])
        with self.stream(len(audio)) as stream:
            features = stream.step(audio)
        inside = torch.arange(features.shape[1], device=device) < 2 * blocks[:, None]
        return features * inside[:, :, None], 2 * blocks

    @contextmanager
    def stream(self, batch_size: int) -> Iterator[LogMelStream]:
        """Start `batch_size` streams in step."""
        yield LogMelStream(self.model, torch.zeros(batch_size, WINDOW - HOP, device=self.model.window.device))
