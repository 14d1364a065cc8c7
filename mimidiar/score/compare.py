"""Two systems scored on the same recordings or trials: by how much they differ, and whether that could be chance."""

import csv
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.score.bootstrap import LEVEL, ConfidenceInterval, paired_difference, percentiles, ratio_interval
from mimidiar.score.from_files import RECORDINGS_FILE

Seconds = Mapping[str, tuple[float, float]]  # by recording: of error, and of reference speaker time
Draws = Sequence[float | None]  # EER in % of each draw of the bootstrap, None for one without trials of both kinds


def compare_seeds(seeds_a: Sequence[Seconds], seeds_b: Sequence[Seconds]) -> ConfidenceInterval:
    """DER of a minus DER of b in points of %, with its paired bootstrap interval; negative where a is better.

    Each side holds the seeds of one system; a recording's error is the mean over the seeds, so that the interval is
    about recordings and not about seeds. Raises MimidiarError when the recordings differ.
    """
    reference = {name: seconds for name, (_, seconds) in seeds_a[0].items()}
    names = sorted(reference)
    errors_a, errors_b = _mean_errors(seeds_a, names), _mean_errors(seeds_b, names)
    return paired_difference(100 * errors_a, 100 * errors_b, [reference[name] for name in names])


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


def read_seconds(folder: str | Path) -> dict[str, tuple[float, float]]:
    """The seconds of each recording from FOLDER/per_recording.csv."""
    path = Path(folder) / RECORDINGS_FILE
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return {row["recording"]: (_error_sec(row), float(row["reference_sec"])) for row in csv.DictReader(stream)}
    except (OSError, KeyError, ValueError, TypeError, csv.Error):
        raise MimidiarError(f"{path}: cannot be read; write it again with `mimidiar score -o`") from None


def _error_sec(row: dict[str, str]) -> float:
    return sum(float(row[name]) for name in ("missed_sec", "false_alarm_sec", "confusion_sec"))


def _mean_errors(seeds: Sequence[Seconds], names: list[str]) -> np.ndarray:
    """(recordings,): error seconds, mean over the seeds."""
    for found in seeds:
        if odd := sorted(found.keys() ^ set(names)):
            raise MimidiarError(f"{len(odd)} recordings are in only one of the scores to compare, such as {odd[0]!r}")
    return np.mean([[found[name][0] for name in names] for found in seeds], axis=0)
