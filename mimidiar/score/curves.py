"""The rows of `det.csv` and `histogram.csv`, for whoever plots a verification score with a program of their own.

The figures of this package (`mimidiar.figures`) are drawn from all trials, since they look closer at a part of them.

The DET curve (Martin et al. 1997, 'The DET curve in assessment of detection task performance': both error rates on the
scale of the normal quantile) is thinned below what can be seen.
"""

from collections.abc import Iterable, Sequence
from statistics import NormalDist

import numpy as np

from mimidiar.score.verification import OperatingPoints

BINS = 60
CELLS = 1000  # an axis of a figure has this many points or less
_EDGE = 1e-7  # a rate of 0 or 1 has no quantile; beyond the resolution of any list of trials


def det_curve(points: OperatingPoints) -> np.ndarray:
    """(rows, 3) of fpr, fnr, threshold, by rising threshold: both ends, and the corners of the curve, of which those
    that fall into one cell of `CELLS` x `CELLS` on the DET plane are represented by the first and the last.
    """
    x, y = _cell(points.fpr), _cell(points.fnr)
    new = (np.diff(x) != 0) | (np.diff(y) != 0)
    keep = np.concatenate([[True], new]) | np.concatenate([new, [True]])
    return np.stack([points.fpr, points.fnr, points.threshold], axis=1)[keep]


def _cell(rate: np.ndarray) -> np.ndarray:
    """(n,) rates to cell numbers along a DET axis from `_EDGE` to 1 - `_EDGE`."""
    quantile = NormalDist().inv_cdf
    limit = quantile(1 - _EDGE)
    borders = np.array([NormalDist().cdf(q) for q in np.linspace(-limit, limit, CELLS + 1)])
    return np.searchsorted(borders, rate)


def histogram(scores: np.ndarray, target: np.ndarray, bins: int = BINS) -> np.ndarray:
    """(up to `bins`, 4) of low, high, targets, non-targets: bins of one width from the lowest to the highest score.

    A score on a border belongs to the upper bin, the highest score to the last one. `scores` finite.
    """
    low, high = float(scores.min()), float(scores.max())
    edges = np.unique(low + (high - low) * np.arange(bins + 1) / bins)  # scores that differ in the last digit: fewer
    if edges.size == 1:
        edges = np.array([low, low])  # all scores are the same
    number = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, edges.size - 2)
    counts = [np.bincount(number[chosen], minlength=edges.size - 1) for chosen in (target, ~target)]
    return np.stack([edges[:-1], edges[1:], *counts], axis=1)


def to_csv(header: Sequence[str], rows: Iterable[Iterable[float]]) -> str:
    """Rows of numbers with nine significant digits."""
    lines = [",".join(header), *(",".join(f"{value:.9g}" for value in row) for row in rows)]
    return "\n".join(lines) + "\n"
