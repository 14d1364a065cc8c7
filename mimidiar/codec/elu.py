"""ELU by exp, which torch computes in vectors on every CPU; its expm1, on some, one value at a time (13 ns each)."""

import torch
from torch import nn


class QuickElu(nn.Module):
    """ELU with alpha 1: x where x > 0, exp(x) - 1 elsewhere. Where gradients or a GPU are used, torch's own.

    exp(x) - 1 is off by 6e-8 at most, one rounding of numbers near 1. Relative to a result near 0 that is more than
    expm1 would be off, but a convolution adds it to values of the order of 1.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.device.type != "cpu" or (torch.is_grad_enabled() and x.requires_grad):
            return nn.functional.elu(x)
        negative = x.clamp(max=0).exp_().sub_(1)
        return torch.maximum(x, negative, out=negative)


def quicken_elu(module: nn.Module) -> None:
    """Put `QuickElu` in the place of every `nn.ELU` inside `module`; weights and their names stay as they are."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ELU):
                setattr(parent, name, QuickElu())
