"""Packed layers against the plain ones: any kernel, in any pieces, after training, copied, with gradients."""

import copy

import numpy as np
import pytest
import torch
from moshi.modules.conv import StreamingConv1d
from moshi.modules.streaming import StreamingContainer
from torch import Tensor, nn

from mimidiar.encoders.mimi import onednn_layers as packed
from mimidiar.encoders.mimi.onednn_layers import PackedConv1d, PackedLinear, pack_layers


class Net(StreamingContainer):
    """What is to be quickened stands in it as `inner`."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def both(inner: nn.Module) -> tuple[Net, Net]:
    """The plain module, and a quick one with the same weights."""
    plain, quick = Net(inner).eval(), Net(copy.deepcopy(inner)).eval()
    pack_layers(quick)
    return plain, quick


def convolution(channels: int = 5, kernel: int = 3, stride: int = 1, **more) -> StreamingConv1d:
    torch.manual_seed(0)
    return StreamingConv1d(channels, 7, kernel, stride, causal=True, **more)


def assert_same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (2, 1), (7, 1), (8, 4), (4, 2), (12, 6)])
@pytest.mark.parametrize("pad_mode", ["constant", "replicate"])
@torch.no_grad()
def test_a_convolution_in_one_and_in_pieces(kernel: int, stride: int, pad_mode: str) -> None:
    plain, quick = both(convolution(kernel=kernel, stride=stride, pad_mode=pad_mode))
    assert isinstance(quick.inner, PackedConv1d)
    x, random = torch.randn(3, 5, 60 * stride), np.random.default_rng(kernel)
    assert_same(quick(x), plain(x))
    sizes = (random.multinomial(60 - 8 * 6, np.ones(6) / 6) + 8) * stride  # replicating needs a kernel's length
    with quick.streaming(3):
        pieces = [quick(piece) for piece in x.split(sizes.tolist(), dim=2)]
    assert_same(torch.cat(pieces, dim=2), plain(x))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (8, 4)])
@torch.no_grad()
def test_a_convolution_of_few_frames_and_of_more(kernel: int, stride: int) -> None:
    """The few are computed in another way than the more."""
    plain, quick = both(convolution(kernel=kernel, stride=stride, pad_mode="constant"))
    for frames in range(1, packed.FEW_FRAMES + 4):
        x = torch.randn(2, 5, frames * stride)
        assert quick(x).shape[2] == frames
        assert_same(quick(x), plain(x))


@torch.no_grad()
def test_a_stream_that_stands_still_keeps_its_history() -> None:
    plain, quick = both(convolution(kernel=4, stride=2, pad_mode="replicate"))
    first, second, going = torch.randn(2, 5, 8), torch.randn(2, 5, 8), torch.tensor([True, False])
    outputs = []
    for net in (plain, quick):
        with net.streaming(2):
            net.inner._streaming_state.set_exec_mask(going)
            net(first)
            net.inner._streaming_state.set_exec_mask(torch.ones(2, dtype=torch.bool))
            outputs.append(net(second))
    assert_same(*outputs)
    assert_same(outputs[1][1], plain(second)[1])  # it begins only now
    assert (outputs[1][0] - plain(second)[0]).abs().max() > 1e-2


@pytest.mark.parametrize("more", [{"dilation": 2}, {"kernel": 6, "stride": 2}, {"channels": 7, "groups": 7}])
def test_other_convolutions_stay_as_they_are(more: dict) -> None:
    plain, quick = both(convolution(**more))
    assert type(quick.inner) is StreamingConv1d
    x = torch.randn(1, plain.inner.conv.conv.in_channels, 24)
    assert torch.equal(quick(x), plain(x))


@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_a_linear_layer(bias: bool) -> None:
    plain, quick = both(nn.Linear(33, 17, bias=bias))
    assert isinstance(quick.inner, PackedLinear) and quick.state_dict().keys() == plain.state_dict().keys()
    for shape in ((1, 33), (2, 5, 33), (300, 33)):
        x = torch.randn(shape)
        assert_same(quick(x), plain(x))


def test_weights_that_were_trained_are_packed_anew() -> None:
    _, quick = both(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)))
    x = torch.randn(4, 8)
    with torch.inference_mode():
        before = quick(x)
    assert_same(quick(x), before)  # by torch's own layers, as gradients are wanted
    quick(x).square().sum().backward()
    with torch.no_grad():
        for weight in quick.parameters():
            weight -= weight.grad
    with torch.inference_mode():
        after = quick(x)
    assert_same(after, quick(x))
    assert (after - before).abs().max() > 1e-2


@pytest.mark.parametrize("frames", [2, 60])
@torch.no_grad()
def test_a_copy_and_another_precision(frames: int) -> None:
    _, quick = both(nn.Sequential(nn.Linear(4 * frames, 4 * frames), convolution(8, 8, 4)))
    x = torch.randn(2, 8, 4 * frames)
    expected = quick(x)
    changed = copy.deepcopy(quick)
    assert torch.equal(changed(x), expected)
    changed.inner[0].weight.add_(1)
    assert torch.equal(quick(x), expected) and not torch.equal(changed(x), expected)
    assert_same(quick.double()(x.double()).float(), expected)


@torch.no_grad()
def test_without_onednn_the_layers_are_the_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, quick = both(convolution())
    monkeypatch.setattr(packed, "_AVAILABLE", False)
    x = torch.randn(1, 5, 50)
    assert torch.equal(quick(x), plain(x)) and quick(x).is_contiguous()
