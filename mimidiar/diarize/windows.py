"""A whole recording through a model that was trained on crops: overlapping windows, and how they become one.

In each window the channels are in an order of its own. `stitch` puts them in order by what two windows say of the time
in which they overlap: enough where nobody falls silent for long and there are no more speakers than channels.
`infer.link` does so by voice. Either way the windows are then put on top of each other by `join`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

Model = Callable[[np.ndarray], np.ndarray]  # features (T, D) -> posteriors (T, K)


@dataclass(frozen=True)
class Window:
    """Posteriors (T, K) of a stretch of a recording, and the frame at which it begins."""

    start: int
    posteriors: np.ndarray

    @property
    def stop(self) -> int:
        return self.start + len(self.posteriors)


def window_starts(total: int, length: int, hop: int) -> Iterator[tuple[int, int]]:
    """[start, stop) of windows of `length` frames every `hop`; the last is as long as it can be."""
    start = 0
    while True:
        stop = min(start + length, total)
        yield max(stop - length, 0), stop
        if stop >= total:
            return
        start += hop


def run_windows(model: Model, features: np.ndarray, length: int, hop: int) -> list[Window]:
    """The model on all windows of a recording's features (T, D)."""
    return [Window(start, model(features[start:stop])) for start, stop in window_starts(len(features), length, hop)]


def stitch(windows: Sequence[Window]) -> np.ndarray:
    """Posteriors (T, K) of a recording, the channels of each window in the order in which they agree best with what was
    said before of the same frames.

    Speakers who are silent in an overlap can't be matched by it.
    """
    total, channels = windows[-1].stop, windows[0].posteriors.shape[1]
    posteriors, weight = np.zeros((total, channels)), np.zeros((total, 1))
    for window in windows:
        span, local = slice(window.start, window.stop), window.posteriors.astype(np.float64)
        seen = weight[span, 0] > 0
        if seen.any():
            past = posteriors[span][seen] / weight[span][seen]
            local = local[:, matching_order(past, local[seen])]
        posteriors[span] += local
        weight[span] += 1
    return (posteriors / weight).astype(np.float32)


def matching_order(past: np.ndarray, local: np.ndarray) -> np.ndarray:
    """(K,): for each channel of `past` (T, K) the column of `local` (T, K) such that the summed absolute difference is
    least.
    """
    cost = np.abs(past[:, :, None] - local[:, None, :]).sum(0)
    return linear_sum_assignment(cost)[1]


def join(windows: Sequence[Window], speakers: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Posteriors (T, count) of a recording: the mean of its windows, where they overlap.

    `speakers` says of each window whose its channels are, (K,) from 0, or -1 for nobody's; no speaker has two channels
    of one window. A speaker whom a window does not have is silent there.
    """
    sums, weight = overlay(windows, by_speaker(windows, speakers, count))
    return (sums / weight[:, None]).astype(np.float32)


def by_speaker(windows: Sequence[Window], speakers: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """For each window its posteriors (T, count) by speaker, `speakers` and `count` as in `join`."""
    given = []
    for window, owners in zip(windows, speakers, strict=True):
        owned = np.flatnonzero(owners >= 0)
        given.append(np.zeros((len(window.posteriors), count)))
        given[-1][:, owners[owned]] = window.posteriors[:, owned]
    return given


def overlay(windows: Sequence[Window], given: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The sum (T, count) over a recording of what was `given` to speakers in each window, and in how many windows each
    frame is, (T,).
    """
    total, count = windows[-1].stop, given[0].shape[1]
    sums, weight = np.zeros((total, count)), np.zeros(total)
    for window, share in zip(windows, given, strict=True):
        sums[window.start : window.stop] += share
        weight[window.start : window.stop] += 1
    return sums, weight
