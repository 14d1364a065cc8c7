"""Archives of corpora, in one piece or cut into parts, to folders."""

import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, make_folder


def unpack(archive: str | Path, folder: str | Path, *, keep: bool = False) -> None:
    """Unpack a .tar.gz or .zip into `folder`, and delete the archive unless it is to be kept: half of the disk is its.

    Members that would land outside of the folder are refused. Raises MimidiarError when the archive is damaged.
    """
    unpack_parts([archive], folder, keep=keep)


def unpack_parts(parts: Iterable[str | Path], folder: str | Path, *, keep: bool = False) -> None:
    """As `unpack`, of one archive that was cut into parts, without the disk space for the whole."""
    paths = [Path(part) for part in parts]
    make_folder(folder)
    try:
        with _Joined(paths) as stream:
            is_zip = stream.read(2) == b"PK"
            stream.seek(0)
            if is_zip:
                _extract_zip(stream, Path(folder), paths[0].name)
            else:
                with tarfile.open(fileobj=stream) as archive:
                    archive.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        reason = " ".join(str(error).split())
        raise MimidiarError(f"{paths[0]}: no whole archive ({reason}); delete it and fetch it again") from None
    except OSError as error:
        raise disk_error(error, folder) from error
    if not keep:
        os.sync()  # what came out must be on disk before the archive is gone
        for path in paths:
            path.unlink()


def _extract_zip(stream: "_Joined", folder: Path, name: str) -> None:
    with zipfile.ZipFile(stream) as archive:
        for member in tqdm(archive.infolist(), desc=f"unpacking {name}", unit="file", disable=None):
            archive.extract(member, folder)


class _Joined:
    """Files one after the other, read as one; what zipfile and tarfile want of a file, and no more."""

    def __init__(self, paths: list[Path]) -> None:
        self._streams = [path.open("rb") for path in paths]
        self._ends = []
        for path in paths:
            self._ends.append((self._ends[-1] if self._ends else 0) + path.stat().st_size)
        self._at = 0

    def __enter__(self) -> "_Joined":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams:
            stream.close()

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + {0: 0, 1: self._at, 2: self._ends[-1]}[whence]
        return self._at

    def read(self, count: int = -1) -> bytes:
        count = self._ends[-1] - self._at if count is None or count < 0 else count
        pieces = []
        for stream, end, start in zip(self._streams, self._ends, [0, *self._ends], strict=False):
            if count > 0 and start <= self._at < end:
                stream.seek(self._at - start)
                pieces.append(stream.read(min(count, end - self._at)))
                self._at += len(pieces[-1])
                count -= len(pieces[-1])
        return b"".join(pieces)
