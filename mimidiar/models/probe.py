"""The linear speaker probe (Exp 1.5): one linear layer from a pooled feature to training speakers.

Scores are cosines in the space of the layer's outputs without the bias, as the study that first asked the question had
it.
"""

from pathlib import Path

from torch import Tensor, nn

from mimidiar.models.feature_norm import FeatureNorm
from mimidiar.models.weights import fill, load_weights, save_weights

FORMAT = "mimidiar-probe-1"


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

    def project(self, pooled: Tensor) -> Tensor:
        """(B, dim) -> (B, speakers): the layer without its bias, the space in which trials are scored."""
        return self.forward(pooled) - self.linear.bias


def save_probe(probe: Probe, path: str | Path) -> None:
    """Write the probe's weights, atomically."""
    speakers, dim = probe.linear.weight.shape
    save_weights(probe, path, {"format": FORMAT, "dim": dim, "num_speakers": speakers, "pooling": probe.pooling})


def load_probe(path: str | Path) -> Probe:
    """Read a probe. MimidiarError for a file that is missing, damaged or no probe."""
    tensors, header = load_weights(path, FORMAT)
    probe = Probe(header["dim"], header["num_speakers"], header["pooling"])
    fill(probe, tensors, path)
    return probe.eval()
