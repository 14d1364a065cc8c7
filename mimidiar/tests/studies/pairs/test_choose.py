"""Windows of one speaker, and pairs of them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.score.trials import read_trials
from mimidiar.studies.pairs.choose import TRIALS, WINDOWS, choose_pairs, choose_set, read_lengths
from mimidiar.studies.pairs.windows import Activity, Window, frames_of, read_windows, write_windows
from mimidiar.tests.studies.pairs.conftest import SECONDS


def speaks(turns: list[Turn], speaker: str, frame: int) -> bool:
    """Whether a speaker is active in the middle of a frame."""
    middle = (frame + 0.5) / 12.5
    return any(turn.speaker == speaker and turn.start <= middle < turn.end for turn in turns)


def brute_force(turns: list[Turn], frames: int) -> set[tuple[int, str]]:
    """(first frame, speaker) of all windows of a recording, frame by frame."""
    speakers, found = sorted({turn.speaker for turn in turns}), set()
    for first in range(round(SECONDS * 12.5) - frames + 1):
        for speaker in speakers:
            inside = range(first, first + frames)
            own = sum(speaks(turns, speaker, frame) for frame in inside)
            foreign = sum(any(speaks(turns, s, frame) for s in speakers if s != speaker) for frame in inside)
            if own >= 0.9 * frames - 1e-9 and foreign <= 0.1 * frames + 1e-9:
                found.add((first, speaker))
    return found


@pytest.mark.parametrize("seconds", [0.5, 1.5])
def test_windows_are_all_those_in_which_one_speaker_speaks(data: Path, seconds: float) -> None:
    frames, turns = frames_of(seconds), read_rttm(data / "ref.rttm")["c0"]
    found = Activity.of("c0", SECONDS, turns, [(0.0, SECONDS)]).windows(frames)
    assert {(each.first, each.speaker) for each in found} == brute_force(turns, frames)
    assert len(found) > 20 and all(each.recording == "c0" and each.frames == frames for each in found)


def test_windows_are_of_whole_frames_and_lie_in_what_is_scored() -> None:
    assert [frames_of(seconds) for seconds in (0.5, 1, 1.5, 3)] == [6, 13, 19, 38]
    with pytest.raises(MimidiarError, match=r"0.03 s is shorter than half a frame of 0.08 s"):
        frames_of(0.03)
    # 50.9 frames long: the last one is cut off, and belongs to no window.
    activity = Activity.of("r", 4.072, [Turn("r", 0.0, 4.072, "a")], [(0.4, 9.0)])
    firsts = [window.first for window in activity.windows(10)]
    assert firsts == list(range(5, 41))
    assert not activity.windows(51) and not Activity.of("r", 4.0, [], [(0.0, 4.0)]).windows(10)


def test_disjoint_windows_have_no_frame_in_common_and_begin_anywhere() -> None:
    activity = Activity.of("r", 80.0, [Turn("r", 0.0, 80.0, "a")], [(0.0, 80.0)])
    found = activity.disjoint_windows(10, np.random.default_rng(0))
    ends = [window.first for window in found[1:]]
    assert all(window.first + 10 <= after for window, after in zip(found, ends, strict=False))
    assert len(found) > 60 and len({window.first % 10 for window in found}) == 10


def chosen(data: Path, out: Path, count: int = 5, seed: int = 0) -> tuple[list, dict, object]:
    lengths = choose_set(data, out, (0.5, 1.5), count, seed)
    return lengths, read_windows(out / WINDOWS), read_trials(out / TRIALS)


def test_pairs_are_of_one_recording_and_as_many_of_each_kind_in_each(data: Path, tmp_path: Path) -> None:
    lengths, windows, trials = chosen(data, tmp_path)
    numbers = Counter()
    for (one, other), target in zip(trials.pairs, trials.target.tolist(), strict=True):
        a, b = windows[one], windows[other]
        assert a.recording == b.recording and a.frames == b.frames and target == (a.speaker == b.speaker)
        assert abs(a.first - b.first) >= a.frames
        numbers[a.recording, a.frames, target] += 1
    assert set(numbers.values()) == {5} and lengths == read_lengths(tmp_path)[0]
    for length in lengths:
        kept = [name for name, frames, target in numbers if frames == length.frames and target]
        assert kept == length.recordings and not set(kept) & set(length.left_out)
        assert sorted(kept + length.left_out) == [f"c{n}" for n in range(9)] and "c8" in length.left_out
    assert "c8" in lengths[0].summary(5) and "0.48 s" in lengths[0].summary(5)


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_pairs(data: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        chosen(data, tmp_path / name, seed=seed)
    a, b, c = ([(tmp_path / name / file).read_bytes() for file in (TRIALS, WINDOWS, "pairs.json")] for name in "abc")
    assert a == b and a[0] != c[0]


def test_who_speaks_most_does_not_count_most() -> None:
    windows = [Window("r", 10 * k, 5, "often" if k < 40 else f"seldom{k % 2}") for k in range(52)]
    numbers = Counter()
    for seed in range(40):
        pairs = choose_pairs(windows, 6, np.random.default_rng(seed))
        assert len(set(pairs)) == 12
        numbers.update(one.speaker for one, _ in pairs[:6])
    assert 50 < numbers["seldom0"] < 110 and 50 < numbers["seldom1"] < 110


def test_a_set_without_pairs_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"data: none of 9 recordings has 5 pairs .* windows of 20 s; take fewer"):
        choose_set(data, tmp_path / "out", (0.5, 20.0), 5, 0)
    assert not (tmp_path / "out").exists()
    with pytest.raises(MimidiarError, match=r"windows of 0.5, 0.48 s: two have as many frames"):
        choose_set(data, tmp_path / "out", (0.5, 0.48), 5, 0)


def test_windows_are_read_as_they_were_written(tmp_path: Path) -> None:
    windows = [Window("a", 0, 6, "x"), Window("a b", 7, 38, "y z")]
    write_windows(tmp_path / WINDOWS, windows)
    assert list(read_windows(tmp_path / WINDOWS).values()) == windows
    with pytest.raises(MimidiarError, match="choose pairs first"):
        read_windows(tmp_path / "none")
    (tmp_path / "bad").write_text("window\na_1_6\ta\t0.16\t0.48\tx\n")
    with pytest.raises(MimidiarError, match=r"bad, line 2: a_1_6 is called a_2_6"):
        read_windows(tmp_path / "bad")
    (tmp_path / "bad").write_text("window\na 1\n")
    with pytest.raises(MimidiarError, match=r"line 2: not window recording start length speaker between tabs"):
        read_windows(tmp_path / "bad")
