"""Speaker probes in training: that of one tap (Exp 1.5), and those of all taps of an encoder."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mimidiar.models.adapter import FeatureNorm
from mimidiar.models.projection import PROBE_FORMAT
from mimidiar.models.weights import save_weights
from mimidiar.studies.taps.probes import FORMAT, mixed_taps


class Probe(nn.Module):
    """Linear(dim, speakers) on pooled features, normalized before if statistics are set.

    `pooling`: the frames over which features are averaged, a part of the probe like its weights. Trials are
    scored by the cosine of its outputs without the bias (`mimidiar.models.projection`), as in the original study.
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


class TapClassifier(nn.Module):
    """A linear layer to speakers for each tap, and one for the weighted sum of several layers."""

    def __init__(self, taps: Sequence[str], dim: int, speakers: Sequence[str]):
        super().__init__()
        self.taps, self.speakers = list(taps), list(speakers)
        self.layers = [self.taps.index(tap) for tap in mixed_taps(taps)]
        self.features = FeatureNorm((len(taps), dim))
        count, bound = len(speakers), 1 / math.sqrt(dim)  # the bound of nn.Linear
        self.weight = nn.Parameter(torch.empty(len(taps), count, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(len(taps), count).uniform_(-bound, bound))
        self.mix = nn.Parameter(torch.zeros(len(self.layers)))
        own = count if self.layers else 0
        self.mix_weight = nn.Parameter(torch.empty(own, dim).uniform_(-bound, bound))
        self.mix_bias = nn.Parameter(torch.empty(own).uniform_(-bound, bound))

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, taps, D) -> logits (B, probes, speakers): of each tap, and last of the sum."""
        normal = self.features(pooled)
        logits = torch.einsum("btd,tsd->bts", normal, self.weight) + self.bias
        if not self.layers:
            return logits
        mixed = torch.einsum("l,bld->bd", self.mix.softmax(0), normal[:, self.layers])
        return torch.cat([logits, (mixed @ self.mix_weight.T + self.mix_bias)[:, None]], dim=1)


def save_classifier(model: TapClassifier, path: str | Path) -> None:
    """Write the probes, atomically."""
    save_weights(model, path, {"format": FORMAT, "taps": model.taps, "speakers": model.speakers})
