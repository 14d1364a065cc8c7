"""Verification trials (`label enrol test`, or Kaldi's `enrol test label`) and scores (`enrol test score`), one a line.

A label is 1 or `target` for the same speaker, 0 or `nontarget` for different ones. (a, b) and (b, a) are two trials.
Which column has the labels is told from the whole file: the one that holds nothing else.

A bootstrap over speakers needs the speaker of each utterance. Sources are tried in this order, and one is taken when it
knows every utterance and agrees with every label (a target trial has one speaker, a non-target trial two):

1. a file: Kaldi's `utt2spk` (`utterance speaker` a line) or lhotse's `supervisions.jsonl.gz`; the one that is named, or
   else the one that lies beside the trials, as in a data folder of Kaldi or of this project;
2. the names: what precedes the first `-` or `/` in VoxCeleb's `id10270/x6uYqmx31kE/00001.wav` and LibriSpeech's
   `1034-121119-0000`, or the second or third, where a corpus is named before (`ls-1034-121119-0000`).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sys import intern
from typing import TypeVar

import numpy as np

from mimidiar.annotation.supervisions import FILE_NAMES, read_supervisions
from mimidiar.annotation.text_file import check_name, number_in, numbered_fields, shown
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path, require_regular

Pair = tuple[str, str]
T = TypeVar("T")
MAX_SCORE = 1e30  # beyond it sums of scores would overflow, and no system means such a number
_LABELS = {"1": True, "target": True, "0": False, "nontarget": False}
_ORDERS = (("label", "enrol", "test"), ("enrol", "test", "label"))
BESIDE = ("utt2spk", *FILE_NAMES)
_SEPARATOR = re.compile("[-/]")
_ORDINALS = ("first", "second", "third")


@dataclass(frozen=True)
class Trials:
    """`pairs` of (enrol, test) in the order of the file, and `target` (trials,) bool: the same speaker or not."""

    pairs: list[Pair]
    target: np.ndarray


def read_trials(path: str | Path) -> Trials:
    """Read trials. Raises MimidiarError for a wrong line, a trial given twice, or a file without trials, for one whose
    labels may be in either column, and for a pipe, which cannot be read twice.
    """
    require_regular(path)
    order = _order(path)

    def read(fields: list[str], line: int) -> tuple[str, str, bool]:
        found = dict(zip(order, fields, strict=False))
        if len(fields) != 3 or found["label"] not in _LABELS:
            what = f"{shown(' '.join(fields))} is not `{' '.join(order)}` with label 0, 1, nontarget or target"
            raise MimidiarError(f"{path}, line {line}: {what}")
        return found["enrol"], found["test"], _LABELS[found["label"]]

    labels = _by_pair(path, "trials", read)
    if not labels:
        raise MimidiarError(f"{path}: no trial in this file")
    return Trials(list(labels), np.fromiter(labels.values(), dtype=bool, count=len(labels)))


def _order(path: str | Path) -> tuple[str, str, str]:
    """The columns of a list of trials, by where its lines have labels. MimidiarError where none or both have."""
    possible, line = list(_ORDERS), 0
    for line, fields in numbered_fields(path):
        possible = [order for order in possible if len(fields) == 3 and fields[order.index("label")] in _LABELS]
        if not possible:
            what = f"{shown(' '.join(fields))} is neither `label enrol test` nor `enrol test label`"
            raise MimidiarError(f"{path}, line {line}: {what} with label 0, 1, nontarget or target")
        if len(possible) < 2:
            return possible[0]
    if line:
        what = "the first and the last column both hold only labels (0, 1, target, nontarget), so that one cannot tell"
        remedy = "rename the utterances"
        raise MimidiarError(f"{path}: {what} `label enrol test` from `enrol test label`; {remedy}")
    return _ORDERS[0]


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

    def read(fields: list[str], line: int) -> tuple[str, str, float]:
        if len(fields) != 3:
            raise MimidiarError(f"{path}, line {line}: {len(fields)} fields, but a score line has 3 (enrol test score)")
        value = number_in(fields[2], path, line, "score")
        if abs(value) > MAX_SCORE:
            what = f"the score {shown(fields[2])} is beyond +-{MAX_SCORE:g}, which is no score"
            raise MimidiarError(f"{path}, line {line}: {what}")
        return fields[0], fields[1], value

    return _by_pair(path, "scores", read)


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


def _by_pair(path: str | Path, what: str, read: Callable[[list[str], int], tuple[str, str, T]]) -> dict[Pair, T]:
    """By (enrol, test), what `read` finds in the fields of each line. Raises MimidiarError for pairs given twice."""
    found: dict[Pair, T] = {}
    twice = []
    for line, fields in numbered_fields(path):
        enrol, test, value = read(fields, line)
        pair = intern(enrol), intern(test)
        if pair in found:
            twice.append(f"line {line} ({enrol} {test})")
        found[pair] = value
    if twice:
        few = ", ".join(twice[:3])
        raise MimidiarError(f"{path}: {len(twice)} {what} are given twice, the first: {few}; keep one of each")
    return found


@dataclass(frozen=True)
class TrialSpeakers:
    """`enrol` and `test` (trials,) int: the speaker of either side, 0 ... `count` - 1. `source`: how they are known."""

    enrol: np.ndarray
    test: np.ndarray
    count: int
    source: str


def find_speakers(trials: Trials, path: str | Path, utt2spk: str | Path | None = None) -> TrialSpeakers | None:
    """The speakers of the trials read from `path`; None if neither a file nor the names contain them.

    Raises MimidiarError when the file `utt2spk` lacks an utterance, or contradicts the label of a trial.
    """
    if utt2spk is not None:
        return _named_speakers(trials, utt2spk)
    known = {name for pair in trials.pairs for name in pair}
    for source, speaker_of in _sources(Path(path).parent, known):
        found = _speakers(trials, speaker_of, source)
        if not _contradictions(found, trials).size:
            return found
    return None


def read_utt2spk(path: str | Path) -> dict[str, str]:
    """Utterance -> speaker, from `utt2spk` or from supervisions (of recordings with one speaker).

    Raises MimidiarError with file and line.
    """
    if Path(path).name.endswith((".jsonl", ".jsonl.gz")):
        speakers = {name: {turn.speaker for turn in turns} for name, turns in read_supervisions(path).items()}
        return {name: own.pop() for name, own in speakers.items() if len(own) == 1}
    speaker_of: dict[str, str] = {}
    for line, fields in numbered_fields(path):
        if len(fields) != 2:
            what = f"{len(fields)} fields, but a line of utt2spk has 2 (utterance speaker)"
            raise MimidiarError(f"{path}, line {line}: {what}")
        if speaker_of.setdefault(fields[0], fields[1]) != fields[1]:
            both = f"{shown(speaker_of[fields[0]])} before and {shown(fields[1])} here"
            raise MimidiarError(f"{path}, line {line}: {shown(fields[0])} is of {both}")
    return speaker_of


def _sources(folder: Path, names: set[str]) -> Iterator[tuple[str, Callable[[str], str]]]:
    for name in BESIDE:
        if (folder / name).is_file():
            speaker_of = read_utt2spk(folder / name)
            if names <= speaker_of.keys():
                yield f"{name} beside the trials", speaker_of.__getitem__
    for parts, ordinal in enumerate(_ORDINALS, start=1):
        yield f"names up to the {ordinal} - or /", partial(_prefix, parts=parts)


def _prefix(name: str, parts: int) -> str:
    """The first `parts` of the parts between separators; a name with fewer, and that is all of it, is its own."""
    return "-".join(_SEPARATOR.split(name, parts)[:parts])


def _speakers(trials: Trials, speaker_of: Callable[[str], str], source: str) -> TrialSpeakers:
    number: dict[str, int] = {}
    number_of = {name: number.setdefault(speaker_of(name), len(number)) for name in dict.fromkeys(_flat(trials))}
    sides = np.fromiter((number_of[name] for name in _flat(trials)), dtype=np.int64, count=2 * len(trials.pairs))
    return TrialSpeakers(sides[0::2], sides[1::2], len(number), source)


def _flat(trials: Trials) -> Iterator[str]:
    return (name for pair in trials.pairs for name in pair)


def _contradictions(found: TrialSpeakers, trials: Trials) -> np.ndarray:
    """Indices of the trials with a contradicting label."""
    return np.flatnonzero((found.enrol == found.test) != trials.target)


def _named_speakers(trials: Trials, path: str | Path) -> TrialSpeakers:
    """By the file that the user names, which must have all of them."""
    speaker_of = read_utt2spk(path)
    if missing := [name for name in dict.fromkeys(_flat(trials)) if name not in speaker_of]:
        few = ", ".join(missing[:3])
        raise MimidiarError(f"{path}: no speaker of {len(missing)} utterances of the trials, the first: {few}")
    found = _speakers(trials, speaker_of.__getitem__, Path(path).name)
    wrong = _contradictions(found, trials)
    if wrong.size:
        enrol, test = trials.pairs[wrong[0]]
        label, says = ("target", "two speakers") if trials.target[wrong[0]] else ("non-target", "one speaker")
        first = f"the first, {enrol} {test}, is {label}, but of {says} there"
        raise MimidiarError(f"{path}: contradicts the labels of {wrong.size} trials; {first}")
    return found
