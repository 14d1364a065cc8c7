"""Turns: one speaker speaking in one recording from then to then; and regions: sets of time without a speaker, as
sorted lists of disjoint (start, end) pairs in seconds."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path

from mimidiar.errors import MimidiarError

Region = tuple[float, float]

LABEL_HZ = 12.5  # frames of the labels a second: one Mimi frame, 80 ms
# Times in RTTM have three decimals; a shorter rest at the end would be a turn of 0.000 s.
MIN_TURN_SEC = 0.01
SHORTEST_SEC = 1e-6  # pyannote.core takes anything shorter for empty; so do we, or speaker counts would differ


def union(regions: Iterable[Region]) -> list[Region]:
    """All the time covered by any of `regions` (in any order, overlapping or not); touching ones become one."""
    merged: list[Region] = []
    for start, end in sorted(regions):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def intersect(left: list[Region], right: list[Region]) -> list[Region]:
    """The time in both sets."""
    common, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if end - start > SHORTEST_SEC:
            common.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return common


def subtract(regions: list[Region], holes: list[Region]) -> list[Region]:
    """The time of `regions` that is in none of `holes`."""
    if not holes or not regions:
        return list(regions)
    edges = [-float("inf"), *(edge for hole in holes for edge in hole), float("inf")]
    return intersect(regions, list(zip(edges[::2], edges[1::2], strict=True)))


def overlaps(regions: Iterable[Region]) -> list[Region]:
    """The time covered by two or more of `regions`, which may be in any order."""
    common, reach = [], -float("inf")
    for start, end in sorted(regions):
        if min(end, reach) - start > SHORTEST_SEC:
            common.append((start, min(end, reach)))
        reach = max(reach, end)
    return union(common)


def total_sec(regions: Iterable[Region]) -> float:
    """Seconds covered by disjoint regions."""
    return sum(end - start for start, end in regions)


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


def only_recording(turns: Turns, path: str | Path, kind: str) -> list[Turn]:
    """The turns for `path`, a file of a kind that holds one recording, by start. MimidiarError for several."""
    if len(turns) > 1:
        raise MimidiarError(f"{path}: {kind} holds one recording, not {len(turns)}")
    return sorted(turn for recording in turns.values() for turn in recording)


def extent(turns: Sequence[Turn]) -> list[Region]:
    """From the first start to the last end of turns of one recording, as one region; none without turns."""
    return [(min(turn.start for turn in turns), max(turn.end for turn in turns))] if turns else []


def merge_overlaps(turns: Iterable[Turn]) -> list[Turn]:
    """The turns of one recording, sorted, with overlapping turns of the same speaker made one."""
    merged: list[Turn] = []
    last: dict[str, int] = {}
    for turn in sorted(turns, key=attrgetter("start", "end", "speaker")):
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
    starts, ends = [start for start, _ in regions], [end for _, end in regions]
    cut = []
    for turn in turns:
        near = regions[bisect_right(ends, turn.start) : bisect_left(starts, turn.end)]
        cut += [Turn(turn.recording, *part, turn.speaker) for part in intersect([(turn.start, turn.end)], near)]
    return cut


def cut_at(turns: Iterable[Turn], seconds: float) -> Iterator[Turn]:
    """The turns, or what there is of them before `seconds`."""
    for turn in turns:
        if turn.start < seconds:
            yield turn if turn.end <= seconds else replace(turn, end=seconds)


def make_turns(placed: Iterable[Turn], seconds: float, join_gap_sec: float) -> list[Turn]:
    """Crop turns at `seconds` and join those of one speaker with a gap of at most `join_gap_sec`; sorted by start."""
    of_speaker: dict[str, list[Turn]] = defaultdict(list)
    for each in sorted(placed):
        start, end = round(each.start, 3), round(min(each.end, seconds), 3)
        turns = of_speaker[each.speaker]
        if end - start < MIN_TURN_SEC:
            continue
        if turns and start - turns[-1].end <= join_gap_sec:
            turns[-1] = replace(turns[-1], end=max(end, turns[-1].end))
        else:
            turns.append(Turn(each.recording, start, end, each.speaker))
    return sorted(turn for turns in of_speaker.values() for turn in turns)
