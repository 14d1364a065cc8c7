"""Statistics of turn-taking in real conversations, as quantiles to draw from, and stretches of such conversations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from mimidiar.annotation.turns import Turn
from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

QUANTILES = 41
SHORTEST_SEC = 0.2  # of a turn, and of a speech segment in one
STRETCH_TRIES = 1000
LEAST_SPEECH = 0.3  # of a stretch, as a share of its time


@dataclass
class TurnStatistics:
    """Statistics of one kind of conversation; each list has values at equal steps of probability, ascending.

    A gap is from the last end of the turns before to the start of a turn: negative where the turn begins in overlap.
    """

    turn_sec: list[float] = field(default_factory=list)
    gap_sec: list[float] = field(default_factory=list)  # before a turn of another speaker than the last one
    pause_sec: list[float] = field(default_factory=list)  # before a turn of the same
    change_share: float = 1.0  # of the turns, with another speaker than the last one
    turns: int = 0  # that were measured

    def check(self, where: str) -> None:
        """Raise MimidiarError naming the key and what it must be."""
        for key in ("turn_sec", "gap_sec", "pause_sec"):
            values = getattr(self, key)
            if len(values) < 2 or any(a > b for a, b in pairwise(values)):
                raise MimidiarError(f"{where}: {key} has {len(values)} values; two or more, the least first")
        if self.turn_sec[0] <= 0:
            raise MimidiarError(f"{where}: turn_sec begins with {self.turn_sec[0]:g}; turns are longer than 0 s")
        if not 0 <= self.change_share <= 1:
            raise MimidiarError(f"{where}: change_share is {self.change_share:g}; between 0 and 1")


@dataclass
class TurnFile:
    """The YAML file: statistics by name of the corpus."""

    corpora: dict[str, TurnStatistics] = field(default_factory=dict)


def measure_turns(recordings: Iterable[Sequence[Turn]]) -> TurnStatistics:
    """Statistics over recordings, each given by all its turns. MimidiarError where there is nothing to measure."""
    lengths: list[float] = []
    gaps: list[float] = []
    pauses: list[float] = []
    for turns in recordings:
        ordered = sorted(turns)
        lengths += [turn.duration for turn in ordered]
        for last, turn in _with_last(ordered):
            (pauses if turn.speaker == last.speaker else gaps).append(turn.start - last.end)
    if not gaps or not pauses:
        raise MimidiarError(
            f"{len(lengths)} turns with {len(gaps)} changes of speaker and {len(pauses)} pauses; name references of "
            "conversations"
        )
    share = len(gaps) / (len(gaps) + len(pauses))
    return TurnStatistics(_quantiles(lengths), _quantiles(gaps), _quantiles(pauses), round(share, 4), len(lengths))


def _with_last(turns: Sequence[Turn]) -> Iterable[tuple[Turn, Turn]]:
    """Each turn but the first, with the one before it that ended last."""
    last = turns[0] if turns else None
    for turn in turns[1:]:
        yield last, turn
        last = max(last, turn, key=lambda each: each.end)


def _quantiles(values: Sequence[float]) -> list[float]:
    return np.quantile(values, np.linspace(0, 1, QUANTILES)).round(3).tolist()


def draw(quantiles: Sequence[float], rng: np.random.Generator) -> float:
    """A value of the distribution with these quantiles, linear between two of them."""
    return float(np.interp(rng.random() * (len(quantiles) - 1), np.arange(len(quantiles)), quantiles))


def read_statistics(path: str | Path) -> dict[str, TurnStatistics]:
    """By name of the corpus. MimidiarError for a file that cannot be read, is empty or has impossible values."""
    corpora = load_config(TurnFile, path).corpora
    if not corpora:
        raise MimidiarError(f"{path}: no statistics; name at least one corpus below 'corpora:'")
    for name, statistics in corpora.items():
        statistics.check(f"{path}: {name}")
    return corpora


def write_statistics(path: str | Path, corpora: dict[str, TurnStatistics], made_by: str) -> None:
    """As YAML, a list in a line, with `made_by` in the first line."""
    lines = [f"# {made_by}", "corpora:"]
    for name, statistics in corpora.items():
        lines += [f"  {name}:", *(f"    {key}: {value}" for key, value in asdict(statistics).items())]
    write_text(path, "\n".join(lines) + "\n")


def draw_stretch(
    sequences: Mapping[str, Sequence[Turn]], seconds: float, most: int, rng: np.random.Generator
) -> list[Turn]:
    """The turns in `seconds` of one of the conversations, from 0 on, with speech in LEAST_SPEECH of the time, where at
    most `most` speak. Conversations are of corpora, named before a hyphen, which are as likely each.
    """
    corpora = {name.partition("-")[0]: [] for name in sorted(sequences)}
    for name in sorted(sequences):
        corpora[name.partition("-")[0]].append(name)
    for _ in range(STRETCH_TRIES):
        names = corpora[sorted(corpora)[int(rng.integers(len(corpora)))]]
        turns = sequences[names[int(rng.integers(len(names)))]]
        start = float(rng.uniform(0, max(0.0, max(turn.end for turn in turns) - seconds)))
        cut = [replace(t, start=max(t.start - start, 0.0), end=min(t.end - start, seconds)) for t in turns]
        inside = [turn for turn in cut if turn.duration >= SHORTEST_SEC]
        spoken = sum(turn.duration for turn in inside)
        if spoken >= LEAST_SPEECH * seconds and len({turn.speaker for turn in inside}) <= most:
            return sorted(inside)
    raise MimidiarError(f"in {STRETCH_TRIES} tries no stretch of {seconds:g} s in which at most {most} speak")
