"""Two systems scored on the same recordings: by how much they differ, and whether that could be chance."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.score.bootstrap import Interval, paired_difference
from mimidiar.score.from_files import RECORDINGS_FILE, SCORE_FILE


def compare_folders(folders_a: Sequence[str | Path], folders_b: Sequence[str | Path]) -> Interval:
    """DER of a minus DER of b in points of %, with its paired bootstrap interval; negative where a is better.

    Each side holds the seeds of one system, folders that `mimidiar score -o` wrote; a recording's error is the mean
    over the seeds, so that the interval is about recordings and not about seeds. Raises MimidiarError when protocols or
    recordings differ.
    """
    folders = [*folders_a, *folders_b]
    for other in folders[1:]:
        _same_protocol(folders[0], other)
    reference = {name: seconds for name, (_, seconds) in _read_rows(folders[0]).items()}
    names = sorted(reference)
    errors_a, errors_b = _mean_errors(folders_a, names), _mean_errors(folders_b, names)
    return paired_difference(100 * errors_a, 100 * errors_b, [reference[name] for name in names])


def _mean_errors(folders: Sequence[str | Path], names: list[str]) -> np.ndarray:
    """(recordings,): error seconds, mean over the folders."""
    rows = [_read_rows(folder) for folder in folders]
    for folder, found in zip(folders, rows, strict=True):
        if odd := sorted(found.keys() ^ set(names)):
            raise MimidiarError(f"{folder}: {len(odd)} recordings are in only one of the scores, such as {odd[0]!r}")
    return np.mean([[found[name][0] for name in names] for found in rows], axis=0)


def _same_protocol(folder_a: str | Path, folder_b: str | Path) -> None:
    a, b = (read_json(Path(folder) / SCORE_FILE)["protocol"] for folder in (folder_a, folder_b))
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            values = f"{a.get(key)!r} and {b.get(key)!r}"
            raise MimidiarError(f"{folder_a} and {folder_b}: scored with {key} {values}; score both the same way")


def _read_rows(folder: str | Path) -> dict[str, tuple[float, float]]:
    """(error seconds, reference seconds) of each recording."""
    path = Path(folder) / RECORDINGS_FILE
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return {row["recording"]: (_error_sec(row), float(row["reference_sec"])) for row in csv.DictReader(stream)}
    except (OSError, KeyError, ValueError, TypeError):
        raise MimidiarError(f"{path}: cannot be read; write it again with `mimidiar score -o`") from None


def _error_sec(row: dict[str, str]) -> float:
    return sum(float(row[name]) for name in ("missed_sec", "false_alarm_sec", "confusion_sec"))
