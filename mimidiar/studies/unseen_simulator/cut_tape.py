"""The speech of a speaker that fills turns of given lengths: cut where a turn ends, it goes on there in the next."""

from collections.abc import Sequence

from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.studies.unseen_simulator.turn_chain import FEWEST_SEC, Placement

TINY_SEC = 1e-6


class CutTape:
    """All speech of a speaker, segment after segment, in a loop that stops and goes on anywhere."""

    def __init__(self, speaker: str, utterances: Sequence[SourceUtterance], first: int) -> None:
        """`first`: the number of the first segment. All utterances must have speech."""
        self.speaker = speaker
        self._segments = [(u, a, b) for u in utterances for a, b in u.speech if b - a >= FEWEST_SEC]
        self._next = first % len(self._segments)
        self._reached = 0.0  # in seconds of the utterance: what was played of the next segment

    def play(self, start: float, stop: float, longest_pause: float) -> list[Placement]:
        """Placements that begin at `start` and end at `stop`, with pauses of at most `longest_pause` between them."""
        placements, at = [], start
        while stop - at > TINY_SEC:
            utterance, begin, end = self._segments[self._next]
            begin = max(begin, self._reached)
            placements.append(Placement(self.speaker, at, utterance, begin, min(end, begin + stop - at)))
            at = placements[-1].until
            pause = self._wind(placements[-1].end, longest_pause)
            # A turn does not end with a pause.
            at += pause if stop - at - pause >= FEWEST_SEC else 0.0
        return placements

    def _wind(self, reached: float, longest_pause: float) -> float:
        """Go on from `reached` in the current segment; returns the pause before what is next, in seconds."""
        utterance, _, end = self._segments[self._next]
        if end - reached >= FEWEST_SEC:
            self._reached = reached
            return 0.0
        self._next, self._reached = (self._next + 1) % len(self._segments), 0.0
        following, begin, _ = self._segments[self._next]
        gap = begin - end if following is utterance and begin > end else longest_pause
        return min(gap, longest_pause)
