"""The time that a reference RTTM itself takes out of scoring: NOSCORE lines, and NON-LEX sounds such as laughter.

md-eval scores neither, and widens each such zone by up to 0.5 s on either side, but not past the next word (LEXEME) or
the next start or end of a speaker turn; `sd_test2` of NIST's md-eval test set spells the rule out. References made of
SPEAKER lines only have no such zones.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from mimidiar.annotation.lines import numbered_fields, seconds_in, source_files
from mimidiar.annotation.regions import Region, subtract, union

EXTENSION_SEC = 0.5
UNSCORED_SOUNDS = frozenset({"laugh", "breath", "lipsmack", "cough", "sneeze", "other"})


def read_noscore(path: str | Path) -> dict[str, list[Region]]:
    """The regions of each recording that are not scored, sorted and disjoint; {} for most references."""
    zones: dict[str, list[Region]] = defaultdict(list)
    words: dict[str, list[Region]] = defaultdict(list)
    edges: dict[str, list[float]] = defaultdict(list)
    for file in source_files(path, ".rttm"):
        if not _has_zones(file):
            continue
        for kind, recording, subtype, region in _timed_lines(file):
            if kind == "NOSCORE" or (kind == "NON-LEX" and subtype in UNSCORED_SOUNDS):
                zones[recording].append(region)
            elif kind == "LEXEME":
                words[recording].append(region)
            if kind in ("LEXEME", "SPEAKER"):
                edges[recording].extend(region)
    return {name: _extended(union(zones[name]), union(words[name]), sorted(edges[name])) for name in sorted(zones)}


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


def _extended(zones: list[Region], words: list[Region], edges: list[float]) -> list[Region]:
    extended = list(zones)
    for start, end in zones:
        before = edges[bisect_right(edges, start) - 1] if edges and edges[0] <= start else 0.0
        at = bisect_left(edges, end)
        after = edges[at] if at < len(edges) else float("inf")
        sides = [(max(before, start - EXTENSION_SEC), start), (end, min(after, end + EXTENSION_SEC))]
        extended += subtract([side for side in sides if side[1] > side[0]], words)
    return union(extended)
