"""The upper layers alone against the whole codec: from a kept tap, in pieces, in crops, and put back."""

import pytest
import torch

from mimidiar.encoders.mimi.sizes import FULL, MINI, layers_above, tap_below
from mimidiar.encoders.mimi.tap import load_mimi
from mimidiar.encoders.mimi.upper_layers import MimiTop, put_top, top_of
from mimidiar.encoders.registry import load_encoder
from mimidiar.errors import MimidiarError
from mimidiar.tests.speech import speech

TOLERANCE = 1e-5  # of the largest value: float32 sums, each 4e-6 from the exact one


@pytest.fixture(scope="module")
def codec(mini_checkpoint):
    return load_mimi(mini_checkpoint, MINI)


@pytest.fixture(scope="module")
def features(mini_checkpoint) -> dict[str, torch.Tensor]:
    """Taps of 30 s of speech, three times the attention's context: (F, D) each."""
    audio = torch.from_numpy(speech(30.0).copy())[None]
    taps = ("seanet", "transformer.0", "latent")
    encoders = {tap: load_encoder("mimi-mini", tap, checkpoint=mini_checkpoint) for tap in taps}
    return {tap: encoder.encode(audio, torch.tensor([audio.shape[1]]))[0][0] for tap, encoder in encoders.items()}


def assert_same(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=TOLERANCE * other.abs().max().item(), rtol=0)


@pytest.mark.parametrize("layers", [1, 2])
def test_from_the_kept_tap_the_latent_is_that_of_the_whole_codec(layers, codec, features):
    top = top_of(codec, MINI, layers)
    assert_same(top.run(features[top.tap]), features["latent"])
    with torch.no_grad():
        assert_same(top(features[top.tap][None])[0], features["latent"])


@pytest.mark.parametrize("chunk_frames", [10, 36, 250, 1000])
def test_any_cutting_into_pieces_gives_the_same(chunk_frames, codec, features):
    top = top_of(codec, MINI, 2)
    assert_same(top.run(features["seanet"], chunk_frames), features["latent"])


@pytest.mark.parametrize("layers", [1, 2])
def test_with_its_history_a_crop_is_that_of_the_recording(layers, codec, features):
    top, first, last = top_of(codec, MINI, layers), 640, 740
    start = first - 2 * -(-top.history_frames // 2)
    with torch.no_grad():
        crop = top(features[top.tap][None, start:last])[0, (first - start) // 2 :]
    assert_same(crop, features["latent"][first // 2 : last // 2])


@pytest.mark.parametrize("layers", [1, 2])
def test_a_frame_depends_on_its_history_and_nothing_else(layers, codec, features):
    top = top_of(codec, MINI, layers)
    x = features[top.tap][None].clone().requires_grad_()
    top(x)[0, 300].sum().backward()
    felt = x.grad[0].abs().sum(1).nonzero().flatten()
    assert (felt.min(), felt.max()) == (600 - top.history_frames, 601)


def test_later_features_change_no_earlier_frame(codec, features):
    top, x = top_of(codec, MINI, 2), features["seanet"][:400]
    changed = x.clone()
    changed[200:] += 1
    assert torch.equal(top.run(changed)[:100], top.run(x)[:100])
    assert not torch.equal(top.run(changed)[100], top.run(x)[100])


def test_put_back_the_codec_is_the_changed_one(mini_checkpoint, features):
    codec = load_mimi(mini_checkpoint, MINI)
    top = top_of(codec, MINI, 1)
    with torch.no_grad():
        for weight in top.parameters():
            weight.mul_(1.1)
    put_top(top, codec)
    audio = torch.from_numpy(speech(30.0).copy())[None, None]
    with torch.no_grad():
        latent = codec.encode_to_latent(audio, quantize=False)[0].T
    assert_same(top.run(features["transformer.0"]), latent)
    assert (latent - features["latent"]).abs().max() > 0.1


def test_the_last_three_of_eight_layers_begin_after_the_fifth():
    assert tap_below(3, FULL) == "transformer.4"
    assert [layers_above(tap_below(n, FULL), FULL) for n in range(1, 9)] == list(range(1, 9))
    for layers in (0, 9):
        with pytest.raises(MimidiarError, match=f"{layers} of the encoder's transformer layers: it has 8"):
            tap_below(layers, FULL)
    with pytest.raises(MimidiarError, match="tap latent comes after the encoder's transformer"):
        layers_above("latent", FULL)


def test_a_copy_does_not_share_weights_with_the_codec(codec):
    top = top_of(codec, MINI, 1)
    before = codec.downsample.conv.conv.conv.weight.clone()
    with torch.no_grad():
        for weight in top.parameters():
            weight.zero_()
    assert torch.equal(codec.downsample.conv.conv.conv.weight, before)
    assert MimiTop(MINI, 1).state_dict().keys() == top.state_dict().keys()
