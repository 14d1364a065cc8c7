"""Codebooks filled for a codec without: tokens that tell frames apart, and rebuild them better than none."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from mimidiar.encoders.mimi.codebooks import are_empty, fill_codebooks
from mimidiar.encoders.mimi.sizes import MINI
from mimidiar.encoders.mimi.tap import load_mimi, untrained_mimi
from mimidiar.errors import MimidiarError

SMALL = replace(MINI, num_codebooks=4, codebook_size=128)
FRAMES = 1500


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    """Latent frames (N, D) in 40 clouds."""
    generator = torch.Generator().manual_seed(0)
    centres = 3 * torch.randn(40, MINI.dimension, generator=generator)
    chosen = torch.randint(40, (FRAMES,), generator=generator)
    return centres[chosen] + torch.randn(FRAMES, MINI.dimension, generator=generator)


@pytest.fixture(scope="module")
def quantizer(frames):
    quantizer = untrained_mimi(SMALL, 0).quantizer
    assert are_empty(quantizer)
    fill_codebooks(quantizer, frames, seed=0)
    return quantizer


@torch.no_grad()
def test_every_codebook_tells_frames_apart(quantizer, frames) -> None:
    assert not are_empty(quantizer)
    codes = quantizer.encode(frames.T[None])[0]
    assert codes.shape == (SMALL.num_codebooks, FRAMES)
    assert min(len(row.unique()) for row in codes) > 60


@torch.no_grad()
def test_each_codebook_leaves_less_over_than_the_one_before(quantizer, frames) -> None:
    """What the acoustic half is fed, less what its first n codebooks decode to."""
    rvq = quantizer.rvq_rest
    x = rvq.input_proj(frames.T[None])
    codes = rvq.vq.encode(x)
    left = [float((x - rvq.vq.decode(codes[:n])).square().mean()) for n in range(1, len(codes) + 1)]
    assert all(later < earlier for earlier, later in pairwise(left))
    assert left[-1] < 0.5 * float(x.var())


def test_the_same_seed_gives_the_same_codebooks_and_another_one_others(frames, quantizer) -> None:
    again, other = (untrained_mimi(SMALL, 0).quantizer for _ in range(2))
    fill_codebooks(again, frames, seed=0)
    fill_codebooks(other, frames, seed=1)
    name = "rvq_first.vq.layers.0._codebook.embedding_sum"
    assert torch.equal(again.state_dict()[name], quantizer.state_dict()[name])
    assert not torch.equal(other.state_dict()[name], quantizer.state_dict()[name])


def test_too_few_frames_are_refused(frames) -> None:
    with pytest.raises(MimidiarError, match="100 frames for 128 codes"):
        fill_codebooks(untrained_mimi(SMALL, 0).quantizer, frames[:100], seed=0)


def test_a_codec_with_codebooks_is_known(mini_checkpoint) -> None:
    assert not are_empty(load_mimi(mini_checkpoint, MINI).quantizer)
