"""CAM++: a densely connected time-delay network with layers that are masked by the context of the whole window.

Wang, Zheng, Chen, Cheng and Chen 2023, "CAM++: A fast and efficient network for speaker verification using
context-aware masking". Written from the paper; the names of modules are those of the weights that 3D-Speaker publishes,
so that they load strictly. For inference only.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.functional import avg_pool1d, relu
from torch.nn.utils.fusion import fuse_conv_bn_eval

BANDS, DIM = 80, 192
CHANNELS = 32  # of the two-dimensional front end
FIRST, GROWTH, BOTTLENECK = 128, 32, 128
LAYERS, DILATIONS = (12, 24, 16), (1, 2, 2)
SEGMENT_FRAMES = 100  # the context of a mask: 2 s at 50 frames a second, and the whole window besides
# Frames that the front end takes at once: four windows of 1.5 s. Its activations are 30 times as large as its output,
# and beyond the processor's caches they take 1.5 times as long.
FRONT_END_FRAMES = 600


class CamPlusPlus(nn.Module):
    """Log-mel frames (B, T, 80), mean removed -> embeddings (B, 192)."""

    def __init__(self) -> None:
        super().__init__()
        self.head = FrontEnd()
        channels = FIRST
        parts: OrderedDict[str, nn.Module] = OrderedDict(tdnn=TimeDelay(CHANNELS * BANDS // 8, FIRST))
        for number, (layers, dilation) in enumerate(zip(LAYERS, DILATIONS, strict=True), 1):
            parts[f"block{number}"] = DenseBlock(channels, layers, dilation)
            channels += layers * GROWTH
            parts[f"transit{number}"] = Transition(channels, channels // 2)
            channels //= 2
        parts["out_nonlinear"] = norm_relu(channels)
        parts["stats"] = MeanAndDeviation()
        parts["dense"] = Projection(2 * channels, DIM)
        self.xvector = nn.Sequential(parts)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        parts = frames.transpose(1, 2).split(max(1, FRONT_END_FRAMES // frames.shape[1]))
        return self.xvector(torch.cat([self.head(part) for part in parts]))

    def fold(self) -> "CamPlusPlus":
        """Fold every batch normalization that follows a convolution into its weights, in place, and store activations
        channels-last: the same function, faster."""
        for module in list(self.modules()):
            if isinstance(module, FrontEnd | Residual | TimeDelay | DenseLayer | Projection):
                module.fold()
        self.head.to(memory_format=torch.channels_last)
        return self


def norm_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))


class FrontEnd(nn.Module):
    """(B, 80, T) -> (B, 320, T): residual convolutions over bands and time that end with 10 rows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS)
        self.layer1 = nn.Sequential(Residual(2), Residual(1))
        self.layer2 = nn.Sequential(Residual(2), Residual(1))
        self.conv2 = nn.Conv2d(CHANNELS, CHANNELS, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(CHANNELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x[:, None].contiguous(memory_format=torch.channels_last)
        x = relu(self.bn1(self.conv1(x)))
        x = relu(self.bn2(self.conv2(self.layer2(self.layer1(x)))))
        return x.flatten(1, 2)

    def fold(self) -> None:
        self.conv1, self.bn1 = fuse_conv_bn_eval(self.conv1, self.bn1), nn.Identity()
        self.conv2, self.bn2 = fuse_conv_bn_eval(self.conv2, self.bn2), nn.Identity()


class Residual(nn.Module):
    """Two 3 x 3 convolutions with a shortcut; `stride` is along the bands."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        step = (stride, 1)
        self.conv1 = nn.Conv2d(CHANNELS, CHANNELS, 3, stride=step, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(CHANNELS)
        self.conv2 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(CHANNELS)
        self.shortcut = nn.Sequential()
        if stride > 1:
            around = nn.Conv2d(CHANNELS, CHANNELS, 1, stride=step, bias=False)
            self.shortcut = nn.Sequential(around, nn.BatchNorm2d(CHANNELS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        within = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        return relu(within + self.shortcut(x))

    def fold(self) -> None:
        self.conv1, self.bn1 = fuse_conv_bn_eval(self.conv1, self.bn1), nn.Identity()
        self.conv2, self.bn2 = fuse_conv_bn_eval(self.conv2, self.bn2), nn.Identity()
        if len(self.shortcut):
            self.shortcut = nn.Sequential(fuse_conv_bn_eval(*self.shortcut))


class TimeDelay(nn.Module):
    """(B, C, T) -> (B, D, T / 2): a convolution over five frames, from 100 frames a second to 50."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 5, stride=2, padding=2, bias=False)
        self.nonlinear = norm_relu(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.nonlinear(self.linear(x))

    def fold(self) -> None:
        self.linear, self.nonlinear = fuse_conv_bn_eval(self.linear, self.nonlinear.batchnorm), nn.ReLU()


class DenseBlock(nn.ModuleDict):
    """(B, C, T) -> (B, C + layers * GROWTH, T): every layer takes the outputs of all layers before it."""

    def __init__(self, channels: int, layers: int, dilation: int) -> None:
        names = {f"tdnnd{i + 1}": DenseLayer(channels + i * GROWTH, dilation) for i in range(layers)}
        super().__init__(names)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        channels = x.shape[1]
        # One tensor for the whole block: a concatenation for each layer would copy everything each time.
        made = x.new_empty(x.shape[0], channels + len(self) * GROWTH, x.shape[2])
        made[:, :channels] = x
        for layer in self.values():
            made[:, channels : channels + GROWTH] = layer(made[:, :channels])
            channels += GROWTH
        return made


class DenseLayer(nn.Module):
    """(B, C, T) -> (B, GROWTH, T): a bottleneck, then the masked convolution."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = norm_relu(channels)
        self.linear1 = nn.Conv1d(channels, BOTTLENECK, 1, bias=False)
        self.nonlinear2 = norm_relu(BOTTLENECK)
        self.cam_layer = ContextAwareMask(dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))

    def fold(self) -> None:
        self.linear1, self.nonlinear2 = fuse_conv_bn_eval(self.linear1, self.nonlinear2.batchnorm), nn.ReLU()


class ContextAwareMask(nn.Module):
    """(B, BOTTLENECK, T) -> (B, GROWTH, T): a dilated convolution times a mask in (0, 1) for each channel and segment.

    The mask depends on the mean over the window and over the segment of 2 s (section 2.2 of the paper).
    """

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(BOTTLENECK, GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(BOTTLENECK, BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(BOTTLENECK // 2, GROWTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        segments = avg_pool1d(x, SEGMENT_FRAMES, ceil_mode=True) if x.shape[2] > SEGMENT_FRAMES else x.mean(2, True)
        mask = self.linear2(relu(self.linear1(x.mean(2, keepdim=True) + segments))).sigmoid()
        if mask.shape[2] > 1:
            mask = mask.repeat_interleave(SEGMENT_FRAMES, dim=2)[:, :, : x.shape[2]]
        return self.linear_local(x) * mask


class Transition(nn.Module):
    """(B, C, T) -> (B, C / 2, T)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.nonlinear = norm_relu(inputs)
        self.linear = nn.Conv1d(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.nonlinear(x))


class MeanAndDeviation(nn.Module):
    """(B, C, T) -> (B, 2 C): mean and standard deviation over time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        deviation, mean = torch.std_mean(x, dim=2, unbiased=True)
        return torch.cat([mean, deviation], dim=1)


class Projection(nn.Module):
    """(B, C) -> (B, DIM), normalized to the mean and deviation of the training speakers."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(outputs, affine=False)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.nonlinear(self.linear(x[:, :, None]))[:, :, 0]

    def fold(self) -> None:
        self.linear, self.nonlinear = fuse_conv_bn_eval(self.linear, self.nonlinear.batchnorm), nn.Identity()
