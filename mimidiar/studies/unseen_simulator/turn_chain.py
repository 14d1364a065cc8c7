"""Turns by a Markov chain in continuous time over silence, one speaker, and two at once.

Nothing is planned and no share is a target. While n people speak, another begins at a rate that depends on n alone, and
one of the active speakers stops at another rate (Brady 1968, "A statistical analysis of on-off patterns in 16
conversations", coupled by n). A speaker who stops finishes the current speech segment, so that no word is truncated.
Events are drawn one by one (Gillespie 1977). It shares nothing with NeMo's simulator, which plans sentences, nor with
training; lhotse's meeting simulators control neither length nor turns within utterances.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mimidiar.config import Checked, Positive, Share
from mimidiar.data.utterances_manifest import SourceUtterance

FEWEST_SEC = 0.05  # of a speech segment; shorter ones are ignored


@dataclass
class TurnChain(Checked):
    """Mean times of the chain, in seconds."""

    silence_sec: Positive = 0.7  # nobody speaks: until somebody begins
    alone_sec: Positive = 7.0  # one speaks: until another begins
    hold_sec: Positive = 3.0  # one speaks: until that one stops
    overlap_sec: Positive = 0.5  # two speak: until one of them stops
    again: Share = 0.25  # share of beginnings in silence by the last speaker
    pause_sec: Positive = 0.5  # the longest pause within a turn; longer ones of the utterance are shortened


@dataclass(frozen=True)
class Placement:
    """Seconds `start` to `end` of an utterance, a speech segment, placed at `at`."""

    speaker: str
    at: float
    utterance: SourceUtterance
    start: float
    end: float

    @property
    def until(self) -> float:
        return self.at + self.end - self.start


class Tape:
    """All speech of a speaker, segment after segment, in a loop."""

    def __init__(self, speaker: str, utterances: Sequence[SourceUtterance], first: int) -> None:
        """`first`: the number of the first segment. All utterances must have speech."""
        self.speaker = speaker
        self._segments = [(u, a, b) for u in utterances for a, b in u.speech if b - a >= FEWEST_SEC]
        self._next = first % len(self._segments)

    def play(self, start: float, let_go: float, longest_pause: float) -> list[Placement]:
        """Placements from `start` on, up to the first that ends after `let_go`."""
        placements, at = [], start
        while True:
            utterance, begin, end = self._segments[self._next]
            placements.append(Placement(self.speaker, at, utterance, begin, end))
            self._next = (self._next + 1) % len(self._segments)
            if placements[-1].until >= let_go:
                return placements
            following, following_begin, _ = self._segments[self._next]
            gap = following_begin - end if following is utterance and following_begin > end else longest_pause
            at = placements[-1].until + min(gap, longest_pause)


def draw_placements(
    tapes: Mapping[str, Tape], seconds: float, chain: TurnChain, rng: np.random.Generator
) -> list[Placement]:
    """Speech from 0 to at least `seconds`, the last placements beyond that; at most two speak at once."""
    placements: list[Placement] = []
    began: dict[str, float] = {}  # of active speakers who continue
    ends: dict[str, float] = {}  # of those who stop
    now, last = 0.0, None
    while now < seconds:
        starting, stopping = _rates(len(began) + len(ends), len(tapes), bool(began), chain)
        wait = rng.exponential(1 / (starting + stopping)) if starting + stopping > 0 else math.inf
        first = min(ends, key=ends.get, default=None)
        if first is not None and ends[first] <= now + wait:
            now, last = ends.pop(first), first
            continue
        now += wait
        if rng.random() * (starting + stopping) < starting:
            began[_who_begins(tapes, {*began, *ends}, last, chain.again, rng)] = now
        else:
            speaker = sorted(began)[rng.integers(len(began))]
            turn = tapes[speaker].play(began.pop(speaker), min(now, seconds), chain.pause_sec)
            placements += turn
            ends[speaker] = turn[-1].until
    for speaker, start in began.items():
        placements += tapes[speaker].play(start, seconds, chain.pause_sec)
    return placements


def _rates(speaking: int, present: int, anybody_may_stop: bool, chain: TurnChain) -> tuple[float, float]:
    """Beginnings and endings per second with `speaking` active speakers of all `present`."""
    starting = (1 / chain.silence_sec, 1 / chain.alone_sec, 0.0)[speaking]
    stopping = (0.0, 1 / chain.hold_sec, 1 / chain.overlap_sec)[speaking]
    return starting if speaking < present else 0.0, stopping if anybody_may_stop else 0.0


def _who_begins(
    tapes: Mapping[str, Tape], speaking: set[str], last: str | None, again: float, rng: np.random.Generator
) -> str:
    """One of the silent speakers, with equal probability, except for the last speaker's probability `again`."""
    others = sorted(tapes.keys() - speaking - {last})
    if last in tapes and last not in speaking and (not others or rng.random() < again):
        return last
    return others[rng.integers(len(others))]
