"""Where somebody speaks: one rule for whole recordings and streams; embeddings are 0 elsewhere."""

import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.encoders.recordings import encode_chunks
from mimidiar.encoders.registry import describe_encoder
from mimidiar.encoders.speaker.windowing import EmbeddingWindows, parse_tap
from mimidiar.encoders.vad import SHORTEST, SpeechSteps, load_silero_vad, speech_frames, speech_segments
from mimidiar.errors import MimidiarError
from mimidiar.tests.diarizers import hear_what_is_loud
from mimidiar.tests.encoders.speaker.embedders import RATE, Levels, made_up_encoder
from mimidiar.tests.encoders.speaker.test_windows import noise
from mimidiar.tests.speech import speech

real_speech = pytest.mark.skipif("MIMIDIAR_MINI_CORPUS" not in os.environ, reason="silero-vad hears no speech in noise")


def silero_segments(probabilities: list[float]) -> list[tuple[int, int]]:
    """The steps of speech by silero-vad's own rule."""
    from silero_vad.utils_vad import get_speech_timestamps_from_probs

    found = get_speech_timestamps_from_probs(probabilities, speech_pad_ms=0)
    return [(each["start"] // 512, each["end"] // 512) for each in found]


@given(st.lists(st.sampled_from([0.1, 0.1, 0.1, 0.6, 0.9, 0.9, 0.4]), max_size=80), st.integers(1, 9))
def test_the_rule_is_that_of_silero_vad_whatever_the_chunks(probabilities: list[float], size: int) -> None:
    """A wait between the thresholds of more than LONGEST_WAIT apart, which does not come here."""
    for k in range(len(probabilities)):
        if probabilities[k : k + 9] == [0.4] * 9:
            probabilities[k] = 0.1
    judge = SpeechSteps()
    parts = [judge.step(probabilities[k : k + size]) for k in range(0, len(probabilities), size)]
    found = np.concatenate([*parts, judge.end()]) if parts else judge.end()
    expected = np.zeros(len(probabilities), bool)
    for start, end in silero_segments(probabilities):
        expected[start:end] = True
    assert found.tolist() == expected.tolist()


@given(st.lists(st.floats(0, 1), max_size=200))
def test_a_step_is_judged_in_bounded_time(probabilities: list[float]) -> None:
    judge, judged = SpeechSteps(), 0
    for seen, probability in enumerate(probabilities, 1):
        judged += len(judge.step([probability]))
        assert judged > seen - 20  # 20 steps of 32 ms are 8 frames of 80 ms
    assert judged + len(judge.end()) == len(probabilities)


def test_what_is_too_short_is_no_speech() -> None:
    for steps in (7, 8):
        judge = SpeechSteps()
        found = np.concatenate([judge.step([0.9] * steps + [0.0] * 9), judge.end()])
        assert found.sum() == (steps if steps > SHORTEST else 0)


@real_speech
def test_the_network_is_that_of_silero_vad() -> None:
    import silero_vad

    audio = torch.from_numpy(np.repeat(speech(4.0)[::3], 2)[: 100 * 512].copy())  # 24 kHz to 8 kHz, and up: coarse
    theirs = silero_vad.load_silero_vad()
    with torch.inference_mode():
        wanted = torch.stack([theirs(step[None], RATE)[0, 0] for step in audio.split(512)])
        found, _ = load_silero_vad()(torch.nn.functional.pad(audio, (64, 0))[None], None)
    torch.testing.assert_close(found[0], wanted, atol=1e-4, rtol=0)
    assert wanted.max() > 0.9


def cut_anywhere(signal: np.ndarray, seed: int, cuts: int = 9) -> list[np.ndarray]:
    return np.split(signal, np.sort(np.random.default_rng(seed).integers(0, len(signal) + 1, cuts)))


@real_speech
def test_activity_is_the_same_however_the_signal_comes() -> None:
    audio = np.repeat(speech(30.0)[::3], 2)
    encoder = describe_encoder("vad").build("cpu")
    whole, frames = encoder.encode(torch.from_numpy(audio)[None], torch.tensor([len(audio)]))
    assert frames.tolist() == [whole.shape[1]] == [-(-len(audio) // 1280)] and 120 < whole.sum() < 375
    for seed in range(3):
        parts = list(encode_chunks(encoder, cut_anywhere(audio, seed)))
        assert np.array_equal(np.concatenate(parts), whole[0].numpy())
    (segments,) = speech_segments([audio])
    middles = (np.arange(len(whole[0])) + 0.5) * 0.08
    inside = np.any([(middles >= start) & (middles < end) for start, end in segments], axis=0)
    assert np.array_equal(inside, whole[0, :, 0].numpy() > 0)


def test_activity_comes_no_later_than_it_says(monkeypatch) -> None:
    hear_what_is_loud(monkeypatch)
    encoder, given = describe_encoder("vad").build("cpu"), 0
    audio = noise(20 * RATE)
    with encoder.stream(2) as stream:
        parts = []
        for heard, piece in enumerate(torch.stack([audio, audio.flip(0)]).split(1280, dim=1), 1):
            parts.append(stream.step(piece))
            given += parts[-1].shape[1]
            assert given >= heard - encoder.lookahead_frames
        parts.append(stream.end())
    found = torch.cat(parts, dim=1)
    torch.testing.assert_close(found, torch.stack([speech_frames(audio), speech_frames(audio.flip(0))]))


def test_vad_has_one_tap_and_its_own_weights() -> None:
    for options in ({"tap": "latent"}, {"checkpoint": "some.safetensors"}):
        with pytest.raises(MimidiarError, match="vad has the tap speech alone"):
            describe_encoder("vad", **options)


def test_outside_of_speech_is_nothing(monkeypatch) -> None:
    hear_what_is_loud(monkeypatch, level=0.05)
    audio = torch.stack([noise(8 * RATE), torch.zeros(8 * RATE)])
    lengths = torch.tensor([8 * RATE, 8 * RATE])
    everywhere, _ = made_up_encoder(Levels()).encode(audio, lengths)
    masked, frames = made_up_encoder(Levels(), EmbeddingWindows(speech=True)).encode(audio, lengths)
    assert frames.tolist() == [100, 100] and masked.shape == everywhere.shape
    inside = speech_frames(audio[0])[:, 0] > 0
    assert 0 < inside.sum() < 100
    torch.testing.assert_close(masked[0, inside], everywhere[0, inside])
    assert not masked[0, ~inside].any() and not masked[1].any()


def test_the_tap_says_so() -> None:
    for windowing in (EmbeddingWindows(speech=True), EmbeddingWindows(2.0, 1.0, "nearest", speech=True)):
        assert windowing.tap.endswith("-speech") and parse_tap(windowing.tap, "campplus") == windowing


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 10 * RATE),
    st.integers(0, 99),
    st.sampled_from(
        [
            EmbeddingWindows(),
            EmbeddingWindows(1.5, 0.2, "nearest"),
            EmbeddingWindows(speech=True),
            EmbeddingWindows(3.0, 1.0, speech=True),
        ]
    ),
)
def test_a_recording_in_chunks_is_the_whole(samples, seed, windowing) -> None:
    encoder, audio = made_up_encoder(Levels(), windowing), noise(samples)
    audio[3 * RATE : 4 * RATE] = 0
    with pytest.MonkeyPatch.context() as patch:
        hear_what_is_loud(patch, level=0.05)
        whole, (frames,) = encoder.encode(audio[None], torch.tensor([len(audio)]))
        found = np.concatenate(list(encode_chunks(encoder, cut_anywhere(audio.numpy(), seed))))
    assert found.shape == (frames, 4)
    np.testing.assert_allclose(found, whole[0].numpy(), atol=1e-6)
    assert not windowing.speech or not found[round(3.3 * 12.5) : round(3.7 * 12.5)].any()


def test_speech_that_is_given_is_not_looked_for() -> None:
    """As a frontend gives it: some frames late."""
    encoder, audio = made_up_encoder(Levels(), EmbeddingWindows(speech=True)), noise(10 * RATE)[None]
    speech = np.zeros((1, 125), bool)
    speech[0, 20:60] = True
    wanted, _ = made_up_encoder(Levels()).encode(audio, torch.tensor([10 * RATE]))
    with encoder.stream(1, speech_given=True) as stream:
        parts = [
            stream.step(piece, speech[:, max(k * 25 - 8, 0) : k * 25 + 17])
            for k, piece in enumerate(audio.split(25 * 1280, dim=1))
        ]
        parts.append(stream.end(speech[:, 117:]))
    torch.testing.assert_close(torch.cat(parts, dim=1), wanted * torch.from_numpy(speech)[..., None])
