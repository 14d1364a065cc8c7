"""Embeddings where somebody speaks: what is found in pieces is what is found in the whole; the rest is 0."""

import os

import numpy as np
import pytest
import torch

from mimidiar.annotation.regions import subtract, total_sec
from mimidiar.encoders.registry import describe_encoder
from mimidiar.encoders.speaker import encoder as encoder_module
from mimidiar.encoders.speaker.windowing import Cut, parse_tap
from mimidiar.encoders.speech import _pieces, find_speech, find_speech_in_chunks
from mimidiar.errors import MimidiarError
from mimidiar.tests.encoders.speaker.embedders import RATE, Levels, made_up_encoder
from mimidiar.tests.encoders.speaker.test_windows import noise
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


def cut_anywhere(signal: np.ndarray, seed: int, cuts: int = 9) -> list[np.ndarray]:
    return np.split(signal, np.sort(np.random.default_rng(seed).integers(0, len(signal) + 1, cuts)))


@pytest.mark.parametrize("seconds", [0.0, 0.3, 3.0, 4.5, 6.0, 17.2])
def test_pieces_are_the_same_however_the_signal_comes(seconds):
    """Each holds what it speaks for and what is around that, as far as there is a signal."""
    signal = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    whole = list(_pieces([signal], 3.0))
    for first, sound, (start, end) in whole:
        assert first == max(0, round((start - 1.5) * RATE))
        assert np.array_equal(sound, signal[first : round((end + 1.5) * RATE)])
    edges = [edge for _, _, region in whole for edge in region]
    assert edges[::2] == edges[:1] + edges[1:-1:2] and (not edges or edges[-1] == seconds)
    for seed in range(3):
        pieces = list(_pieces(cut_anywhere(signal, seed), 3.0))
        assert [(first, region) for first, _, region in pieces] == [(first, region) for first, _, region in whole]
        assert all(np.array_equal(a[1], b[1]) for a, b in zip(pieces, whole, strict=True))


@pytest.mark.skipif("MIMIDIAR_MINI_CORPUS" not in os.environ, reason="silero-vad hears no speech in noise")
def test_speech_is_the_same_however_the_signal_comes():
    audio = np.repeat(speech(30.0)[::3], 2)
    (whole,) = find_speech([audio])
    assert total_sec(whole) > 10
    assert find_speech_in_chunks([cut_anywhere(audio, 1), []]) == [whole, []]
    (quicker,) = find_speech_in_chunks([[audio]], seconds=30.0)
    np.testing.assert_allclose(quicker, whole, atol=0.04)  # a step of silero-vad, where it is in doubt


@pytest.mark.parametrize("cut", [Cut(), Cut(1.5, 0.2, "nearest"), Cut(speech=True), Cut(3.0, 1.0, speech=True)])
@pytest.mark.parametrize("seconds", [0.01, 0.05, 1.0, 9.03])
def test_a_recording_in_chunks_is_the_whole(monkeypatch, cut, seconds):
    regions = [(0.5, 2.0), (4.02, 4.1), (8.0, 20.0)]
    monkeypatch.setattr(encoder_module, "find_speech", lambda rows: [regions])
    monkeypatch.setattr(encoder_module, "find_speech_in_chunks", lambda recordings: [regions])
    encoder, audio = made_up_encoder(Levels(), cut), noise(round(seconds * RATE))
    audio[3 * RATE : 4 * RATE] = 0
    whole, (frames,) = encoder.encode(audio[None], torch.tensor([len(audio)]))
    monkeypatch.setattr("mimidiar.encoders.speaker.windows.FILLED_FRAMES", 11)
    for seed in range(3):
        chunks = cut_anywhere(audio.numpy(), seed)
        for speech_given in (None, regions):
            found = encoder.encode_recording(lambda chunks=chunks: iter(chunks), speech_given)
            assert found.shape == (frames, 4)
            np.testing.assert_allclose(found, whole[0].numpy(), atol=1e-6)
    assert not cut.speech or not found[round(2.2 * 12.5) : round(4 * 12.5)].any()


def test_campplus_in_chunks_is_the_whole(campplus_checkpoint):
    spec = describe_encoder("campplus", "window1.5-hop0.6", campplus_checkpoint)
    encoder, audio = spec.build("cpu"), noise(round(6.7 * RATE))
    whole, _ = encoder.encode(audio[None], torch.tensor([len(audio)]))
    found = encoder.encode_recording(lambda: iter(cut_anywhere(audio.numpy(), 0)))
    np.testing.assert_allclose(found, whole[0].numpy(), atol=1e-5)
