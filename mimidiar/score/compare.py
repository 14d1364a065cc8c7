"""Two systems scored on the same recordings: by how much they differ, and whether that could be chance."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.score.bootstrap import ConfidenceInterval, paired_difference
from mimidiar.score.from_files import RECORDINGS_FILE

Seconds = Mapping[str, tuple[float, float]]  # by recording: of error, and of reference speaker time


def compare_seeds(seeds_a: Sequence[Seconds], seeds_b: Sequence[Seconds]) -> ConfidenceInterval:
    """DER of a minus DER of b in points of %, with its paired bootstrap interval; negative where a is better.

    Each side holds the seeds of one system; a recording's error is the mean over the seeds, so that the interval is
    about recordings and not about seeds. Raises MimidiarError when the recordings differ.
    """
    reference = {name: seconds for name, (_, seconds) in seeds_a[0].items()}
    names = sorted(reference)
    errors_a, errors_b = _mean_errors(seeds_a, names), _mean_errors(seeds_b, names)
    return paired_difference(100 * errors_a, 100 * errors_b, [reference[name] for name in names])


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
