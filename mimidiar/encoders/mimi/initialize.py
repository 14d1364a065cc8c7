"""Initial weights of an untrained Mimi, for the control and for training from scratch."""

import torch
from torch import nn

LAYER_SCALE = 1.0


def initialize(model: nn.Module, seed: int) -> None:
    """Draw the weights of SEANet anew and set the layer scale to 1, in place; other weights stay as torch drew them.

    Torch's default does not serve: its uniform convolution weights (variance 1 / (3 fan_in)) shrink the signal by about
    sqrt(3) a layer while the biases stay. After SEANet's 14 convolutions the output hardly depends on the input, so
    that such a control can contain no speaker information. He-normal weights (variance 2 / fan_in, biases 0; He et al.
    2015) compensate for the power that a rectifier removes, and ELU is one for large values; with variance 1 / fan_in
    the signal dwindles to where ELU is the identity, and the network is almost linear. The layer scale of 0.01 that
    training starts from would hide the transformer.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in (model.encoder, model.decoder):
            for module in part.modules():
                if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                    _draw(module, generator)
        for name, parameter in model.named_parameters():
            if "layer_scale_" in name:
                parameter.fill_(LAYER_SCALE)


def _draw(conv: nn.Conv1d | nn.ConvTranspose1d, generator: torch.Generator) -> None:
    # An output sample of a transposed convolution sums kernel / stride taps of every input channel.
    taps = conv.kernel_size[0] / (conv.stride[0] if isinstance(conv, nn.ConvTranspose1d) else 1)
    fan_in = conv.in_channels // conv.groups * taps
    drawn = torch.randn(conv.weight.shape, generator=generator) * (2 / fan_in) ** 0.5
    conv.weight.copy_(drawn)
    if conv.bias is not None:
        conv.bias.zero_()
