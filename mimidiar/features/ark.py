"""Kaldi's binary archive of float matrices: index one, and read a stretch of one matrix by its offset.

kaldiio writes the records (see store.py); the 15 bytes before the numbers are read here, because kaldiio always reads
a whole matrix and a training crop is a small part of one. Record: key, space, "\\0B" (binary), "FM " (float matrix),
then rows and columns, each a byte 4 and a little-endian int32, then the numbers row by row.
"""

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mimidiar.errors import MimidiarError

HEADER = struct.Struct("<2s3sbibi")
LONGEST_KEY = 4096


@dataclass(frozen=True)
class ArkEntry:
    """Where one matrix lies: the archive, the offset of its header (what an scp line gives), its shape."""

    ark: Path
    offset: int
    rows: int
    columns: int

    @property
    def data(self) -> int:
        """Offset of the first number."""
        return self.offset + HEADER.size

    @property
    def end(self) -> int:
        """Offset just past the last number."""
        return self.data + 4 * self.rows * self.columns


def index_ark(path: str | Path, cut_short: bool = False) -> dict[str, ArkEntry]:
    """Every record of an archive by its key, in file order, reading the headers alone.

    With `cut_short` the first record that is not whole ends the list (a killed writer leaves one); otherwise it
    raises MimidiarError.
    """
    path = Path(path)
    entries: dict[str, ArkEntry] = {}
    size = path.stat().st_size
    position = 0
    with open(path, "rb") as stream:
        while position < size:
            key, entry = _record_at(stream, path, position)
            if entry is None or entry.end > size:
                if cut_short:
                    break
                raise MimidiarError(f"{path}: the record at byte {position} of {size} is damaged; extract again")
            entries[key] = entry
            position = entry.end
    return entries


def _record_at(stream: io.BufferedReader, path: Path, position: int) -> tuple[str, ArkEntry | None]:
    stream.seek(position)
    start = stream.read(LONGEST_KEY)
    key, space, _ = start.partition(b" ")
    if not key or not space:
        return "", None
    return key.decode("utf-8", "replace"), _entry(stream, path, position + len(key) + 1)


def _entry(stream: io.BufferedReader, path: Path, offset: int) -> ArkEntry | None:
    """The matrix whose header stands at `offset`; None where none does."""
    stream.seek(offset)
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    binary, kind, size_rows, rows, size_columns, columns = HEADER.unpack(header)
    if (binary, kind, size_rows, size_columns) != (b"\0B", b"FM ", 4, 4) or rows < 0 or columns < 0:
        return None
    return ArkEntry(path, offset, rows, columns)


def entry_at(path: Path, offset: int, key: str) -> ArkEntry:
    """The matrix at an offset that an scp line gave. Raises MimidiarError, with archive and key, if there is none."""
    try:
        with open(path, "rb") as stream:
            entry = _entry(stream, path, offset)
            size = os.fstat(stream.fileno()).st_size
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such archive (it holds {key}); extract again") from None
    if entry is None:
        raise MimidiarError(f"{path}: no float matrix at byte {offset}, where the scp has {key}; extract again")
    if entry.end > size:
        raise MimidiarError(f"{path}: cut short: {key} ends at byte {entry.end}, the file at {size}; extract again")
    return entry


def read_rows(entry: ArkEntry, start: int, stop: int) -> np.ndarray:
    """Rows [start, stop) of a matrix as float32, reading no more of the file than those."""
    count = (stop - start) * entry.columns
    offset = entry.data + 4 * start * entry.columns
    return np.fromfile(entry.ark, "<f4", count, offset=offset).reshape(stop - start, entry.columns)
