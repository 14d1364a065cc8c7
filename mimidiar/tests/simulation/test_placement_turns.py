"""Turns, what is measured of them, and the noise floor."""

import numpy as np
import pytest

from mimidiar.annotation.turns import Turn, make_turns
from mimidiar.simulation.acoustics import add_noise_floor, set_level
from mimidiar.simulation.placement import activity_seconds, describe


def turn(speaker: str, start: float, end: float) -> Turn:
    return Turn("r", start, end, speaker)


def test_pieces_are_cut_joined_and_sorted() -> None:
    late = turn("b", 9.995, 12.0)
    pieces = [turn("b", 0.5, 2.0), turn("a", 1.2, 1.5), turn("a", 0.0, 1.0), turn("a", 1.8, 9.0), late]
    assert make_turns(pieces, 10.0, join_gap_sec=0.2) == [turn("a", 0.0, 1.5), turn("b", 0.5, 2.0), turn("a", 1.8, 9.0)]
    assert len(make_turns(pieces, 10.0, join_gap_sec=0.0)) == 4


def test_nothing_after_the_cut_lengthens_a_turn() -> None:
    assert make_turns([turn("a", 8.0, 9.95), turn("a", 10.05, 11.0)], 10.0, 0.2) == [turn("a", 8.0, 9.95)]


def test_activity_is_that_of_a_frame_count() -> None:
    rng = np.random.default_rng(0)
    turns = [turn(f"s{k % 4}", a, a + d) for k, (a, d) in enumerate(rng.integers(1, 500, (40, 2)) / 10)]
    frames = np.zeros(1200, int)
    for t in turns:
        frames[round(t.start * 10) : round(t.end * 10)] += 1
    counts = {int(n): float((frames == n).sum()) / 10 for n in np.unique(frames) if n}
    assert activity_seconds(turns) == pytest.approx(counts)


def test_description() -> None:
    made = describe([(10.0, [turn("a", 0.0, 4.0), turn("b", 3.0, 5.0)]), (10.0, [turn("a", 0.0, 5.0)])])
    assert made["silence_share"] == 0.5 and made["overlap_share"] == 0.1
    assert made["mean_turn_sec"] == pytest.approx(3.667)
    assert made["speakers"] == 2 and made["conversations_by_speakers"] == {"1": 1, "2": 1}


def test_noise_floor_has_the_level_asked_for_and_never_clips() -> None:
    samples = np.zeros(32000, np.int16)
    samples[:16000] = (8000 * np.sin(np.arange(16000) / 5)).astype(np.int16)
    noisy = add_noise_floor(samples, [(0.0, 1.0)], [30.0, 30.0], seed=1)
    assert 20 * np.log10(np.std(samples[:16000]) / np.std(noisy[16000:])) == pytest.approx(30.0, abs=0.5)
    assert np.array_equal(noisy, add_noise_floor(samples, [(0.0, 1.0)], [30.0, 30.0], seed=1))
    loud = np.full(32000, 32767, np.int16)
    assert np.abs(add_noise_floor(loud, [(0.0, 2.0)], [0.0, 0.0], seed=1).astype(int)).max() == 32767


def test_level_is_that_of_the_speech_and_never_clips() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 3000, 32000).astype(np.int16)
    samples[16000:] //= 10  # a quiet second
    quiet = set_level(samples, [(0.0, 1.0)], [-40.0, -40.0], seed=1)
    rms = np.sqrt(np.mean((quiet[:16000] / 32768.0) ** 2))
    assert abs(20 * np.log10(rms) + 40) < 0.05
    assert np.corrcoef(quiet, samples)[0, 1] > 0.9999
    loud = set_level(samples, [(0.0, 1.0)], [0.0, 0.0], seed=1)
    assert np.abs(loud).max() == 32767 and np.corrcoef(loud, samples)[0, 1] > 0.9999
    levels = [np.abs(set_level(samples, [(0.0, 1.0)], [-40.0, -20.0], seed)).max() for seed in range(8)]
    assert len(set(levels)) == 8
