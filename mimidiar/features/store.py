"""Matrices by key in Kaldi's ark/scp, for features and for posteriors: a reader, a shard writer, and the joining scp.

A shard is written by one process, a batch of records at a time, into a hidden file that takes its name when it is
complete. A killed process, or a power cut, leaves the hidden file. The next process keeps its complete records and
continues after them: nothing finished is computed twice, and the bytes are those of an undisturbed run.
"""

import fcntl
import io
import os
from pathlib import Path

import kaldiio
import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.features.ark import ArkEntry, entry_at, index_ark, read_rows
from mimidiar.files import disk_error, put_in_place, read_json, write_text

META = "meta.json"
TWO_BYTES = 3  # Kaldi's kTwoByteAuto, "CM2": smallest value and range of each matrix, 16 bits for a number


class MatrixStore:
    """The matrices that an scp file names, read by key; a matrix is read from disk each time it is asked for."""

    def __init__(self, scp: str | Path):
        """Raises MimidiarError for a missing scp file or a line other than `key archive:offset`."""
        self.scp = Path(scp)
        self._places = _read_scp(self.scp)
        self._entries: dict[str, ArkEntry] = {}

    def keys(self) -> list[str]:
        """All keys, in the order of the scp file."""
        return list(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def num_frames(self, key: str) -> int:
        """Rows of a matrix, from its header alone."""
        return self._entry(key).rows

    def num_columns(self, key: str) -> int:
        """Columns of a matrix, from its header alone."""
        return self._entry(key).columns

    def read(self, key: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Frames [start, stop) of a matrix, float32 (stop - start, D); to its end without `stop`.

        Raises MimidiarError for an unknown key or missing frames.
        """
        entry = self._entry(key)
        stop = entry.rows if stop is None else stop
        if not 0 <= start <= stop <= entry.rows:
            raise MimidiarError(f"{self.scp}: {key} has {entry.rows} frames, asked for [{start}, {stop})")
        return read_rows(entry, start, stop)

    def _entry(self, key: str) -> ArkEntry:
        if key not in self._entries:
            if key not in self._places:
                raise MimidiarError(f"{self.scp}: has no {key!r} among its {len(self)} keys; extract that set again")
            ark, offset = self._places[key]
            # In a moved folder the scp still names the old path; its archives lie beside the scp.
            ark = ark if ark.is_file() else self.scp.parent / ark.name
            self._entries[key] = entry_at(ark, offset, key)
        return self._entries[key]


class FeatureStore(MatrixStore):
    """The features of a set: `feats.scp`, and `meta.json` as `meta`, with its `frame_hz` and `dim`."""

    def __init__(self, folder: str | Path):
        """Raises MimidiarError when the folder holds no finished extraction."""
        self.folder = Path(folder)
        if not (self.folder / "feats.scp").is_file():
            raise MimidiarError(f"{self.folder}: no feats.scp: features are missing or not finished; run stage 3")
        super().__init__(self.folder / "feats.scp")
        self.meta = read_json(self.folder / META)
        self.frame_hz = float(self.meta["frame_hz"])
        self.dim = int(self.meta["dim"])


def _read_scp(path: Path) -> dict[str, tuple[Path, int]]:
    if not path.is_file():
        raise MimidiarError(f"{path}: no such scp file; run the stage that writes it")
    places: dict[str, tuple[Path, int]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        key, _, place = line.partition(" ")
        ark, _, offset = place.strip().rpartition(":")
        if not key or not ark or not offset.isdigit():
            raise MimidiarError(f"{path}: line {number} is not 'key archive:offset': {line[:80]!r}")
        if key in places:
            raise MimidiarError(f"{path}: line {number}: {key} occurs twice")
        places[key] = (path.parent / ark, int(offset))  # an absolute archive path is kept
    return places


def pack(matrices: dict[str, np.ndarray], compress: bool = False) -> bytes:
    """Archive records of float32 matrices (T, D), in the order given.

    With `compress` a number takes 16 bits, and is off by at most half of a 65535th of its matrix' range (and by the
    rounding of float32). Raises MimidiarError for a key that Kaldi cannot hold and, with `compress`, for numbers that
    are not finite; ValueError for anything but a matrix.
    """
    buffer = io.BytesIO()
    for key, matrix in matrices.items():
        if not key or key.split() != [key]:
            raise MimidiarError(f"the key {key!r} is empty or has white space in it, which ends a key in an archive")
        if matrix.ndim != 2:
            raise ValueError(f"{key}: a matrix (T, D) is needed, got shape {matrix.shape}")
        if compress and not np.isfinite(matrix).all():
            raise MimidiarError(f"{key}: not all of its numbers are finite, which 16 bits cannot hold; do not compress")
        # An empty matrix has no range.
        method = TWO_BYTES if compress and matrix.size else None
        kaldiio.save_ark(buffer, {key: np.ascontiguousarray(matrix, dtype=np.float32)}, compression_method=method)
    return buffer.getvalue()


class ShardWriter:
    """Write one shard `<name>.<number>.ark`, batch by batch; continuing where a killed writer stopped.

    Used as a context manager; leaving it normally makes the shard appear, leaving it by an exception keeps the complete
    batches for the next run. With `anew` nothing of an earlier run is kept.
    """

    def __init__(self, folder: str | Path, name: str, number: int, compress: bool = False, anew: bool = False):
        self.path = shard_path(folder, name, number)
        self.compress, self.anew = compress, anew
        self._partial = self.path.with_name(f".{self.path.name}.partial")

    def __enter__(self) -> "ShardWriter":
        """Raises MimidiarError when another process writes this shard."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = os.open(self._partial, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise disk_error(error, self.path) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise MimidiarError(f"{self.path}: another process is writing this shard; wait for it to end") from None
        entries = {} if self.anew else index_ark(self._partial, cut_short=True)
        self.done = set(entries)
        self._end = max((entry.end for entry in entries.values()), default=0)
        self._cut_back()
        return self

    def write(self, matrices: dict[str, np.ndarray]) -> None:
        """Append the missing records of a batch, synced to disk.

        Raises MimidiarError on a full disk, leaving only whole records.
        """
        records = pack({key: each for key, each in matrices.items() if key not in self.done}, self.compress)
        try:
            # The first byte is written last: a power cut may leave a file of full length with missing blocks.
            self._put(records[1:], self._end + 1)
            self._put(records[:1], self._end)
        except OSError as error:
            self._cut_back()
            raise disk_error(error, self.path) from error
        self._end += len(records)
        self.done.update(matrices)

    def _put(self, data: bytes, at: int) -> None:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written
        os.fsync(self._file)

    def _cut_back(self) -> None:
        os.ftruncate(self._file, self._end)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            put_in_place(self._partial, self.path)
        elif self._end == 0:
            self._partial.unlink()
        os.close(self._file)


def shard_path(folder: str | Path, name: str, number: int) -> Path:
    """Where shard `number` (from 0; named from 1, as Kaldi does) of `<name>.scp` lies."""
    return Path(folder) / f"{name}.{number + 1}.ark"


def write_scp(folder: str | Path, name: str, shards: int) -> list[str]:
    """Join finished shards: `<name>.scp` with absolute archive paths, sorted by key, atomically. Returns the keys.

    Raises MimidiarError when a key is in two shards.
    """
    entries: dict[str, ArkEntry] = {}
    for number in range(shards):
        for key, entry in index_ark(shard_path(folder, name, number).absolute()).items():
            if key in entries:
                raise MimidiarError(f"{entry.ark}: {key} is in {entries[key].ark} as well; remove both, extract again")
            entries[key] = entry
    keys = sorted(entries)
    lines = (f"{key} {entries[key].ark}:{entries[key].offset}\n" for key in keys)
    write_text(Path(folder) / f"{name}.scp", "".join(lines))
    return keys
