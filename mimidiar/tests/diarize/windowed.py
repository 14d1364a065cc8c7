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
