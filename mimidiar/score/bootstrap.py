"""Percentile bootstrap over recordings (Efron & Tibshirani 1993, chapters 10 and 13): how far a total can be trusted.

A corpus figure is a ratio of sums (error time over reference time), so a draw takes whole recordings with replacement
and forms the same ratio. Two systems scored on the same recordings are drawn together, which removes what makes a
recording hard for both and so sees differences that two separate intervals would hide.

Recordings are drawn as if they were independent. Those that share speakers are not: then the intervals are too narrow,
and say less about other speakers than about other recordings of these.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mimidiar.errors import MimidiarError

DRAWS = 2000
LEVEL = 0.95
FEW_CLUSTERS = 20  # percentile intervals of fewer recordings or speakers are known to be too narrow
_COUNTS_AT_ONCE = 1 << 20  # bounds memory (some 25 MB) whatever the number of recordings

Seconds = Mapping[str, tuple[float, float]]  # by recording: of error, and of reference speaker time
Draws = Sequence[float | None]  # EER in % of each draw of the bootstrap, None for one without trials of both kinds


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


def compare_seeds(seeds_a: Sequence[Seconds], seeds_b: Sequence[Seconds]) -> ConfidenceInterval:
    """DER of a minus DER of b in points of %, with its paired bootstrap interval; negative where a is better.

    Each side holds the seeds of one system; a recording's error is the mean over the seeds, so that the interval is
    about recordings and not about seeds. Raises MimidiarError when the recordings differ.
    """
    reference = {name: seconds for name, (_, seconds) in seeds_a[0].items()}
    names = sorted(reference)
    errors_a, errors_b = _mean_errors(seeds_a, names), _mean_errors(seeds_b, names)
    return ratio_interval(100 * errors_a - 100 * errors_b, [reference[name] for name in names])


def der_interval(seeds: Sequence[Seconds]) -> tuple[float, float] | None:
    """The 95 % interval of the DER in %, with each recording's error averaged over the seeds of one system; None for
    seeds of different recordings, and for a single recording.
    """
    names = sorted(seeds[0])
    if len(names) < 2 or any(found.keys() != seeds[0].keys() for found in seeds):
        return None
    errors = [100 * statistics.fmean(found[name][0] for found in seeds) for name in names]
    interval = ratio_interval(errors, [seeds[0][name][1] for name in names])
    return interval.low, interval.high


def eer_interval(seeds: Sequence[Draws]) -> tuple[float, float] | None:
    """The 95 % interval of the EER in %, mean over the seeds of one system; None where a score lacks its draws."""
    mean = _mean_draws(seeds)
    return None if mean is None else tuple(percentiles(mean).tolist())


def compare_eers(
    seeds_a: Sequence[tuple[float, Draws]], seeds_b: Sequence[tuple[float, Draws]]
) -> ConfidenceInterval | None:
    """EER of a minus EER of b in points of %, each the mean over its seeds, with the interval of the paired difference.

    Each side holds (EER, EERs of the draws) of its seeds; draw k of all is of the same speakers, who are what the
    interval is about, not the seeds. None where a score lacks its draws. Raises MimidiarError for unequal numbers.
    """
    a, b = (_mean_draws([draws for _, draws in side]) for side in (seeds_a, seeds_b))
    if a is None or b is None:
        return None
    if len(a) != len(b):
        raise MimidiarError(f"{len(a)} and {len(b)} draws cannot be paired; run `mimidiar verify` alike")
    value = np.mean([eer for eer, _ in seeds_a]) - np.mean([eer for eer, _ in seeds_b])
    return ConfidenceInterval(float(value), *percentiles(a - b).tolist(), LEVEL, len(a), seed=0)


def _mean_draws(seeds: Sequence[Draws]) -> np.ndarray | None:
    """(draws,): mean over the seeds, NaN for a draw without trials of both kinds."""
    if any(not any(eer is not None for eer in draws) for draws in seeds):
        return None
    if len({len(draws) for draws in seeds}) > 1:
        raise MimidiarError("the seeds were scored with different numbers of draws; run `mimidiar verify` alike")
    return np.mean(np.array(seeds, dtype=float), axis=0)


def protocol_difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> str | None:
    """The first key in which two protocols differ, with both values; None where two scores can be compared."""
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            return f"{key} {a.get(key)!r} and {b.get(key)!r}"
    return None


def _mean_errors(seeds: Sequence[Seconds], names: list[str]) -> np.ndarray:
    """(recordings,): error seconds, mean over the seeds."""
    for found in seeds:
        if odd := sorted(found.keys() ^ set(names)):
            raise MimidiarError(f"{len(odd)} recordings are in only one of the scores to compare, such as {odd[0]!r}")
    return np.mean([[found[name][0] for name in names] for found in seeds], axis=0)
