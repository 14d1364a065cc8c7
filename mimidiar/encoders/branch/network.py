"""The speaker branch: a small causal network beside a frozen codec that says, every 80 ms, who speaks.

Its input is what the codec computes anyway, its output a unit vector of the speaker and the activity of speech and of
overlap. The codec's weights, and so its codes, stay as they are. Residual blocks of a dilated depthwise convolution and
two pointwise ones (Liu et al. 2022, "A ConvNet for the 2020s"), causal in time.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mimidiar.encoders.branch import ACTIVITIES
from mimidiar.encoders.normalization import FeatureNorm


@dataclass
class BranchConfig:
    """The arguments of a branch."""

    input_dim: int = 768
    width: int = 208
    expansion: int = 2  # of the width, between the pointwise convolutions of a block
    kernel: int = 5
    dilations: list[int] = field(default_factory=lambda: [1, 2, 4, 8, 1, 2])  # of the blocks
    embedding_dim: int = 192
    lookaheads: list[int] = field(default_factory=lambda: [0, 3])  # frames; each has its own output layer
    dropout: float = 0.1
    feature_noise: float = 0.1  # in training, in deviations of the feature itself


class BranchOutput(NamedTuple):
    """For each look-ahead, unit vectors (B, L, T, E) and logits of speech and overlap (B, L, T, 2)."""

    embeddings: Tensor
    activity: Tensor


class SpeakerBranch(nn.Module):
    """Features (B, T, D) -> `BranchOutput`; what stands at frame t with a look-ahead of n frames is about t - n."""

    def __init__(
        self,
        input_dim: int,
        width: int,
        expansion: int,
        kernel: int,
        dilations: list[int],
        embedding_dim: int,
        lookaheads: list[int],
        dropout: float,
        feature_noise: float,
    ):
        super().__init__()
        self.lookaheads, self.embedding_dim = list(lookaheads), embedding_dim
        self.features = FeatureNorm(input_dim, feature_noise)
        self.input = nn.Linear(input_dim, width)
        self.blocks = nn.ModuleList(CausalBlock(width, expansion, kernel, dilation, dropout) for dilation in dilations)
        self.norm = nn.LayerNorm(width)
        self.outputs = nn.ModuleList(nn.Linear(width, embedding_dim + ACTIVITIES) for _ in lookaheads)

    def forward(self, features: Tensor, state: list[Tensor] | None = None) -> tuple[BranchOutput, list[Tensor]]:
        """Features (B, T, D), and the state after those before; at the beginning of recordings None."""
        x = self.input(self.features(features))
        state = self.init_state(len(x)) if state is None else state
        kept = []
        for block, past in zip(self.blocks, state, strict=True):
            x, past = block(x, past)
            kept.append(past)
        x = self.norm(x)
        found = torch.stack([output(x) for output in self.outputs], dim=1)
        embeddings, activity = found.split([self.embedding_dim, ACTIVITIES], dim=-1)
        return BranchOutput(F.normalize(embeddings, dim=-1), activity), kept

    def init_state(self, batch: int) -> list[Tensor]:
        """The inputs that the blocks' convolutions still need, at the beginning of `batch` recordings: zeros."""
        return [self.input.weight.new_zeros(batch, block.history, self.input.out_features) for block in self.blocks]


class CausalBlock(nn.Module):
    """x + MLP(norm(depthwise convolution of the past)); (B, T, C) throughout."""

    def __init__(self, width: int, expansion: int, kernel: int, dilation: int, dropout: float):
        super().__init__()
        self.dilation, self.history = dilation, (kernel - 1) * dilation
        self.depthwise = nn.Conv1d(width, width, kernel, dilation=dilation, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, C) and the `history` inputs before -> the output (B, T, C), and the last `history` inputs."""
        seen = torch.cat([past, x], dim=1)
        mixed = self.depthwise(seen.transpose(1, 2)).transpose(1, 2)
        return x + self.dropout(self.narrow(F.gelu(self.wide(self.norm(mixed))))), seen[:, x.shape[1] :]


def aligned(output: Tensor, lookahead: int) -> Tensor:
    """(..., T, D) at one look-ahead -> (..., T - lookahead, D), frame t about t."""
    return output[..., lookahead:, :]
