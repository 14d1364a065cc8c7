"""Archives of corpora, in one piece or cut into parts, to folders."""

import os
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

from tqdm import tqdm

from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, make_folder


def unpack(parts: Sequence[Path], folder: Path) -> None:
    """Unpack a .tar.gz or .zip, in one piece or cut into parts, into `folder`, and delete it: half of the disk is its.

    Needs no disk space for the whole archive. Members that would land outside of the folder are refused. Raises
    MimidiarError when the archive is damaged.
    """
    make_folder(folder)
    try:
        with _Joined(parts) as stream:
            is_zip = stream.read(2) == b"PK"
            stream.seek(0)
            if is_zip:
                with zipfile.ZipFile(stream) as archive:
                    for member in tqdm(archive.infolist(), f"unpacking {parts[0].name}", unit="file", disable=None):
                        archive.extract(member, folder)
            else:
                with tarfile.open(fileobj=stream) as archive:
                    archive.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        reason = " ".join(str(error).split())
        raise MimidiarError(f"{parts[0]}: no whole archive ({reason}); delete it and fetch it again") from None
    except OSError as error:
        raise disk_error(error, folder) from error
    os.sync()  # what came out must be on disk before the archive is gone
    for path in parts:
        path.unlink()


class _Joined:
    """Files one after the other, read as one; what zipfile and tarfile want of a file, and no more."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._streams = [path.open("rb") for path in paths]
        self._ends = [0, *accumulate(path.stat().st_size for path in paths)]
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
        self._at = offset + (0, self._at, self._ends[-1])[whence]
        return self._at

    def read(self, count: int = -1) -> bytes:
        wanted = self._at + count if count is not None and count >= 0 else self._ends[-1]
        pieces = []
        for stream, (start, end) in zip(self._streams, pairwise(self._ends), strict=True):
            if start <= self._at < min(end, wanted):
                stream.seek(self._at - start)
                pieces.append(stream.read(wanted - self._at))
                self._at += len(pieces[-1])
        return b"".join(pieces)
