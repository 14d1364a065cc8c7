"""Embeddings where somebody speaks: what is found in pieces is what is found in the whole; the rest is 0."""

import os

import numpy as np
import pytest
import torch

from mimidiar.annotation.regions import subtract, total_sec
from mimidiar.errors import MimidiarError
from mimidiar.speaker import encoder as encoder_module
from mimidiar.speaker.cut import Cut, parse_tap
from mimidiar.speaker.speech import find_speech
from mimidiar.tests.speaker.embedders import RATE, Levels, made_up_encoder
from mimidiar.tests.speaker.test_windows import noise
from mimidiar.tests.speech import speech


@pytest.mark.skipif("MIMIDIAR_MINI_CORPUS" not in os.environ, reason="silero-vad hears no speech in noise")
def test_pieces_find_what_the_whole_has():
    audio = np.repeat(speech(12.0)[::3], 2)  # 24 kHz to 8 kHz, and up: coarse, and still speech
    audio[5 * RATE : 7 * RATE] = 0
    (whole,), (pieces, nothing) = find_speech([audio]), find_speech([audio, np.zeros(RATE, np.float32)], 3.0)
    assert 4 < total_sec(whole) < 10 and total_sec(subtract(whole, [(5.2, 7.0)])) == pytest.approx(total_sec(whole))
    assert total_sec(subtract(whole, pieces)) + total_sec(subtract(pieces, whole)) < 0.08 * total_sec(whole)
    assert nothing == []


def test_outside_of_speech_is_nothing(monkeypatch):
    regions = [[(1.0, 2.0), (5.02, 6.0)], []]
    monkeypatch.setattr(encoder_module, "find_speech", lambda rows: regions[: len(rows)])
    audio = torch.stack([noise(8 * RATE, seed) for seed in (0, 1)])
    lengths = torch.tensor([8 * RATE, 8 * RATE])
    everywhere, _ = made_up_encoder(Levels()).encode(audio, lengths)
    masked, frames = made_up_encoder(Levels(), Cut(speech=True)).encode(audio, lengths)
    assert frames.tolist() == [100, 100] and masked.shape == everywhere.shape
    inside = torch.zeros(100, dtype=torch.bool)
    inside[12:25] = inside[63:75] = True  # frames whose middle lies in a region
    torch.testing.assert_close(masked[0, inside], everywhere[0, inside])
    assert not masked[0, ~inside].any() and not masked[1].any()


def test_the_tap_says_so_and_is_no_stream():
    for cut in (Cut(speech=True), Cut(2.0, 1.0, "nearest", speech=True)):
        assert cut.tap.endswith("-speech") and parse_tap(cut.tap, "campplus") == cut
    with (
        pytest.raises(MimidiarError, match="hears whole recordings; for a stream leave out -speech"),
        made_up_encoder(Levels(), Cut(speech=True)).stream(1),
    ):
        pass
