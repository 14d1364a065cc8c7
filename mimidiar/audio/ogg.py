"""The pages of an Ogg file: how many streams follow each other, and whether the last one ends (RFC 3533)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEAD = 27  # bytes of a page before its table of segments
FIRST, LAST = 2, 4  # flags of a page: of a stream
LARGEST_PAGE = 1 << 16

UNENDED = "the Ogg stream has no end: it may be cut short; all that there is was read"


@dataclass(frozen=True)
class OggLayout:
    """`links`: (start, length) in bytes of the streams, or groups of streams at once, one behind the other; `ended`:
    the last page says so."""

    links: list[tuple[int, int]]
    ended: bool


def ogg_layout(path: Path) -> OggLayout:
    """Read the heads of all pages; damaged stretches between them are passed over."""
    starts, flags, whole, before = [], 0, True, 0
    with open(path, "rb") as file:
        size = path.stat().st_size
        for start, head, length in _pages(file):
            flags, whole = head[5], start + length <= size
            if flags & FIRST and not before & FIRST:
                starts.append(start)
            before = flags
    ends = [*starts[1:], size]
    links = [(start, end - start) for start, end in zip(starts, ends, strict=True)] if starts else []
    return OggLayout(links, whole and bool(flags & LAST))


def _pages(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """(where it begins, its head, its length) of each page."""
    start: int | None = 0
    while start is not None:
        file.seek(start)
        head = file.read(HEAD)
        if head[:4] == b"OggS" and len(head) == HEAD:
            table = file.read(head[26])
            length = HEAD + len(table) + sum(table)
            yield start, head, length
            start += length
        else:
            start = _next_page(file, start + 1) if head else None


def _next_page(file: BinaryIO, start: int) -> int | None:
    while True:
        file.seek(start)
        found = file.read(LARGEST_PAGE)
        at = found.find(b"OggS")
        if at >= 0:
            return start + at
        if len(found) < 4:
            return None
        start += len(found) - 3
