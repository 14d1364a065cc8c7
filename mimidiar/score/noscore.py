"""The time that a reference RTTM itself takes out of scoring: NOSCORE lines, and NON-LEX sounds such as laughter.

md-eval scores neither. It widens a NON-LEX zone by up to 0.5 s on either side, but not past the next word (LEXEME) or
the next start or end of a speaker turn (`sd_test2` of NIST's md-eval test set spells the rule out); NOSCORE zones stay
as they are (`md_test28`). References made of SPEAKER lines only have no such zones.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mimidiar.annotation.text_file import numbered_fields, seconds_in, source_files
from mimidiar.annotation.turns import Region, subtract, union

EXTENSION_SEC = 0.5
UNSCORED_SOUNDS = frozenset({"laugh", "breath", "lipsmack", "cough", "sneeze", "other"})


@dataclass
class _Marks:
    """What one recording's RTTM lines say about zones."""

    noscore: list[Region] = field(default_factory=list)
    sounds: list[Region] = field(default_factory=list)
    words: list[Region] = field(default_factory=list)
    edges: list[float] = field(default_factory=list)

    def add(self, kind: str, subtype: str, region: Region) -> None:
        if kind == "NOSCORE":
            self.noscore.append(region)
        elif kind == "NON-LEX" and subtype in UNSCORED_SOUNDS:
            self.sounds.append(region)
        elif kind == "LEXEME":
            self.words.append(region)
        if kind in ("LEXEME", "SPEAKER"):
            self.edges.extend(region)

    def zones(self) -> list[Region]:
        return union([*self.noscore, *_widened(union(self.sounds), union(self.words), sorted(self.edges))])


def read_noscore(path: str | Path) -> dict[str, list[Region]]:
    """The regions of each recording that are not scored, sorted and disjoint; {} for most references."""
    marks: dict[str, _Marks] = defaultdict(_Marks)
    for file in source_files(path, ".rttm"):
        if _has_zones(file):
            for kind, recording, subtype, region in _timed_lines(file):
                marks[recording].add(kind, subtype, region)
    return {name: zones for name in sorted(marks) if (zones := marks[name].zones())}


def _has_zones(file: Path) -> bool:
    return any(fields[0] in ("NOSCORE", "NON-LEX") for _, fields in numbered_fields(file))


def _timed_lines(file: Path) -> Iterator[tuple[str, str, str, Region]]:
    """(type, recording, subtype, region) of the lines that make or bound a zone."""
    for line, fields in numbered_fields(file):
        if fields[0] in ("NOSCORE", "NON-LEX", "LEXEME", "SPEAKER") and len(fields) >= 7:
            start = seconds_in(fields[3], file, line, "start")
            end = start + seconds_in(fields[4], file, line, "duration")
            if end > start:
                yield fields[0], fields[1], fields[6], (start, round(end, 6))


def _widened(zones: list[Region], words: list[Region], edges: list[float]) -> list[Region]:
    """Disjoint `zones` and what is added on their sides, given disjoint `words` and all `edges` in order."""
    starts, ends = [start for start, _ in words], [end for _, end in words]
    widened = list(zones)
    for start, end in zones:
        before = edges[bisect_right(edges, start) - 1] if edges and edges[0] <= start else 0.0
        at = bisect_left(edges, end)
        after = edges[at] if at < len(edges) else float("inf")
        sides = [(max(before, start - EXTENSION_SEC), start), (end, min(after, end + EXTENSION_SEC))]
        near = words[bisect_right(ends, sides[0][0]) : bisect_left(starts, sides[1][1])]
        widened += subtract([side for side in sides if side[1] > side[0]], near)
    return widened
