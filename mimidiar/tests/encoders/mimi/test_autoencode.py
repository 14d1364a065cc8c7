"""From sound to sound: as moshi does it, around the codebooks, and with gradients through them."""

import pytest
import torch

from mimidiar.encoders.mimi.autoencode import (
    autoencode,
    balance,
    begin_epoch,
    begin_training,
    prepare_quantizer,
    set_codebooks,
    settled_state,
)
from mimidiar.encoders.mimi.codebooks import codebooks
from mimidiar.encoders.mimi.sizes import MINI
from mimidiar.encoders.mimi.tap import load_mimi, untrained_mimi
from mimidiar.errors import MimidiarError
from mimidiar.tests.speech import speech


def signal(seconds: float, seed: int = 0) -> torch.Tensor:
    """Audio (1, 1, T)."""
    return torch.from_numpy(speech(seconds, seed).copy())[None, None]


@pytest.fixture
def mimi(mini_checkpoint):
    return load_mimi(mini_checkpoint, MINI)


@pytest.fixture
def learning(mimi):
    begin_training(mimi, skip_rate=0.0, dropout=False)
    return mimi


@pytest.mark.parametrize("number", [1, 3, 8])
@torch.no_grad()
def test_it_decodes_what_moshi_decodes(mimi, number: int) -> None:
    audio = signal(2.4)
    set_codebooks(mimi, number)
    passed = autoencode(mimi, audio)
    torch.testing.assert_close(passed.audio, mimi.decode(mimi.encode(audio)), atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(passed.latent, mimi.encode_to_latent(audio, quantize=False))


@torch.no_grad()
def test_around_the_codebooks_is_what_training_does_when_it_skips_them(learning) -> None:
    audio = signal(2.4)
    around = autoencode(learning, audio, quantized=False).audio
    prepare_quantizer(learning.quantizer, skip_rate=1.0, dropout=True)
    torch.testing.assert_close(autoencode(learning, audio).audio, around)
    prepare_quantizer(learning.quantizer, skip_rate=0.0, dropout=False)
    assert (autoencode(learning, audio).audio - around).abs().max() > 0.01 * around.abs().max()


def test_a_share_of_the_rows_skips_the_codebooks(learning) -> None:
    torch.manual_seed(0)
    prepare_quantizer(learning.quantizer, skip_rate=0.3, dropout=False)
    z, quantizer = torch.randn(400, 256, 1), learning.quantizer
    with torch.no_grad():
        half = quantizer.rvq_first
        skipped = (half(z, 12.5).x - half.output_proj(half.input_proj(z))).abs().amax((1, 2)) < 1e-6
    assert 0.22 < skipped.float().mean() < 0.38


def test_gradients_pass_the_codebooks_as_if_they_were_not_there(learning) -> None:
    torch.manual_seed(0)
    quantizer, weights = learning.quantizer, torch.randn(2, 256, 7)
    z = torch.randn(2, 256, 7, requires_grad=True)
    (through,) = torch.autograd.grad((quantizer(z, 12.5).x * weights).sum(), z)
    halves = quantizer.rvq_first, quantizer.rvq_rest
    (around,) = torch.autograd.grad((sum(half.output_proj(half.input_proj(z)) for half in halves) * weights).sum(), z)
    torch.testing.assert_close(through, around)


def test_every_part_of_the_encoder_learns_from_what_is_decoded(learning) -> None:
    passed = autoencode(learning, signal(1.2))
    passed.audio.square().mean().backward()
    for part in (learning.encoder, learning.encoder_transformer, learning.downsample):
        assert all(value.grad.abs().max() > 0 for value in part.parameters())


def test_codebooks_move_towards_what_falls_to_them(learning) -> None:
    """As averages: after many steps on the same frames the first codebook has their means."""
    torch.manual_seed(0)
    quantizer, z = learning.quantizer, torch.randn(16, 256, 12)
    with torch.no_grad():
        before = quantizer(z, 12.5).penalty
        for _ in range(30):
            after = quantizer(z, 12.5).penalty
    assert after < 0.7 * before


def numbers_used(mimi, steps: int) -> list[int]:
    z = torch.zeros(1, 256, 2)
    with torch.no_grad():
        return [mimi.quantizer(z, 12.5).codes.shape[1] for _ in range(steps)]


def test_dropout_uses_any_number_of_codebooks_and_an_epoch_the_same_ones_again(learning) -> None:
    assert set(numbers_used(learning, 5)) == {8}
    prepare_quantizer(learning.quantizer, skip_rate=0.0, dropout=True)
    begin_epoch(learning.quantizer, seed=3, epoch=2)
    first = numbers_used(learning, 60)
    assert set(first) == {2, 3, 4, 5, 6, 7, 8}
    begin_epoch(learning.quantizer, seed=3, epoch=3)
    other = numbers_used(learning, 60)
    begin_epoch(learning.quantizer, seed=3, epoch=2)
    assert numbers_used(learning, 60) == first != other


def test_an_epoch_can_follow_a_validation(learning) -> None:
    audio = signal(0.8)
    learning.eval()
    with torch.inference_mode():
        autoencode(learning, audio)
    learning.train()
    begin_epoch(learning.quantizer, seed=0, epoch=1)
    autoencode(learning, audio).commitment.backward()
    assert learning.downsample.conv.conv.conv.weight.grad.abs().max() > 0


def test_settled_codebooks_are_the_same_vectors(learning) -> None:
    with torch.no_grad():
        learning.quantizer(torch.randn(16, 256, 12), 12.5)
    vectors = [codebook.embedding.clone() for codebook in codebooks(learning.quantizer)]
    settled = untrained_mimi(MINI, 0)
    settled.load_state_dict(settled_state(learning))
    for codebook, wanted in zip(codebooks(settled.quantizer), vectors, strict=True):
        torch.testing.assert_close(codebook.embedding, wanted)
        assert codebook.cluster_usage.eq(1).all()


def test_an_untrained_decoder_begins_as_loud_as_speech(mimi) -> None:
    mimi = untrained_mimi(MINI, 1)
    begin_training(mimi, 0.5, True)
    balance(mimi)
    with torch.no_grad():
        loud = autoencode(mimi, signal(2.4), quantized=False).audio.std()
    assert 0.003 < loud < 0.3


def test_codebooks_that_are_not_there_are_refused(mimi) -> None:
    with pytest.raises(MimidiarError, match="9 codebooks; this Mimi has 8"):
        set_codebooks(mimi, 9)
    with pytest.raises(MimidiarError, match="codebooks of these weights are empty"):
        set_codebooks(untrained_mimi(MINI, 0), 8)
