"""Features of an encoder at mean 0 and deviation 1."""

import torch
from torch import Tensor, nn


class FeatureNorm(nn.Module):
    """(x - mean) / std for features (..., dim), or (..., *dim) for a tuple; the identity until statistics are set.

    In training, noise of deviation `noise` is added, so that the speakers of a small training set cannot be memorized
    by small differences.
    """

    def __init__(self, dim: int | tuple[int, ...], noise: float = 0.0):
        super().__init__()
        self.noise = noise
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    @torch.no_grad()
    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Set mean and deviation (dim,) of the training features.

        A dimension that is constant in training, but for rounding, is centered and not scaled up.
        """
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-6 * (1 + mean.abs()), std, torch.ones_like(std)))

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / self.std
        return x + self.noise * torch.randn_like(x) if self.training and self.noise > 0 else x
