"""Stretches of real turn sequences, and turns of many speakers of little speech that follow such a sequence."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mimidiar.annotation.turns import Turn, crop
from mimidiar.errors import MimidiarError
from mimidiar.simulation.placement import make_turns

Sequences = Mapping[str, Sequence[Turn]]  # <corpus>-<recording> -> turns

SPEAKER_SEC = 1.0  # of speech, which each speaker of a stretch has at least
MAX_TRIES = 500
LEAD_SEC = 0.5  # before the first and after the last turn of a crowd
WAIT_SEC = 0.5  # before a speaker of a crowd goes on, when no other one can
REST_SEC = 0.5  # of a budget; a shorter rest is spoken at once


def draw_stretch(
    sequences: Sequences, seconds: float, most: int, join_gap_sec: float, shortest_sec: float, rng: np.random.Generator
) -> tuple[str, float, list[Turn]]:
    """A recording, an offset in seconds, and the turns from there on for `seconds`, which begin at 0.

    Turns of one speaker with a gap up to `join_gap_sec` are joined; then those shorter than `shortest_sec` are left
    out. Each of 2 to `most` speakers speaks `SPEAKER_SEC` or more. The corpora are equally probable, and the recordings
    of one are. MimidiarError when no stretch is found.
    """
    for _ in range(MAX_TRIES):
        name = draw_recording(sequences, rng)
        room = max(turn.end for turn in sequences[name]) - seconds
        if room < 0:
            continue
        offset = round(float(rng.uniform(0, room)), 3)
        inside = crop(sequences[name], [(offset, offset + seconds)])
        turns = tidy(
            (replace(t, start=t.start - offset, end=t.end - offset) for t in inside), join_gap_sec, shortest_sec
        )
        said = speech_of_speakers(turns)
        if 2 <= len(said) <= most and min(said.values()) >= SPEAKER_SEC:
            return name, offset, turns
    raise MimidiarError(
        f"in {MAX_TRIES} tries no stretch of {seconds:g} s with 2 to {most} speakers of {SPEAKER_SEC:g} s or more each "
        f"in {len(sequences)} turn sequences; take longer ones, or a set of more speakers"
    )


def draw_recording(sequences: Sequences, rng: np.random.Generator) -> str:
    """The name of a recording; the corpora are equally probable."""
    corpora = sorted({name.partition("-")[0] for name in sequences})
    corpus = corpora[int(rng.integers(len(corpora)))]
    names = sorted(name for name in sequences if name.partition("-")[0] == corpus)
    return names[int(rng.integers(len(names)))]


def tidy(turns: Iterator[Turn] | Sequence[Turn], join_gap_sec: float, shortest_sec: float) -> list[Turn]:
    """The turns in milliseconds, joined over short gaps, without the shortest."""
    return [turn for turn in make_turns(turns, math.inf, join_gap_sec) if turn.duration > shortest_sec - 1e-6]


def speech_of_speakers(turns: Sequence[Turn]) -> dict[str, float]:
    """Speaker -> seconds of speech, in the order of their first turns."""
    said: dict[str, float] = {}
    for turn in turns:
        said[turn.speaker] = said.get(turn.speaker, 0.0) + turn.duration
    return said


@dataclass(frozen=True)
class Step:
    """From one turn of a sequence to the next, in seconds."""

    since: float  # the start of the turn before
    gap: float  # since the last end of all turns before; negative in overlap
    length: float
    again: bool  # the speaker is that of the turn that ended last


class Crowd:
    """A conversation while it is drawn: what each speaker has left to say, and when the last turn of each ends."""

    def __init__(self, budgets: Mapping[str, float], rng: np.random.Generator) -> None:
        """`budgets`: speaker -> seconds of speech."""
        self.left, self.rng = dict(budgets), rng
        self.ends: dict[str, float] = {}

    def turns(self, steps: Iterator[Step]) -> list[Turn]:
        """Turns until all budgets are used, which cut the last one of a speaker. What would overlap with what was cut
        begins where that ends."""
        turns: list[Turn] = []
        start, end, last = LEAD_SEC, LEAD_SEC, ""
        for step in steps:
            if not self.left:
                return turns
            start = end + step.gap if step.gap > 0 else min(start + step.since, end)
            speaker, start = self._choose(start, last if step.again else "", last)
            length = self._spend(speaker, step.length)
            turns.append(Turn("", round(start, 3), round(start + length, 3), speaker))
            self.ends[speaker] = turns[-1].end
            if turns[-1].end >= end:
                end, last = turns[-1].end, speaker
        return turns

    def _choose(self, start: float, wanted: str, last: str) -> tuple[str, float]:
        """Who speaks, and from when: one with speech left who is silent, by preference `wanted`, or else not `last`."""
        silent = [name for name in sorted(self.left) if self.ends.get(name, 0.0) <= start]
        if wanted in silent:
            return wanted, start
        others = [name for name in silent if name != last]
        if others:
            weights = np.array([self.left[name] for name in others])
            return others[int(self.rng.choice(len(others), p=weights / weights.sum()))], start
        first = min(sorted(self.left), key=lambda name: self.ends.get(name, 0.0))
        return first, max(start, self.ends.get(first, 0.0) + WAIT_SEC)

    def _spend(self, speaker: str, length: float) -> float:
        """The seconds of the speaker's turn."""
        left = self.left.pop(speaker)
        if left - length < REST_SEC:
            return left
        self.left[speaker] = round(left - length, 3)
        return length


def steps_of(turns: Sequence[Turn], first: int) -> Iterator[Step]:
    """Of each turn of a sequence, from the `first` on and in a loop; the first turn of all follows the last at once."""
    steps, before, last = [Step(0.0, 0.0, turns[0].duration, False)], turns[0], turns[0]
    for turn in turns[1:]:
        again = turn.speaker == last.speaker
        steps.append(Step(turn.start - before.start, turn.start - last.end, turn.duration, again))
        before, last = turn, max(last, turn, key=lambda each: each.end)
    yield from steps[first:]
    while True:
        yield Step(math.inf, 0.0, steps[0].length, False)
        yield from steps[1:]
