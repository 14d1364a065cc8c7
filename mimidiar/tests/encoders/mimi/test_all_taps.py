"""All taps in one pass are the taps that are computed one by one."""

import pytest
import torch

from mimidiar.encoders.mimi.all_taps import in_pairs, study_taps
from mimidiar.encoders.mimi.sizes import FULL, MINI, SAMPLE_RATE, tap_names
from mimidiar.encoders.registry import load_encoder
from mimidiar.tests.speech import speech

TAPS = study_taps(tap_names(MINI))


@pytest.fixture(scope="module")
def every(mini_checkpoint):
    encoder, taps = load_encoder("mimi-mini", checkpoint=mini_checkpoint).all_taps()
    assert taps == TAPS
    return encoder


def test_the_taps_of_a_study() -> None:
    assert TAPS[:4] == ["seanet", "transformer.0", "transformer.1", "latent"]
    books = [tap for tap in study_taps(tap_names(FULL)) if tap.startswith("quantized")]
    assert books == ["quantized.1", "quantized.2", "quantized.4", "quantized.8", "quantized.16", "quantized.32"]


def test_each_is_what_its_own_encoder_gives(every, mini_checkpoint) -> None:
    """Also past the ten seconds of the attention's context, in a batch with a shorter one; pairs of 25 Hz as means."""
    lengths = torch.tensor([12 * SAMPLE_RATE + 5, 2 * SAMPLE_RATE])
    audio = torch.from_numpy(speech(25.0).copy())[: 2 * int(lengths[0])].view(2, -1)
    together, frames = every.encode(audio, lengths)
    assert together.shape == (2, 151, len(TAPS) * MINI.dimension) and frames.tolist() == [151, 25]
    for number, tap in enumerate(TAPS):
        own = load_encoder("mimi-mini", tap, checkpoint=mini_checkpoint)
        alone, _ = own.encode(audio, lengths)
        alone = in_pairs(alone) if own.frame_hz == 25 else alone
        found = together[..., number * MINI.dimension : (number + 1) * MINI.dimension]
        torch.testing.assert_close(found, alone, atol=5e-6 * max(1.0, alone.abs().max().item()), rtol=0)


def test_a_stream_gives_the_same_in_any_steps(every) -> None:
    audio = torch.from_numpy(speech(3.2).copy())[None]
    whole, _ = every.encode(audio, torch.tensor([audio.shape[1]]))
    with every.stream(1) as stream:
        steps = [stream.step(part) for part in audio.split([1920, 1920 * 29, 1920 * 10], dim=1)]
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=5e-6 * whole.abs().max().item(), rtol=0)
