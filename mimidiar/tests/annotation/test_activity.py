"""The rounding rule between seconds and frames, and the order of arrival."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimidiar.annotation.activity import (
    active_turns,
    activity_matrix,
    arrival_order,
    arrival_targets,
    frame_at,
    frame_count,
    runs,
)
from mimidiar.annotation.turns import Turn

HZ = 12.5


def frames_by_centre(start: float, end: float, count: int) -> np.ndarray:
    """The rule in so many words: a frame is active when its centre lies in [start, end)."""
    centres = (np.arange(count) + 0.5) / HZ
    return (centres >= start) & (centres < end)


@given(st.integers(0, 4000), st.integers(0, 4000))
def test_a_frame_is_active_when_its_centre_is_inside_the_turn(start_ms: int, length_ms: int) -> None:
    start, end = start_ms / 1000, (start_ms + length_ms) / 1000
    active = activity_matrix([Turn("", start, end, "a")], ["a"], 120, HZ)[:, 0]
    assert active.tolist() == frames_by_centre(start, end, 120).tolist()


@pytest.mark.parametrize(("seconds", "frame"), [(0.0, 0), (0.04, 0), (0.041, 1), (0.12, 1), (0.121, 2), (8.0, 100)])
def test_first_frame_at_a_time(seconds: float, frame: int) -> None:
    assert frame_at(seconds, HZ) == frame


@pytest.mark.parametrize(("seconds", "count"), [(0.0, 0), (0.08, 1), (0.081, 2), (0.3, 4), (30.0, 375)])
def test_frames_cover_the_recording(seconds: float, count: int) -> None:
    assert frame_count(seconds, HZ) == count


def test_a_turn_without_a_centre_leaves_no_label() -> None:
    assert not activity_matrix([Turn("", 0.05, 0.11, "a")], ["a"], 5, HZ).any()


def test_turns_outside_the_frames_are_cut() -> None:
    active = activity_matrix([Turn("", -1.0, 0.1, "a"), Turn("", 0.3, 9.0, "a")], ["a"], 5, HZ)
    assert active[:, 0].tolist() == [True, False, False, False, True]


def test_a_turn_of_an_unknown_speaker_is_an_error() -> None:
    with pytest.raises(KeyError):
        activity_matrix([Turn("", 0.0, 1.0, "b")], ["a"], 5, HZ)


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=40))
def test_active_turns_and_matrix_are_inverse_on_whole_frames(rows: list[list[bool]]) -> None:
    active = np.array(rows, dtype=bool)
    names = ["a", "b", "c"]
    assert (activity_matrix(active_turns(active, HZ, names), names, len(active), HZ) == active).all()


def test_runs() -> None:
    assert runs(np.array([1, 1, 0, 0, 1, 0, 1], dtype=bool)) == [(0, 2), (4, 5), (6, 7)]
    assert runs(np.zeros(3, dtype=bool)) == []


def test_arrival_order_breaks_ties_by_next_activity() -> None:
    columns = {
        "late": [0, 0, 1, 1],
        "early, silent next": [1, 0, 0, 1],
        "early, active next": [1, 1, 0, 0],
        "never": [0, 0, 0, 0],
    }
    names, active = list(columns), np.array(list(columns.values()), dtype=bool).T
    order = [names[k] for k in arrival_order(active)]
    assert order == ["early, active next", "early, silent next", "late", "never"]


def test_targets_are_in_order_of_arrival_in_the_stretch_that_is_asked_for() -> None:
    turns = [Turn("", 0.0, 0.4, "a"), Turn("", 0.4, 0.8, "b"), Turn("", 0.56, 0.8, "a"), Turn("", 0.16, 0.24, "c")]
    whole, late = arrival_targets(turns, 0, 10, HZ, 4), arrival_targets(turns, 5, 10, HZ, 4)
    assert whole.dtype == np.float32 and late.shape == (5, 4)
    assert np.flatnonzero(whole[:, 0]).tolist() == [0, 1, 2, 3, 4, 7, 8, 9]  # a, who is first of all
    assert np.flatnonzero(whole[:, 1]).tolist() == [2] and np.flatnonzero(whole[:, 2]).tolist() == [5, 6, 7, 8, 9]
    assert late[:, 0].all() and np.flatnonzero(late[:, 1]).tolist() == [2, 3, 4] and not late[:, 2:].any()
    assert np.array_equal(arrival_targets(turns, 0, 10, HZ, 2), whole[:, :2])
    assert not arrival_targets([], 0, 3, HZ, 2).any()
