"""Bootstrap intervals, and the comparison of two scored systems."""

import numpy as np
import pytest

from mimidiar.annotation.rttm import write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.score.bootstrap import (
    compare_seeds,
    protocol_difference,
    ratio_interval,
    ratio_intervals,
)
from mimidiar.score.diarization import Protocol
from mimidiar.score.from_files import read_seconds, score_files, write_score


def test_interval_is_that_of_a_plain_loop():
    """Not the same draws, so not the same numbers; but the same width within the noise of 2000 draws."""
    rng = np.random.default_rng(1)
    reference = rng.uniform(50, 200, 40)
    errors = reference * rng.uniform(0.05, 0.4, 40)
    found = ratio_interval(errors, reference)
    loop = []
    for _ in range(2000):
        picks = rng.integers(0, 40, 40)
        loop.append(errors[picks].sum() / reference[picks].sum())
    assert found.value == pytest.approx(errors.sum() / reference.sum())
    assert [found.low, found.high] == pytest.approx(np.percentile(loop, [2.5, 97.5]), abs=0.004)
    assert found == ratio_interval(errors, reference)
    assert found != ratio_interval(errors, reference, seed=1)


def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        errors = rng.normal(20, 5, 50)
        found = ratio_interval(errors, np.full(50, 100.0), draws=400)
        covered += found.low <= 0.2 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_pairs_see_what_single_intervals_hide():
    rng = np.random.default_rng(3)
    hard = rng.uniform(5, 60, 30)
    reference = np.full(30, 100.0)
    better, worse = hard, hard + rng.uniform(0, 4, 30)
    assert ratio_interval(better, reference).high > ratio_interval(worse, reference).low
    difference = ratio_interval(np.subtract(better, worse), reference)
    assert difference.low <= difference.value <= difference.high < 0


def test_several_ratios_have_the_intervals_that_each_has_alone():
    rng = np.random.default_rng(4)
    tops, bottoms = rng.uniform(0, 5, (12, 3)), rng.uniform(5, 9, (12, 3))
    tops[:6, 1] = bottoms[:6, 1] = 0
    together = [(found.low, found.value, found.high) for found in ratio_intervals(tops, bottoms)]
    alone = [ratio_interval(tops[:, i], bottoms[:, i]) for i in range(3)]
    assert np.array(together) == pytest.approx(np.array([(found.low, found.value, found.high) for found in alone]))


def test_many_recordings_stay_in_small_blocks():
    found = ratio_interval(np.ones(5000), np.full(5000, 4.0), draws=500)
    assert (found.low, found.value, found.high) == (0.25, 0.25, 0.25)


def test_numbers_that_have_no_interval():
    with pytest.raises(MimidiarError, match="no reference time"):
        ratio_interval([1.0, 2.0], [0.0, 0.0])
    with pytest.raises(MimidiarError, match="two numbers per recording"):
        ratio_interval([1.0, 2.0], [1.0])


def scored(tmp_path, name: str, late: float, protocol: Protocol, recordings: int = 8):
    """A system that starts every turn `late` seconds late, scored."""
    reference = [Turn(f"r{i}", 1 + i / 10, 11, "x") for i in range(recordings)]
    write_rttm(tmp_path / "ref.rttm", reference)
    write_rttm(tmp_path / f"{name}.rttm", [Turn(t.recording, t.start + late, t.end, "h") for t in reference])
    folder = tmp_path / name
    write_score(folder, *score_files(tmp_path / "ref.rttm", tmp_path / f"{name}.rttm", protocol=protocol))
    return folder


def test_scored_folders_are_compared_by_their_seconds(tmp_path):
    early, late = (scored(tmp_path, name, sec, Protocol()) for name, sec in (("early", 0.2), ("late", 0.5)))
    difference = compare_seeds([read_seconds(early)], [read_seconds(late)])
    assert difference.value == pytest.approx(-100 * 8 * 0.3 / sum(10 - i / 10 for i in range(8)))
    assert difference.high < 0
    assert compare_seeds([read_seconds(late)], [read_seconds(late)]).value == 0


@pytest.mark.parametrize("content", ["recording\na\n", "recording,reference_sec\na,x\n", '"' + "x" * 200_000, "\xff"])
def test_seconds_that_cannot_be_read(tmp_path, content):
    (tmp_path / "per_recording.csv").write_text(content, encoding="latin-1")
    with pytest.raises(MimidiarError, match=r"per_recording\.csv: cannot be read; write it again"):
        read_seconds(tmp_path)


def test_seeds_are_averaged_recording_by_recording():
    a = [{"x": (4.0, 10.0), "y": (0.0, 30.0)}, {"x": (2.0, 10.0), "y": (0.0, 30.0)}]
    b = [{"x": (1.0, 10.0), "y": (0.0, 30.0)}]
    difference = compare_seeds(a, b)
    assert (difference.low, difference.value, difference.high) == pytest.approx((0.0, 5.0, 20.0))
    with pytest.raises(MimidiarError, match="such as 'z'"):
        compare_seeds(a, [{**b[0], "z": (1.0, 1.0)}])


def test_the_first_difference_of_two_protocols_is_named(tmp_path):
    a, b, c = (
        read_json(scored(tmp_path, name, 0.3, Protocol(collar), recordings) / "score.json")["protocol"]
        for name, collar, recordings in (("a", 0.0, 8), ("b", 0.25, 8), ("c", 0.0, 7))
    )
    assert protocol_difference(a, dict(a)) is None
    assert protocol_difference(a, b) == "collar 0.0 and 0.25"
    assert protocol_difference(a, c).startswith("reference_sha256 ")
    assert protocol_difference(a | {"new": 1}, a) == "new 1 and None"
