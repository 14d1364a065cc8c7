"""Stretches of real turn sequences, and turns of many speakers of little speech that follow such a sequence."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mimidiar.annotation.turns import Turn, crop, make_turns, total_sec, union
from mimidiar.config import Checked, NotNegative, Positive, Share
from mimidiar.errors import MimidiarError

Sequences = Mapping[str, Sequence[Turn]]  # <corpus>-<recording> -> turns

MAX_TRIES = 500
TINY_SEC = 1e-6
LEAD_SEC = 0.5  # before the first and after the last turn of a crowd
WAIT_SEC = 0.5  # before a speaker of a crowd speaks again, unless it is so in the sequence
REST_SEC = 0.5  # of a budget; a shorter rest is spoken at once


@dataclass(kw_only=True)
class Tidying(Checked):
    """What is taken of real turns, and which parts of them are conversations."""

    join_gap_sec: NotNegative = 0.25  # shorter gaps of one speaker do not split a turn
    shortest_sec: Positive = 0.1  # shorter turns of the sequence are left out
    speaker_sec: Positive = 1.0  # of speech, which each speaker of a stretch has at least
    speech_share: Share = 0.5  # of the time of a stretch, at least

    def tidy(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns in milliseconds, joined over short gaps, without the shortest."""
        joined = make_turns(turns, math.inf, self.join_gap_sec)
        return [turn for turn in joined if turn.duration > self.shortest_sec - TINY_SEC]

    def is_talk(self, turns: Sequence[Turn], seconds: float) -> bool:
        """Enough speech of each speaker, and at all."""
        said: dict[str, float] = defaultdict(float)
        for turn in turns:
            said[turn.speaker] += turn.duration
        speech = total_sec(union((turn.start, turn.end) for turn in turns))
        return min(said.values()) >= self.speaker_sec and speech >= self.speech_share * seconds


@dataclass(frozen=True)
class Stretch:
    """A part of a recording from `offset` on, in seconds, with its turns, which begin at 0."""

    recording: str
    offset: float
    turns: list[Turn]


def draw_stretch(sequences: Sequences, seconds: float, most: int, accept: Tidying, rng: np.random.Generator) -> Stretch:
    """A stretch of `seconds` with 2 to `most` speakers, that `accept` accepts.

    The corpora are equally probable. MimidiarError when no stretch is found.
    """
    own = draw_corpus(sequences, rng)
    for _ in range(MAX_TRIES):
        name = sorted(own)[int(rng.integers(len(own)))]
        room = max(turn.end for turn in own[name]) - seconds
        if room < 0:
            continue
        offset = round(float(rng.uniform(0, room)), 3)
        inside = crop(own[name], [(offset, offset + seconds)])
        turns = accept.tidy([replace(t, start=t.start - offset, end=t.end - offset) for t in inside])
        if 2 <= len({turn.speaker for turn in turns}) <= most and accept.is_talk(turns, seconds):
            return Stretch(name, offset, turns)
    raise MimidiarError(
        f"in {MAX_TRIES} tries no stretch of {seconds:g} s with 2 to {most} speakers of {accept.speaker_sec:g} s or "
        f"more each, in {len(own)} turn sequences; take longer ones, or a set of more speakers"
    )


def draw_corpus(sequences: Sequences, rng: np.random.Generator) -> Sequences:
    """Those of one corpus."""
    corpora = sorted({name.partition("-")[0] for name in sequences})
    corpus = corpora[int(rng.integers(len(corpora)))]
    return {name: turns for name, turns in sequences.items() if name.partition("-")[0] == corpus}


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
        if wanted in self.left and self.ends[wanted] <= start:
            return wanted, start
        free = {name: self.ends[name] + WAIT_SEC if name in self.ends else 0.0 for name in sorted(self.left)}
        others = [name for name in free if name != last and free[name] <= start]
        if others:
            weights = np.array([self.left[name] for name in others])
            return others[int(self.rng.choice(len(others), p=weights / weights.sum()))], start
        first = min(free, key=lambda name: free[name])
        return first, max(start, free[first])

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
