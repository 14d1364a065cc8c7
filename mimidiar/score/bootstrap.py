"""Percentile bootstrap over recordings (Efron & Tibshirani 1993, chapters 10 and 13): how far a total can be trusted.

A corpus figure is a ratio of sums (error time over reference time), so a draw takes whole recordings with replacement
and forms the same ratio. Two systems scored on the same recordings are drawn together, which removes what makes a
recording hard for both and so sees differences that two separate intervals would hide.

Recordings are drawn as if they were independent. Those that share speakers are not: then the intervals are too narrow,
and say less about other speakers than about other recordings of these.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mimidiar.errors import MimidiarError

DRAWS = 2000
LEVEL = 0.95
FEW_CLUSTERS = 20  # percentile intervals of fewer recordings or speakers are known to be too narrow
_COUNTS_AT_ONCE = 1 << 20  # bounds memory (some 25 MB) whatever the number of recordings


@dataclass(frozen=True)
class ConfidenceInterval:
    """A bootstrap interval around `value`, in the unit of `value`."""

    value: float
    low: float
    high: float
    level: float
    draws: int
    seed: int


def ratio_interval(
    numerator: ArrayLike, denominator: ArrayLike, draws: int = DRAWS, seed: int = 0
) -> ConfidenceInterval:
    """Interval of sum(numerator) / sum(denominator); both (recordings,). Same seed, same interval."""
    top, bottom = _columns(numerator, denominator)
    return ratio_intervals(top[:, None], bottom[:, None], draws, seed)[0]


def ratio_intervals(
    numerators: ArrayLike, denominators: ArrayLike, draws: int = DRAWS, seed: int = 0
) -> list[ConfidenceInterval]:
    """Intervals of several ratios, each what `ratio_interval` gives for its columns; both (recordings, ratios).

    All ratios are formed from the same draws. The denominators of each must have a positive sum.
    """
    top, bottom = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    drawn = [counts @ top / _positive(counts @ bottom) for counts in _resamples(len(top), draws, seed)]
    lows, highs = percentiles(np.concatenate(drawn))
    values = top.sum(axis=0) / bottom.sum(axis=0)
    ends = zip(values, lows, highs, strict=True)
    return [ConfidenceInterval(float(value), float(low), float(high), LEVEL, draws, seed) for value, low, high in ends]


def percentiles(drawn: np.ndarray) -> np.ndarray:
    """(2, ...): the ends of the interval of values (draws, ...); NaN is a draw without a value."""
    tail = 50 * (1 - LEVEL)
    return np.nanpercentile(drawn, [tail, 100 - tail], axis=0)


def paired_difference(numerator_a: ArrayLike, numerator_b: ArrayLike, denominator: ArrayLike) -> ConfidenceInterval:
    """Interval of (sum(a) - sum(b)) / sum(denominator): negative where a makes fewer errors. All (recordings,)."""
    if np.shape(numerator_a) != np.shape(numerator_b):
        raise MimidiarError(f"{np.size(numerator_a)} and {np.size(numerator_b)} recordings cannot be paired")
    difference = np.asarray(numerator_a, dtype=float) - np.asarray(numerator_b, dtype=float)
    return ratio_interval(difference, denominator)


def _columns(numerator: ArrayLike, denominator: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    top, bottom = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if top.shape != bottom.shape or top.ndim != 1 or not len(top):
        raise MimidiarError(f"a bootstrap needs two numbers per recording, not shapes {top.shape} and {bottom.shape}")
    if bottom.sum() <= 0:
        raise MimidiarError("no reference time in any recording, so there is no ratio to give an interval for")
    return top, bottom


def _resamples(n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks (some draws, n) of how often each recording is drawn."""
    rng = np.random.default_rng(seed)
    block = max(1, _COUNTS_AT_ONCE // n)
    for first in range(0, draws, block):
        picks = rng.integers(0, n, size=(min(block, draws - first), n))
        rows = np.arange(len(picks))[:, None]
        yield np.bincount((picks + rows * n).ravel(), minlength=picks.size).reshape(picks.shape)


def _positive(totals: np.ndarray) -> np.ndarray:
    """A draw of recordings that all lack reference speech has no ratio: NaN, which the percentiles pass over."""
    return np.where(totals > 0, totals, np.nan)
