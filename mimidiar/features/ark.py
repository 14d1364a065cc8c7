"""Kaldi's binary archive of matrices: index one, and read rows of one matrix by its offset.

kaldiio writes the records (see store.py); the bytes before the numbers are read here, because kaldiio always reads a
whole matrix and a training crop needs few of its rows. Record: key, space, "\\0B" (binary), then one of

    "FM " (float matrix), rows and columns, each a byte 4 and an int32, then float32 numbers row by row;
    "CM2 " (compressed, two bytes), float32 smallest value and range, int32 rows and columns, then uint16 numbers row by
    row: the positions of the values in that range, in steps of range / 65535;

all little-endian.
"""

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mimidiar.errors import MimidiarError

FLOATS = struct.Struct("<5sbibi")
SHORTS = struct.Struct("<6sffii")
SHORT_STEPS = 65535
LONGEST_KEY = 4096


@dataclass(frozen=True)
class ArkEntry:
    """Where one matrix lies: the archive, the offset of its header (what an scp line gives), its shape.

    `scale` of a compressed one: smallest value and range.
    """

    ark: Path
    offset: int
    rows: int
    columns: int
    scale: tuple[float, float] | None = None

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers in the file."""
        return np.dtype("<f4" if self.scale is None else "<u2")

    @property
    def data(self) -> int:
        """Offset of the first number."""
        return self.offset + (FLOATS if self.scale is None else SHORTS).size

    @property
    def end(self) -> int:
        """Offset just past the last number."""
        return self.data + self.dtype.itemsize * self.rows * self.columns


def index_ark(path: str | Path, cut_short: bool = False) -> dict[str, ArkEntry]:
    """Every record of an archive by its key, in file order, reading the headers alone.

    With `cut_short` the first incomplete record ends the list (a killed writer leaves one); otherwise it
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
    if not space or not key or key[0] == 0:  # zeros are blocks that were never written to disk
        return "", None
    return key.decode("utf-8", "replace"), _entry(stream, path, position + len(key) + 1)


def _entry(stream: io.BufferedReader, path: Path, offset: int) -> ArkEntry | None:
    """The matrix with its header at `offset`; None without one."""
    stream.seek(offset)
    header = stream.read(max(FLOATS.size, SHORTS.size))
    scale = None
    if header.startswith(b"\0BFM ") and len(header) >= FLOATS.size:
        _, size_rows, rows, size_columns, columns = FLOATS.unpack_from(header)
        if (size_rows, size_columns) != (4, 4):
            return None
    elif header.startswith(b"\0BCM2 ") and len(header) >= SHORTS.size:
        _, *scale, rows, columns = SHORTS.unpack_from(header)
    else:
        return None
    return ArkEntry(path, offset, rows, columns, scale and tuple(scale)) if min(rows, columns) >= 0 else None


def entry_at(path: Path, offset: int, key: str) -> ArkEntry:
    """The matrix at an offset of an scp line. Raises MimidiarError, with archive and key, if there is none."""
    try:
        with open(path, "rb") as stream:
            entry = _entry(stream, path, offset)
            size = os.fstat(stream.fileno()).st_size
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such archive (it holds {key}); extract again") from None
    if entry is None:
        where = f"at byte {offset}, where the scp has {key}"
        raise MimidiarError(f"{path}: no matrix of floats, or compressed in two bytes, {where}; extract again")
    if entry.end > size:
        raise MimidiarError(f"{path}: cut short: {key} ends at byte {entry.end}, the file at {size}; extract again")
    return entry


def read_rows(entry: ArkEntry, start: int, stop: int) -> np.ndarray:
    """Rows [start, stop) of a matrix as float32, reading no more of the file than those."""
    count = (stop - start) * entry.columns
    offset = entry.data + entry.dtype.itemsize * start * entry.columns
    numbers = np.fromfile(entry.ark, entry.dtype, count, offset=offset).reshape(stop - start, entry.columns)
    if entry.scale is None:
        return numbers
    smallest, value_range = entry.scale
    return smallest + numbers.astype(np.float32) * value_range / SHORT_STEPS
