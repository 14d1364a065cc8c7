"""All taps of Mimi in one pass: for studies of depth, at the cost of the deepest tap alone."""

from collections.abc import Sequence
from typing import Any

import torch
from moshi.modules.streaming import StreamingContainer
from torch import Tensor

from mimidiar.encoders.mimi.sizes import tap_number
from mimidiar.encoders.mimi.tap import MimiTap, set_cache

CODEBOOKS = (1, 2, 4, 8, 16, 32)  # numbers of codebooks; 1 is the semantic codebook alone


def study_taps(taps: Sequence[str]) -> list[str]:
    """The taps of an encoder that a study compares: all but `quantized.n` with other numbers n."""
    return [tap for tap in taps if not tap.startswith("quantized.") or tap_number(tap) in CODEBOOKS]


class AllTaps(StreamingContainer):
    """A `MimiTap` with the outputs of several taps side by side, all at 12.5 Hz.

    For a tap at 25 Hz, a frame is the mean of two, so that pooled means equal those of the tap. `quantized.n` is
    decoded from the first n codes of the deepest tap.
    """

    def __init__(self, model: MimiTap, taps: Sequence[str]):
        super().__init__()
        self.model, self.taps = model, list(taps)

    def forward(self, audio: Tensor) -> Tensor:
        """Audio (B, n * 1920) -> (B, n, taps * D), the taps in their order."""
        model, found = self.model, {}
        for tap, x in model.walk(audio):
            found[tap] = x if tap == "latent" else in_pairs(x)
        if model.quantizer is not None:
            codes = model.quantizer.encode(x.mT)
            for tap in self.taps:
                if tap.startswith("quantized."):
                    found[tap] = model.quantizer.decode(codes[:, : tap_number(tap)]).mT
        return torch.cat([found[tap] for tap in self.taps], dim=-1)

    def new_states(self, batch_size: int, chunk_frames: int, frames: int | None = None) -> dict[str, Any]:
        """As `MimiTap.new_states`."""
        with self.streaming(batch_size):
            for layer in self.model.layers:
                set_cache(layer.self_attn, batch_size, 2 * chunk_frames, frames and 2 * frames)
            return self.get_streaming_state()


def in_pairs(x: Tensor) -> Tensor:
    """(B, 2 n, D) at 25 Hz -> (B, n, D) at 12.5 Hz, the mean of each pair."""
    return x.unflatten(1, (-1, 2)).mean(2)
