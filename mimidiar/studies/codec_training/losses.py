"""Reconstruction losses of a codec: mel spectra at several resolutions, and the waveform."""

from collections.abc import Sequence

import torch
import torchaudio
from torch import Tensor, nn

from mimidiar.training.losses import in_float32

HOP_SHARE = 2  # windows overlap by half: with hops of a quarter, a step takes a sixth longer
BINS_PER_BAND = 8
FLOOR = 1e-4  # -80 dB of a sine at full scale: levels below need not be reproduced


class MelLoss(nn.Module):
    """Mean absolute difference of log-mel magnitudes over windows of several lengths (Yamamoto et al. 2020, the idea;
    Kumar et al. 2023, section 3.4, the lengths): short windows resolve time, long ones frequency.
    """

    def __init__(self, windows: Sequence[int], sample_rate: int):
        super().__init__()
        self.windows = list(windows)
        for size in self.windows:
            window = torch.hann_window(size)
            bands = torchaudio.functional.melscale_fbanks(
                size // 2 + 1, 0.0, sample_rate / 2, size // 2 // BINS_PER_BAND, sample_rate
            )
            self.register_buffer(f"window_{size}", window * 2 / window.sum(), persistent=False)
            self.register_buffer(f"bands_{size}", bands, persistent=False)

    def spectrum(self, audio: Tensor, size: int) -> Tensor:
        """(B, T) -> natural logarithm of the magnitudes in mel bands (B, frames, bands)."""
        frames = audio.unfold(-1, size, size // HOP_SHARE) * self.get_buffer(f"window_{size}")
        return (torch.fft.rfft(frames).abs() @ self.get_buffer(f"bands_{size}") + FLOOR).log()

    def forward(self, audio: Tensor, wanted: Tensor) -> Tensor:
        """Both (B, T) -> (B,)."""
        return in_float32(self._distance)(audio, wanted)

    def _distance(self, audio: Tensor, wanted: Tensor) -> Tensor:
        found = torch.zeros(len(audio), device=audio.device)
        for size in self.windows:
            with torch.no_grad():
                target = self.spectrum(wanted, size)
            found = found + (self.spectrum(audio, size) - target).abs().mean((1, 2))
        return found / len(self.windows)


@in_float32
def waveform_loss(audio: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference over the mean magnitude of the target; both (B, T) -> (B,)."""
    return (audio - wanted).abs().mean(1) / wanted.abs().mean(1).clamp(min=FLOOR)


@in_float32
def distillation_loss(guess: Tensor, target: Tensor, count: Tensor | None = None) -> Tensor:
    """1 - cosine, the mean over the rows with a target other than 0; both (B, D). 0 where no row has one.

    `count`: the divisor of the sum, where the rows are a share of a batch.
    """
    known = target.norm(dim=1) > 0
    cosine = nn.functional.cosine_similarity(guess[known], target[known])
    return (1 - cosine).sum() / (known.sum() if count is None else count).clamp(min=1e-6)
