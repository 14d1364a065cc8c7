"""Mimi's linear layers and convolutions as CPUs compute them fastest: by oneDNN, on weights that were packed once.

torch's own layers pack the weights anew at each call, use another library for linear layers and convolutions of one
frame, and store channels before time, which oneDNN has to transpose. Here a frame's channels are contiguous in memory
from the first convolution to the last. The operators are those that torch.compile emits for a frozen model. With
gradients, on a GPU or with another torch, moshi's layers run unchanged; weights keep their names.
"""

from collections.abc import Callable
from functools import partial

import torch
from moshi.modules.conv import StreamingConv1d
from moshi.modules.streaming import StreamingModule
from torch import Tensor, nn

_ONEDNN = torch.ops.mkldnn
_OPERATORS = ("_linear_pointwise", "_convolution_pointwise", "_reorder_linear_weight", "_reorder_convolution_weight")
_AVAILABLE = torch.backends.mkldnn.is_available() and all(hasattr(_ONEDNN, name) for name in _OPERATORS)
ROWS = 100  # frames in a call, as a hint to the packing; others are correct as well
# Up to so many output frames, oneDNN computes convolutions of many lengths up to 200 times slower than a linear layer.
FEW_FRAMES = 24


def pack_layers(module: nn.Module) -> None:
    """Replace the layers inside `module` by packed ones on the same weights; the results are the same."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, PackedLinear(child))
            elif type(child) is StreamingConv1d and _packable(child):
                setattr(parent, name, PackedConv1d(child))


def _packable(conv: StreamingConv1d) -> bool:
    """Kernels of any length at stride 1, and of twice the stride: all that Mimi's encoder has."""
    plain = conv.conv.conv
    kernel, stride = plain.kernel_size[0], plain.stride[0]
    return (plain.dilation[0], plain.groups) == (1, 1) and (stride == 1 or kernel == 2 * stride)


def _packs(x: Tensor, *parameters: Tensor | None) -> bool:
    """Whether oneDNN can take this input: float32 on a CPU, and no gradient is needed."""
    if not (_AVAILABLE and torch.backends.mkldnn.enabled) or x.device.type != "cpu" or x.dtype != torch.float32:
        return False
    return not (torch.is_grad_enabled() and any(each is not None and each.requires_grad for each in (x, *parameters)))


class Packing:
    """A weight in the layout that oneDNN wants it in: made when first needed, and again when the weight has changed."""

    def __init__(self, pack: Callable[[Tensor], Tensor]):
        self._pack, self._of, self._packed = pack, None, None

    def of(self, weight: Tensor) -> Tensor:
        now = weight.data_ptr(), 0 if weight.is_inference() else weight._version
        if self._of != now:
            self._packed, self._of = self._pack(weight.detach()), now
        return self._packed

    def __deepcopy__(self, memo: dict) -> "Packing":
        return Packing(self._pack)  # a packed tensor cannot be copied; the copy of the weight is packed anew


class PackedLinear(nn.Linear):
    """A linear layer on the weights of `plain`."""

    def __init__(self, plain: nn.Linear):
        nn.Module.__init__(self)
        self.in_features, self.out_features = plain.in_features, plain.out_features
        self.weight, self.bias = plain.weight, plain.bias
        self._packing = Packing(_pack_linear)

    def forward(self, x: Tensor) -> Tensor:
        if not _packs(x, self.weight, self.bias):
            return super().forward(x)
        return _linear(x, self._packing.of(self.weight), self.bias)


class PackedConv1d(StreamingConv1d):
    """moshi's streaming convolution on the weights of `plain`, with its state; (B, C, T) -> (B, C', T'), the channels
    of a frame contiguous in memory.

    A kernel of twice the stride is a kernel of 2 on blocks of `stride` frames, which are blocks in memory already. For
    few output frames, as in a stream, oneDNN has no fast convolution: they are a linear layer on their windows.
    """

    def __init__(self, plain: StreamingConv1d):
        StreamingModule.__init__(self)
        self.conv, self.pad_mode = plain.conv, plain.pad_mode
        self._linear, self._blocks = Packing(_pack_linear), Packing(partial(_pack_blocks, stride=self._stride))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.conv.conv.weight, self.conv.conv.bias
        if not _packs(x, weight, bias):
            return super().forward(x)
        rows = self._after_history(x)
        if self._kernel_size == 1 or (rows.shape[1] - self._kernel_size) // self._stride < FEW_FRAMES:
            windows = rows.unfold(1, self._kernel_size, self._stride).flatten(2)
            return _linear(windows, self._linear.of(weight), bias).transpose(1, 2)
        blocks = rows.reshape(len(rows), -1, self._stride * rows.shape[2])
        return _convolve(blocks.transpose(1, 2), self._blocks.of(weight), bias)

    def _after_history(self, x: Tensor) -> Tensor:
        """Frames (B, H + T, C): the last H of the stream (silence at its start), then those of `x` (B, C, T)."""
        state = self._init_streaming_state(len(x)) if self._streaming_state is None else self._streaming_state
        history, rows = state.previous.transpose(1, 2), x.transpose(1, 2)
        if not history.shape[1]:
            return rows
        running = state.exec_mask[:, None, None]
        if self.pad_mode == "replicate":
            history = torch.where(state.first[:, None, None] & running, rows[:, :1], history)
            state.first &= ~state.exec_mask
        rows = torch.cat([history, rows], dim=1)
        state.previous[:] = torch.where(running, rows[:, -history.shape[1] :], history).transpose(1, 2)
        return rows


def _pack_linear(weight: Tensor) -> Tensor:
    """Of (out, in), or of a convolution's (out, in, 1)."""
    return _ONEDNN._reorder_linear_weight(weight.flatten(1), ROWS)


def _pack_blocks(weight: Tensor, stride: int) -> Tensor:
    """Of a convolution's (out, in, kernel) as (out, stride * in, kernel / stride)."""
    blocks = weight.transpose(1, 2).reshape(len(weight), -1, stride * weight.shape[1]).transpose(1, 2)
    image = blocks[:, :, None].contiguous(memory_format=torch.channels_last)
    size = [1, image.shape[1], 1, image.shape[3] - 1 + ROWS]
    return _ONEDNN._reorder_convolution_weight(image, [0, 0], [1, 1], [1, 1], 1, size)


def _linear(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    return _ONEDNN._linear_pointwise(x, packed, bias, "none", [], "")


def _convolve(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    """(B, C, T) -> (B, C', T'), as an image of height 1: only those have packed weights."""
    image = _ONEDNN._convolution_pointwise(x[:, :, None], packed, bias, [0, 0], [1, 1], [1, 1], 1, "none", [], "")
    return image[:, :, 0]
