"""What an encoder says of itself, and what it can do: the contract between a codec and everything that uses one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


BATCH_SEC = 60.0  # padded audio in a batch; a longer recording goes alone, and in chunks


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder before it is built: everything that names its features, found without torch.

    `weights` is for people, `weights_sha256` for comparing: the hash of the weights file, or of the recipe (sizes,
    initialisation, seed) where the weights are made and not read. `make(spec, device)` is what `build` calls. A frame
    depends on audio up to `lookahead_frames` after its own: 0 for a causal codec. `batch_sec` of padded audio are best
    encoded at once. Of a codec, `build_codec(device)` makes the whole, with quantizer and decoder.
    """

    name: str
    tap: str
    taps: tuple[str, ...]
    sample_rate: int
    frame_hz: float
    dim: int
    weights: str
    weights_sha256: str
    make: Callable[["EncoderSpec", Any], "Encoder"] = field(repr=False, compare=False)
    lookahead_frames: int = 0
    batch_sec: float = BATCH_SEC
    build_codec: Callable[[Any], Any] | None = field(default=None, repr=False, compare=False)

    def build(self, device: Any = "cpu") -> "Encoder":
        """The encoder with its weights. Raises MimidiarError for weights of another size or a damaged file."""
        return self.make(self, device)

    def meta(self) -> dict[str, Any]:
        """What a feature store writes down of the encoder that made it."""
        return {
            "encoder": self.name,
            "tap": self.tap,
            "weights": self.weights,
            "weights_sha256": self.weights_sha256,
            "frame_hz": self.frame_hz,
            "dim": self.dim,
            "sample_rate": self.sample_rate,
        }


class EncoderStream(Protocol):
    """A running stream: it remembers what it has heard."""

    def step(self, audio: "torch.Tensor") -> "torch.Tensor":
        """Audio (B, n * frame_samples) float32 -> features (B, f, D): without look-ahead of exactly that stretch, else
        of the frames that nothing to come can change."""

    def end(self) -> "torch.Tensor":
        """Features (B, f, D) of the frames held back; nothing may follow. Only encoders with look-ahead have it."""


class Encoder(Protocol):
    """A codec or speaker encoder at one tap; those of this package inherit from it what stands here in full.

    `frame_samples` is the audio that a stream's step is counted in; all else that names its features is in `spec`.
    """

    spec: EncoderSpec
    frame_samples: int

    @property
    def sample_rate(self) -> int:
        """Of the audio that it takes, in Hz."""
        return self.spec.sample_rate

    @property
    def frame_hz(self) -> float:
        """Frames a second."""
        return self.spec.frame_hz

    @property
    def dim(self) -> int:
        """Values in a frame."""
        return self.spec.dim

    @property
    def lookahead_frames(self) -> int:
        """As in `EncoderSpec`."""
        return self.spec.lookahead_frames

    def all_taps(self) -> "tuple[Encoder, list[str]]":
        """An encoder that gives the taps of a study of depth side by side, and these taps in their order: where there
        is nothing to compare, itself and its own."""
        return self, [self.spec.tap]

    def encode(self, audio: "torch.Tensor", lengths: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """Audio (B, T) float32 and lengths (B,) in samples -> features (B, F, D) and frames (B,).

        What lies past a length changes no frame of that row; features past a row's frames are 0.
        """

    def stream(self, batch_size: int) -> AbstractContextManager[EncoderStream]:
        """Start `batch_size` streams; the same frames as `encode`, piece by piece."""
