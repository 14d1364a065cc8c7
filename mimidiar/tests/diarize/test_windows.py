"""Windows of a recording on their lanes, and stitching."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimidiar.diarize.segmenter import Windowing, windows_of
from mimidiar.diarize.tracker import matching_order, stitch
from mimidiar.tests.diarize.windowed import put_windows, run_windows, window_starts


@pytest.mark.parametrize(
    ("total", "length", "hop"), [(10, 20, 5), (20, 20, 10), (21, 20, 10), (100, 20, 7), (1, 20, 10)]
)
def test_windows_cover_everything_and_are_as_long_as_they_can_be(total: int, length: int, hop: int) -> None:
    windows = window_starts(total, length, hop)
    covered = np.zeros(total, dtype=int)
    for start, stop in windows:
        covered[start:stop] += 1
        assert stop - start == min(length, total)
    assert covered.min() >= 1 and windows[0][0] == 0 and windows[-1][1] == total


@given(st.integers(1, 90), st.integers(2, 40), st.data())
def test_windows_survive_their_lanes(total: int, length: int, data: st.DataObject) -> None:
    hop = data.draw(st.integers(1, length - 1))
    posteriors = np.random.default_rng(total).random((total, 3)).astype(np.float32)
    windows = run_windows(lambda x: x, posteriors, length, hop)
    found = windows_of(put_windows(windows, total, Windowing(length, hop).lanes))
    assert [window.start for window in found] == [window.start for window in windows]
    assert all(np.array_equal(a.posteriors, b.posteriors) for a, b in zip(found, windows, strict=True))


def test_a_recording_without_a_frame_is_one_empty_window() -> None:
    (window,) = windows_of(np.zeros((0, 3, 4), np.float32))
    assert (window.start, window.posteriors.shape) == (0, (0, 4))


def test_shuffled_outputs_are_put_in_order_again() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat(random.random((30, 3)), 4, axis=0)  # every speaker differs in every overlap
    calls = 0

    def model(window: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return window[:, random.permutation(3)] if calls > 1 else window

    assert np.allclose(stitch(run_windows(model, truth, 40, 20)), truth, atol=1e-6)
    assert calls == 5


def test_a_single_window_is_the_model_itself() -> None:
    x = np.random.default_rng(1).random((15, 2)).astype(np.float32)
    assert np.allclose(stitch(run_windows(lambda window: window, x, 40, 20)), x)


def test_matching_order_is_the_least_difference() -> None:
    past = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.1]])
    assert matching_order(past, past[:, [2, 0, 1]]).tolist() == [1, 2, 0]
