"""Channels that cancel, floats that are integers, and the gain of quiet recordings."""

import numpy as np
import pytest
import soundfile

from mimidiar.audio.crosstalk import FRAME, RATE_HZ, find_crosstalk
from mimidiar.audio.files import array_recording, read_audio, stream_audio
from mimidiar.audio.level import LevelGain
from mimidiar.audio.signal import Mixdown, integer_scale
from mimidiar.tests.audio.made import RATE, bursts
from mimidiar.tests.logged import logged

SOUND = bursts(6.0)


def faint(seconds: float, seed: int = 9) -> np.ndarray:
    return (1e-4 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.mark.parametrize("other", [-1.0, -0.8], ids=["inverted", "quieter"])
@pytest.mark.parametrize("chunk_sec", [0.3, 30.0])
def test_where_the_mean_cancels_the_louder_channel_is_read(tmp_path, other, chunk_sec) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([SOUND * -other, SOUND * -1], axis=1)[:, ::-1], RATE, subtype="FLOAT")
    with logged() as said:
        read = np.concatenate(list(stream_audio(path, RATE, chunk_sec)))
    assert np.array_equal(read, -SOUND)
    assert said == [f"{path}: the channels cancel out (one is the other, inverted): channel 1 is read"]


@pytest.mark.parametrize("channels", [2, 8, 16])
@pytest.mark.parametrize("alone", [True, False], ids=["one-speaks", "all-differ"])
def test_channels_that_do_not_cancel_are_averaged(channels, alone) -> None:
    rows = [faint(6.0, seed) if alone and seed else bursts(6.0, seed=seed) for seed in range(channels)]
    block = np.stack(rows, axis=1)
    mix = Mixdown(RATE)
    parts = [mix.step(part) for part in np.array_split(block, 7)] + [mix.step(block[:0], last=True)]
    assert np.array_equal(np.concatenate(parts), block.mean(axis=1)) and mix.cancelled is None


@pytest.mark.parametrize(("full", "subtype"), [(2.0**15, "FLOAT"), (2.0**23, "FLOAT"), (2.0**31, "DOUBLE")])
def test_floats_of_integers_are_scaled_by_what_they_must_be(tmp_path, full, subtype) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, SOUND * full, RATE, subtype=subtype)
    with logged() as said:
        read = read_audio(path, RATE)
    assert np.allclose(read, SOUND, atol=1e-6)
    peak = np.abs(SOUND * np.float32(full)).max()
    assert said == [f"{path}: floats up to {peak:,.0f} instead of 1: divided by {full:,.0f}"]
    with logged() as said:
        recording = array_recording(SOUND * full, RATE)
    assert np.allclose(np.concatenate(list(recording.read())), SOUND, atol=1e-6) and len(said) == 1


@pytest.mark.parametrize("peak", [0.0, 0.5, 1.0, 4.0, 63.0, np.nan])
def test_floats_that_are_merely_loud_are_not_scaled(peak) -> None:
    assert integer_scale(peak) == 1


def talk(level_db: float, seconds: float = 20.0) -> np.ndarray:
    """Half seconds of a noise of this level (dBFS) and pauses 50 dB below it."""
    sound, scale = bursts(seconds), 10 ** (level_db / 20)
    loud = sound / np.sqrt(np.square(sound[sound != 0]).mean()) * scale
    return (loud + faint(seconds) / 1e-4 * scale * 10**-2.5).astype(np.float32)


@pytest.mark.parametrize("level_db", [-40.0, -25.0, -10.0])
def test_the_gain_is_exactly_1_in_the_usual_range(level_db) -> None:
    samples = talk(level_db)
    assert LevelGain(RATE).step(samples) is samples


@pytest.mark.parametrize("level_db", [-100.0, -70.0, -55.0, 6.0, 50.0])
def test_outside_it_speech_comes_to_one_level_within_a_second(level_db) -> None:
    gained = LevelGain(RATE).step(talk(level_db))
    speech = gained[RATE * 3 : RATE * 19].reshape(-1, RATE // 2)[::2]
    assert np.allclose(10 * np.log10(np.square(speech).mean(axis=1)), -25, atol=1.5)


@pytest.mark.parametrize("lengths", [[1], [7, 1280, 1], [100_000], [31, 5000, 12_345]], ids=str)
def test_any_chunks_give_the_same_gain(lengths) -> None:
    samples, gain, parts, at = talk(-60.0), LevelGain(RATE), [], 0
    samples = samples[: RATE // 4 if lengths == [1] else None]
    while at < len(samples):
        length = lengths[len(parts) % len(lengths)]
        parts.append(gain.step(samples[at : at + length]))
        at += length
    assert np.allclose(np.concatenate(parts), LevelGain(RATE).step(samples), rtol=1e-5)


def test_what_comes_later_changes_no_gain_before() -> None:
    samples, other = talk(-60.0), talk(-60.0)
    other[10 * RATE :] *= 100
    first, second = LevelGain(RATE).step(samples), LevelGain(RATE).step(other)
    assert np.array_equal(first[: 10 * RATE], second[: 10 * RATE])


def test_noise_silence_and_a_slammed_door_move_no_gain() -> None:
    noise = faint(20.0)
    assert LevelGain(RATE).step(noise) is noise
    silence = np.zeros(RATE, np.float32)
    assert LevelGain(RATE).step(silence) is silence
    gain, slam = LevelGain(RATE), bursts(0.4) * 4
    gain.step(talk(-60.0))
    gain.step(slam)
    after = gain.step(talk(-60.0))[RATE : 4 * RATE : RATE]
    assert 10 * np.log10(np.square(gain.step(talk(-60.0))).mean()) == pytest.approx(-28, abs=3) and len(after)


def call(crosstalk_db: float, path: np.ndarray) -> np.ndarray:
    """(T, 2) at 8 kHz: the first speaks from 1 to 3 s, the second from 5 to 7, both from 9 to 11.

    `path`: the impulse response from one channel to the other.
    """
    rng = np.random.default_rng(0)
    own = rng.standard_normal((12 * RATE_HZ, 2)).astype(np.float32) * 0.1
    seconds = np.arange(len(own)) / RATE_HZ
    spoken = np.stack([(seconds >= start) & (seconds < start + 2) for start in (1, 5)], axis=1)
    spoken |= ((seconds >= 9) & (seconds < 11))[:, None]
    own *= spoken
    leak = np.stack([np.convolve(own[:, 1 - k], path)[: len(own)] for k in (0, 1)], axis=1)
    leak *= 10 ** (crosstalk_db / 20) / np.sqrt(np.square(path).sum())
    return own + leak + 1e-5 * rng.standard_normal(own.shape).astype(np.float32)


WIRE, ECHO = np.eye(1, 41, 40)[0], np.random.default_rng(1).standard_normal(300) * np.exp(-np.arange(300) / 80)


@pytest.mark.parametrize("chunk", [3000, 100_000])
@pytest.mark.parametrize("path", [WIRE, ECHO], ids=["wire", "echo"])
def test_crosstalk_is_found_where_the_other_alone_speaks(path, chunk) -> None:
    signal = call(-15.0, path)
    found = find_crosstalk(np.split(signal, range(chunk, len(signal), chunk)))
    assert found.shape == (len(signal) // FRAME, 2)
    for channel, (start, end) in enumerate([(5, 7), (1, 3)]):
        heard = found[:, channel]
        inside = slice(round((start + 0.3) * 12.5), round((end - 0.3) * 12.5))
        assert heard[inside].all() and heard.sum() <= 2 * 12.5 + 8
        assert not heard[round(9.3 * 12.5) : round(10.7 * 12.5)].any()  # both speak


def test_channels_without_crosstalk_have_none() -> None:
    assert not find_crosstalk([call(-200.0, WIRE)]).any()
