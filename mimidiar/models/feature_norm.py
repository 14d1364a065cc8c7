"""Normalisation of features by fixed statistics, which belong to a model as its weights do."""

import torch
from torch import Tensor, nn


class FeatureNorm(nn.Module):
    """(x - mean) / std for features (..., dim); the identity until statistics are set."""

    def __init__(self, dim: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    @torch.no_grad()
    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Set mean and deviation (dim,) of the training features.

        A dimension that is constant in training, but for rounding, is centred and not blown up.
        """
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-6 * (1 + mean.abs()), std, torch.ones_like(std)))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std
