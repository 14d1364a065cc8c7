"""The linear speaker probe (Exp 1.5): one linear layer from a pooled feature to training speakers.

Trials are scored by the cosine in the space of the layer's outputs without the bias (`mimidiar.models.projection`), as
the study that first asked the question had it.
"""

from pathlib import Path

from torch import Tensor, nn

from mimidiar.models.feature_norm import FeatureNorm
from mimidiar.models.projection import PROBE_FORMAT
from mimidiar.models.weights import save_weights


class Probe(nn.Module):
    """Linear(dim, speakers) on pooled features, with a fixed normalisation in front (identity unless statistics are
    set).

    `pooling` names the frames that the features are a mean of: it belongs to the probe as its weights do.
    """

    def __init__(self, dim: int, num_speakers: int, pooling: str):
        super().__init__()
        self.pooling = pooling
        self.features = FeatureNorm(dim)
        self.linear = nn.Linear(dim, num_speakers)

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, dim) -> logits (B, speakers)."""
        return self.linear(self.features(pooled))


def save_probe(probe: Probe, path: str | Path) -> None:
    """Write the probe's weights, atomically."""
    speakers, dim = probe.linear.weight.shape
    save_weights(probe, path, {"format": PROBE_FORMAT, "dim": dim, "num_speakers": speakers, "pooling": probe.pooling})
