"""Turns: one speaker speaking in one recording from then to then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mimidiar.annotation.regions import Region, intersect


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One speaker speaking in one recording from `start` to `end` (seconds, end > start >= 0)."""

    recording: str
    start: float
    end: float
    speaker: str

    @property
    def duration(self) -> float:
        return self.end - self.start


Turns = Mapping[str, list[Turn]]  # by recording


def merge_overlaps(turns: Iterable[Turn]) -> list[Turn]:
    """The turns of one recording, sorted, with overlapping turns of the same speaker made one."""
    merged: list[Turn] = []
    last: dict[str, int] = {}
    for turn in sorted(turns):
        index = last.get(turn.speaker)
        if index is not None and turn.start < merged[index].end:
            if turn.end > merged[index].end:
                merged[index] = replace(merged[index], end=turn.end)
        else:
            last[turn.speaker] = len(merged)
            merged.append(turn)
    return merged


def crop(turns: Iterable[Turn], regions: list[Region]) -> list[Turn]:
    """The parts of `turns` (of one recording) that lie in the disjoint, sorted `regions`."""
    return [replace(t, start=a, end=b) for t in turns for a, b in intersect([(t.start, t.end)], regions)]
