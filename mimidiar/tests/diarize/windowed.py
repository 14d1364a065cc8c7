"""Windows for tests: of any function in the place of a model."""

from collections.abc import Callable

import numpy as np

from mimidiar.diarize.segmenter import Window, Windowing


def window_starts(total: int, length: int, hop: int) -> list[tuple[int, int]]:
    """[start, stop) of the windows of a recording of `total` frames."""
    windowing = Windowing(length, hop)
    places = [*windowing.whole(0, total), *([last] if (last := windowing.last(total)) else [])]
    return [(first, min(first + length, total)) for _, first in places]


def run_windows(model: Callable[[np.ndarray], np.ndarray], features: np.ndarray, length: int, hop: int) -> list[Window]:
    """The model on all windows of a recording's features (T, D)."""
    return [Window(start, model(features[start:stop])) for start, stop in window_starts(len(features), length, hop)]


def put_windows(windows: list[Window], total: int, lanes: int, outputs: int = 4) -> np.ndarray:
    """Windows in their order -> lanes (total, L, K), as a segmenter has them."""
    outputs = windows[0].posteriors.shape[1] if windows else outputs
    placed = np.full((total, lanes, outputs), np.nan, np.float32)
    for number, window in enumerate(windows):
        placed[window.start : window.stop, number % lanes] = window.posteriors
    return placed
