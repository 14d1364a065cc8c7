"""A whole recording through a model that was trained on crops: overlapping windows, stitched by the best order of
channels.

Consecutive windows overlap; in the overlap both say who is active, so the channels of the new window are put in the
order in which they agree best with what is there already. Speakers who are silent in an overlap can't be matched by it:
linking by voice is another module's.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment

Model = Callable[[np.ndarray], np.ndarray]  # features (T, D) -> posteriors (T, K)


def window_starts(total: int, length: int, hop: int) -> Iterator[tuple[int, int]]:
    """[start, stop) of windows of `length` frames every `hop`; the last is as long as it can be."""
    start = 0
    while True:
        stop = min(start + length, total)
        yield max(stop - length, 0), stop
        if stop >= total:
            return
        start += hop


def stitch(model: Model, features: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Posteriors (T, K) of a recording; where windows overlap, the mean of their posteriors in the matched order."""
    total = len(features)
    posteriors, weight = None, np.zeros((total, 1))
    for start, stop in window_starts(total, length, hop):
        local = model(features[start:stop]).astype(np.float64)
        if posteriors is None:
            posteriors = np.zeros((total, local.shape[1]))
        seen = weight[start:stop, 0] > 0
        if seen.any():
            past = posteriors[start:stop][seen] / weight[start:stop][seen]
            local = local[:, matching_order(past, local[seen])]
        posteriors[start:stop] += local
        weight[start:stop] += 1
    return (posteriors / weight).astype(np.float32)


def matching_order(past: np.ndarray, local: np.ndarray) -> np.ndarray:
    """(K,): for each channel of `past` (T, K) the column of `local` (T, K) such that the summed absolute difference is
    least.
    """
    cost = np.abs(past[:, :, None] - local[:, None, :]).sum(0)
    return linear_sum_assignment(cost)[1]
