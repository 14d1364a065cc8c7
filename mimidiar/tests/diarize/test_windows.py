"""Stitching of windows."""

import numpy as np
import pytest

from mimidiar.diarize.windows import matching_order, run_windows, stitch, window_starts


@pytest.mark.parametrize(
    ("total", "length", "hop"), [(10, 20, 5), (20, 20, 10), (21, 20, 10), (100, 20, 7), (1, 20, 10)]
)
def test_windows_cover_everything_and_are_as_long_as_they_can_be(total: int, length: int, hop: int) -> None:
    windows = list(window_starts(total, length, hop))
    covered = np.zeros(total, dtype=int)
    for start, stop in windows:
        covered[start:stop] += 1
        assert stop - start == min(length, total)
    assert covered.min() >= 1 and windows[0][0] == 0 and windows[-1][1] == total


def test_shuffled_channels_are_put_in_order_again() -> None:
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
