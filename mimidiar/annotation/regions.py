"""Sets of time as sorted lists of disjoint (start, end) pairs in seconds."""

from collections.abc import Iterable

Region = tuple[float, float]

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
