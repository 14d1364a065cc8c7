"""The upper layers of the codec and the adapter as one model, trained together (Exp 2.5).

Its features are those of the last frozen tap. They begin earlier than the labels of a crop: the layers are causal with
seconds of context, without which a crop's first frames would differ from those of the whole recording. The adapter gets
the crop alone, as on the frozen codec.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mimidiar.config import Checked, Count, NotNegative, Positive
from mimidiar.models.adapter import Adapter

if TYPE_CHECKING:
    from mimidiar.encoders.mimi.upper_layers import MimiTop


@dataclass
class UnfreezeConfig(Checked):
    """How much of the codec is trained with the adapter, and how."""

    layers: Count = 3  # the last ones of the encoder's transformer; the downsampling behind them is trained as well
    learning_rate: NotNegative = 1e-5  # of the codec's part; 0: frozen
    clip_norm: Positive = 0.5  # of its gradient; the adapter's is clipped separately
    # Weight in the loss of the latent's squared distance to the frozen codec's, over its variance.
    near_weight: NotNegative = 0.0
    history_sec: NotNegative = 10.0  # context before a crop, for the codec's part alone; exact from 10 s for each layer


class UnfrozenAdapter(nn.Module):
    """`top` on features of a frozen tap, then the adapter on the latent."""

    def __init__(self, top: "MimiTop", adapter: Adapter):
        super().__init__()
        self.top, self.adapter = top, adapter

    @property
    def max_speakers(self) -> int:
        return self.adapter.max_speakers

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """features (B, T, 2 D), two of the tap's frames side by side -> logits (B, T, max_speakers).

        mask (B, T) is true on the frames of a row's crop, which are contiguous; frames before it are context, and their
        logits are 0.
        """
        return self.adapt(latent(self.top, features), mask)

    def adapt(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Latent (B, T, D), mask as above -> logits (B, T, max_speakers) of the adapter, which gets the crops alone."""
        if mask is None:
            return self.adapter(x)
        lengths = mask.sum(1)
        inside = torch.arange(int(lengths.max()), device=x.device) < lengths[:, None]
        crops = x.new_zeros(*inside.shape, x.shape[-1])
        crops[inside] = x[mask]
        found = self.adapter(crops, inside)
        logits = found.new_zeros(*mask.shape, self.max_speakers)  # of its precision, which may be mixed
        logits[mask] = found[inside]
        return logits


def latent(top: "MimiTop", features: Tensor) -> Tensor:
    """(B, T, 2 D), two of the tap's frames side by side -> (B, T, D)."""
    batch, length, width = features.shape
    return top(features.reshape(batch, 2 * length, width // 2))


def top_header(top: "MimiTop") -> dict[str, Any]:
    """The header of a model's part of the codec."""
    return {"size": asdict(top.size), "layers": len(top.layers)}


def build_top(header: dict[str, Any]) -> "MimiTop":
    """The part of the codec of a `top_header`, with fresh weights. Raises TypeError for another header."""
    from mimidiar.encoders.mimi.sizes import CodecSize
    from mimidiar.encoders.mimi.upper_layers import MimiTop

    return MimiTop(CodecSize(**header["size"]), header["layers"])
