"""The description and the interface of an encoder: the contract between encoders and their users."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


BATCH_SEC = 60.0  # padded audio in a batch; a longer recording is encoded alone, in chunks


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder before it is built: everything that names its features, found without torch.

    `weights` is for people; `weights_sha256` for comparison is the hash of the weights file, or of the recipe (sizes,
    initialization, seed) where the weights are drawn and not read. `build` calls `make(spec, device)`. A frame depends
    on audio up to `lookahead_frames` after its own: 0 for a causal codec. Its first `embedding_dim` values are a
    speaker embedding. `batch_sec` is the best length of padded audio in a batch. `build_codec(device)` builds a whole
    codec, with quantizer and decoder.
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
    embedding_dim: int = 0
    batch_sec: float = BATCH_SEC
    build_codec: Callable[[Any], Any] | None = field(default=None, repr=False, compare=False)

    def build(self, device: Any = "cpu") -> "Encoder":
        """The encoder with its weights. Raises MimidiarError for weights of another size or a damaged file."""
        return self.make(self, device)

    def meta(self) -> dict[str, Any]:
        """The entries of a feature store's meta.json about its encoder."""
        embedding = {"embedding_dim": self.embedding_dim} if self.embedding_dim else {}
        return embedding | {
            "encoder": self.name,
            "tap": self.tap,
            "weights": self.weights,
            "weights_sha256": self.weights_sha256,
            "frame_hz": self.frame_hz,
            "dim": self.dim,
            "sample_rate": self.sample_rate,
        }


class EncoderStream(Protocol):
    """A running stream with its state."""

    def step(self, audio: "torch.Tensor") -> "torch.Tensor":
        """Audio (B, n * frame_samples) float32 -> features (B, f, D): without look-ahead, of exactly that audio; else
        of the frames that no later audio can change."""

    def end(self) -> "torch.Tensor":
        """Features (B, f, D) of the frames held back; nothing may follow. Only encoders with look-ahead have it."""


class Encoder(Protocol):
    """A codec or speaker encoder at one tap; those of this package inherit the methods that are complete here.

    A step of a stream is a multiple of `frame_samples`. `spec` has all else that identifies the features.
    """

    spec: EncoderSpec
    frame_samples: int

    @property
    def sample_rate(self) -> int:
        """Of the input audio, in Hz."""
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
        """An encoder with the taps of a study of depth side by side, and these taps in order; with a single tap,
        itself."""
        return self, [self.spec.tap]

    def encode(self, audio: "torch.Tensor", lengths: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """Audio (B, T) float32 and lengths (B,) in samples -> features (B, F, D) and frames (B,).

        Samples past a length change no frame of that row; features past a row's frames are 0.
        """

    def stream(self, batch_size: int) -> AbstractContextManager[EncoderStream]:
        """Start `batch_size` streams; the same frames as `encode`, step by step."""
