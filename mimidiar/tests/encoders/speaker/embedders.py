"""Made-up embedders for tests: exact, quick, and with an answer that is known beforehand."""

import torch

from mimidiar.encoders.protocol import EncoderSpec
from mimidiar.encoders.speaker.encoder import SpeakerEncoder
from mimidiar.encoders.speaker.windowing import EmbeddingWindows

RATE = 16000


class Shares:
    """How much of a window is positive, and how much negative: two voices that are told apart by the sign."""

    sample_rate, dim = RATE, 2

    def __init__(self) -> None:
        self.windows = 0

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        self.windows += len(windows)
        return torch.stack([(windows > 0).double().mean(1), (windows < 0).double().mean(1)], dim=1)


class Levels:
    """The mean level of each quarter of a window: what is different for any two windows of noise."""

    sample_rate, dim = RATE, 4

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        return torch.stack([part.abs().mean(1) for part in windows.tensor_split(4, dim=1)], dim=1)


def made_up_encoder(embedder, windowing: EmbeddingWindows = EmbeddingWindows()) -> SpeakerEncoder:  # noqa: B008 (frozen)
    lookahead = -int(-(windowing.window_sec / 2 + windowing.hop_sec) * 12.5 // 1)
    spec = EncoderSpec(
        "made-up",
        windowing.tap,
        (windowing.tap,),
        RATE,
        12.5,
        embedder.dim,
        "none",
        "0" * 64,
        lambda device: None,
        lookahead,
    )
    return SpeakerEncoder(spec, embedder, windowing, "cpu")
