"""Channels that cancel, floats that are integers, and the gain of quiet recordings."""

import numpy as np
import pytest
import soundfile

from mimidiar.audio.crosstalk import FRAME, RATE_HZ, find_crosstalk
from mimidiar.audio.files import array_recording, read_audio, stream_audio
from mimidiar.audio.level import LevelGain
from mimidiar.audio.signal import FloatScale, Mixdown
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
    told = "the channels cancel out for 3.0 s (one is the other, inverted): channel 1 is read instead"
    assert said == [f"{path}: {told}"]


@pytest.mark.parametrize("beginning", [2 / 32768, 0.1], ids=["offset", "beep"])
def test_what_cancels_for_a_moment_loses_no_channel(beginning) -> None:
    call = np.stack([bursts(8.0) * (np.arange(8 * RATE) < 4 * RATE), bursts(8.0, seed=1)], axis=1)
    call[: RATE // 2] = beginning * np.sin(np.arange(RATE // 2) / 5)[:, None] * [1, -1]
    mix = Mixdown(RATE)
    mono = mix.step(call, last=True)
    assert np.array_equal(mono[RATE // 2 :], call[RATE // 2 :].mean(axis=1)) and mono[: RATE // 2].any()
    assert mix.cancelled_sec == (0.5 if beginning == 0.1 else 0)


def test_channels_that_come_and_go_keep_all_samples_in_order() -> None:
    mix, counts = Mixdown(RATE), [(6000, 2), (8000, 1), (5000, 2), (9000, 6), (100, 6), (3000, 1)]
    blocks = [np.full((count, channels), number, np.float32) for number, (count, channels) in enumerate(counts)]
    parts = [mix.step(block, number == len(blocks) - 1) for number, block in enumerate(blocks)]
    assert np.array_equal(np.concatenate(parts), np.repeat(np.arange(6), [count for count, _ in counts]))


@pytest.mark.parametrize("channels", [2, 8, 16])
@pytest.mark.parametrize("alone", [True, False], ids=["one-speaks", "all-differ"])
def test_channels_that_do_not_cancel_are_averaged(channels, alone) -> None:
    rows = [faint(6.0, seed) if alone and seed else bursts(6.0, seed=seed) for seed in range(channels)]
    block = np.stack(rows, axis=1)
    mix = Mixdown(RATE)
    parts = [mix.step(part) for part in np.array_split(block, 7)] + [mix.step(block[:0], last=True)]
    assert np.array_equal(np.concatenate(parts), block.mean(axis=1)) and mix.cancelled_sec == 0


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


@pytest.mark.parametrize(
    ("peak", "clicks"), [(1.0, 0.0), (4.0, 0.0), (63.0, 0.0), (np.nan, 0.0), (1.0, 70.0), (0.0, 0.0)]
)
def test_floats_that_are_merely_loud_or_have_a_click_are_not_scaled(peak, clicks) -> None:
    samples = SOUND / np.abs(SOUND).max() * peak
    samples[5000] += clicks
    scale = FloatScale()
    for part in np.array_split(samples, 7):
        scale.step(part)
    assert scale.scale == 1


def talk(level_db: float, seconds: float = 20.0) -> np.ndarray:
    """Syllables of a quarter of a second at this level (dBFS), or up to 20 dB below it, and pauses 50 dB below it."""
    time, scale = np.arange(round(seconds * RATE)) / RATE, 10 ** (level_db / 20)
    steps = np.array([0, -8, -3, -np.inf, -1, -20, -5, -np.inf])[(time * 4).astype(int) % 8]
    noise = np.random.default_rng(0).standard_normal((2, len(time)))
    return ((10 ** (steps / 20) * noise[0] + 10**-2.5 * noise[1]) * scale).astype(np.float32)


def levels_db(samples: np.ndarray) -> np.ndarray:
    """Of each quarter of a second."""
    return 10 * np.log10(np.square(samples[: len(samples) // 4000 * 4000].reshape(-1, 4000)).mean(axis=1) + 1e-20)


@pytest.mark.parametrize("level_db", [-40.0, -25.0, -8.0])
def test_the_gain_is_exactly_1_in_the_usual_range(level_db) -> None:
    samples = talk(level_db)
    assert LevelGain(RATE).step(samples) is samples


@pytest.mark.parametrize("level_db", [-100.0, -70.0, -55.0, 6.0, 50.0])
def test_outside_it_speech_comes_to_one_level_within_a_second(level_db) -> None:
    gained = levels_db(LevelGain(RATE).step(talk(level_db)))
    assert np.allclose(gained[8::8], -24, atol=2.5)
    assert np.allclose(gained[16::8] - gained[18::8], 3, atol=0.6)


@pytest.mark.parametrize("lengths", [[1], [7, 1280, 1], [100_000], [31, 5000, 12_345]], ids=str)
def test_any_chunks_give_the_same_gain_bit_for_bit(lengths) -> None:
    samples, gain, parts, at = talk(-60.0), LevelGain(RATE), [], 0
    samples = samples[: RATE // 4 if lengths == [1] else None]
    while at < len(samples):
        length = lengths[len(parts) % len(lengths)]
        parts.append(gain.step(samples[at : at + length]))
        at += length
    assert np.array_equal(np.concatenate(parts), LevelGain(RATE).step(samples))


def test_what_comes_later_changes_no_gain_before() -> None:
    samples, other = talk(-60.0), talk(-60.0)
    other[10 * RATE :] *= 100
    first, second = LevelGain(RATE).step(samples), LevelGain(RATE).step(other)
    assert np.array_equal(first[: 10 * RATE], second[: 10 * RATE])


def test_noise_is_not_amplified_whatever_interrupts_it() -> None:
    noise = faint(60.0) * 10
    dropout, weak_start = noise.copy(), noise.copy()
    dropout[10 * RATE : 11 * RATE] *= 1e-3
    weak_start[:RATE] *= 1e-2
    for samples in (noise, dropout, weak_start, np.zeros(RATE, np.float32)):
        assert LevelGain(RATE).step(samples) is samples


def test_a_slammed_door_in_a_whisper_is_soon_forgotten() -> None:
    gain = LevelGain(RATE)
    before = levels_db(gain.step(talk(-60.0)))
    gain.step(bursts(0.4) * 4)
    after = levels_db(gain.step(talk(-60.0)))
    assert np.allclose(after[16:], before[16:], atol=2)


def test_who_speaks_up_after_a_whisper_is_turned_down_at_once() -> None:
    gain = LevelGain(RATE)
    gain.step(talk(-65.0))
    loud = talk(-25.0)
    gained = gain.step(loud)
    assert np.array_equal(gained[RATE // 4 :], loud[RATE // 4 :])


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
    found = find_crosstalk(np.split(signal, range(chunk, len(signal), chunk))).frames
    assert found.shape == (len(signal) // FRAME, 2)
    for channel, (start, end) in enumerate([(5, 7), (1, 3)]):
        heard = found[:, channel]
        inside = slice(round((start + 0.3) * 12.5), round((end - 0.3) * 12.5))
        assert heard[inside].all() and heard.sum() <= 2 * 12.5 + 8
        assert not heard[round(9.3 * 12.5) : round(10.7 * 12.5)].any()  # both speak


def test_channels_without_crosstalk_have_none() -> None:
    found = find_crosstalk([call(-200.0, WIRE)])
    assert not found.frames.any() and abs(found.alike) < 0.1


def test_two_channels_of_the_same_sound_are_alike() -> None:
    signal = call(-200.0, WIRE)[:, :1]
    assert find_crosstalk([np.repeat(signal, 2, axis=1) * [1, 0.5]]).alike > 0.99
