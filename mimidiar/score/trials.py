"""Verification trials (`label enrol test`) and their scores (`enrol test score`), one a line.

A label is 1 or `target` for the same speaker, 0 or `nontarget` for different ones. (a, b) and (b, a) are two trials.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern

import numpy as np

from mimidiar.annotation.text_file import check_name, number_in, numbered_fields, shown
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

Pair = tuple[str, str]
MAX_SCORE = 1e30  # beyond it sums of scores would overflow, and no system means such a number
_LABELS = {"1": True, "target": True, "0": False, "nontarget": False}


@dataclass(frozen=True)
class Trials:
    """`pairs` of (enrol, test) in the order of the file, and `target` (trials,) bool: the same speaker or not."""

    pairs: list[Pair]
    target: np.ndarray


def read_trials(path: str | Path) -> Trials:
    """Read trials. Raises MimidiarError for a wrong line, a trial given twice, or a file without trials."""
    labels: dict[Pair, bool] = {}
    twice = _Doubles()
    for line, fields in numbered_fields(path):
        if len(fields) != 3 or fields[0] not in _LABELS:
            what = f"{shown(' '.join(fields))} is not `label enrol test` with label 0, 1, nontarget or target"
            raise MimidiarError(f"{path}, line {line}: {what}")
        pair = (intern(fields[1]), intern(fields[2]))
        if pair in labels:
            twice.add(line, pair)
        labels[pair] = _LABELS[fields[0]]
    twice.refuse(path, "trials")
    if not labels:
        raise MimidiarError(f"{path}: no trial in this file")
    return Trials(list(labels), np.fromiter(labels.values(), dtype=bool, count=len(labels)))


def read_both_kinds(path: str | Path) -> Trials:
    """Read trials that an error rate can be measured on. Raises MimidiarError also where all are of one kind."""
    trials = read_trials(path)
    if trials.target.all() or not trials.target.any():
        kind = "target" if trials.target.any() else "non-target"
        what = f"all {trials.target.size} trials are {kind} ones; an error rate needs both kinds"
        raise MimidiarError(f"{path}: {what}")
    return trials


def read_scores(path: str | Path) -> dict[Pair, float]:
    """Read scores. Raises MimidiarError for a wrong line, a score that is no finite number, or a pair given twice."""
    scores: dict[Pair, float] = {}
    twice = _Doubles()
    for line, fields in numbered_fields(path):
        if len(fields) != 3:
            raise MimidiarError(f"{path}, line {line}: {len(fields)} fields, but a score line has 3 (enrol test score)")
        pair = (intern(fields[0]), intern(fields[1]))
        if pair in scores:
            twice.add(line, pair)
        scores[pair] = _score(fields[2], path, line)
    twice.refuse(path, "scores")
    return scores


def _score(text: str, path: str | Path, line: int) -> float:
    value = number_in(text, path, line, "score")
    if abs(value) > MAX_SCORE:
        raise MimidiarError(
            f"{path}, line {line}: the score {shown(text)} is beyond +-{MAX_SCORE:g}, which is no score"
        )
    return value


def align_scores(scores: dict[Pair, float], trials: Trials, name: str = "scores") -> np.ndarray:
    """Scores (trials,) in the order of the trials; scores of other pairs are passed over.

    Raises MimidiarError with the number of trials that lack a score and the first of them.
    """
    missing = [pair for pair in trials.pairs if pair not in scores]
    if missing:
        few = ", ".join(" ".join(pair) for pair in missing[:3])
        raise MimidiarError(f"{name}: no score for {len(missing)} of {len(trials.pairs)} trials, the first: {few}")
    return np.array([scores[pair] for pair in trials.pairs])


def write_scores(path: str | Path, pairs: Sequence[Pair], scores: Iterable[float]) -> None:
    """Write `enrol test score` with six decimals; atomically.

    Raises MimidiarError for names with white space, and for lines that would be read as comments.
    """
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        for (enrol, test), score in zip(pairs, scores, strict=True):
            check_name(enrol, path, "a score file", leads=True)
            check_name(test, path, "a score file")
            stream.write(f"{enrol} {test} {score:.6f}\n")


class _Doubles:
    """Pairs that were there before: how many, and the first few."""

    def __init__(self) -> None:
        self.count, self.first = 0, []

    def add(self, line: int, pair: Pair) -> None:
        self.count += 1
        if self.count <= 3:
            self.first.append(f"line {line} ({' '.join(pair)})")

    def refuse(self, path: str | Path, what: str) -> None:
        if self.count:
            few = ", ".join(self.first)
            raise MimidiarError(f"{path}: {self.count} {what} are given twice, the first: {few}; keep one of each")
