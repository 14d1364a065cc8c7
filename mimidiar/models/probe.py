"""The linear speaker probe (Exp 1.5): one linear layer from a pooled feature to training speakers.

Scores are cosines in the space of the layer's outputs without the bias, as the study that first asked the question had it.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path


class Probe(nn.Module):
    """Linear(dim, speakers) on pooled features, with a fixed normalisation in front (identity unless statistics are set)."""

    def __init__(self, dim: int, num_speakers: int):
        super().__init__()
        self.register_buffer("feature_mean", torch.zeros(dim))
        self.register_buffer("feature_scale", torch.ones(dim))
        self.linear = nn.Linear(dim, num_speakers)

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, dim) -> logits (B, speakers)."""
        return self.linear((pooled - self.feature_mean) * self.feature_scale)

    def project(self, pooled: Tensor) -> Tensor:
        """(B, dim) -> (B, speakers): the layer without its bias, the space in which trials are scored."""
        return self.forward(pooled) - self.linear.bias


def save_probe(probe: Probe, path: str | Path) -> None:
    """Write the probe's weights, atomically."""
    with atomic_path(path) as partial:
        save_file(probe.state_dict(), partial, metadata={"format": "mimidiar-probe-1"})


def load_probe(path: str | Path) -> Probe:
    """Read a probe. MimidiarError for a file that is missing, damaged or no probe."""
    try:
        tensors = load_file(path)
        speakers, dim = tensors["linear.weight"].shape
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such probe; run the training stage first") from None
    except (SafetensorError, KeyError) as error:
        raise MimidiarError(f"{path}: not a probe ({error})") from None
    probe = Probe(dim, speakers)
    probe.load_state_dict(tensors)
    return probe.eval()
