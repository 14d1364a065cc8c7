"""Files that are either whole or not there, and their hashes."""

import errno
import glob
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError

# In the names of files that are being written: jobs of several machines may share a folder.
HOST = socket.gethostname()


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; it becomes `path` when the block ends, and vanishes when the block raises.

    Raises MimidiarError when the disk is full (naming the file).
    """
    path = Path(path)
    make_folder(path.parent)
    sweep(path)
    # The suffix stays last: writers such as gzip or soundfile choose the format by it.
    partial = path.with_name(f".{path.stem}.{HOST}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        put_in_place(partial, path)
    except OSError as error:
        if error.filename == str(partial):
            error.filename = str(path)  # the name that the user knows
        raise disk_error(error, path) from error
    finally:
        partial.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what killed processes of this machine left behind when they wrote `path`; others may be at work on it."""
    for leftover in path.parent.glob(f".{glob.escape(path.stem)}.{HOST}.*.partial{glob.escape(path.suffix)}"):
        pid = leftover.name.removesuffix(f".partial{path.suffix}").rpartition(".")[2]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            leftover.unlink(missing_ok=True)


def make_folder(folder: str | Path) -> None:
    """Make a folder and those above it. MimidiarError when a file is in the way or the disk is full."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise MimidiarError(f"{folder}: a file is in the way of this folder; choose another name") from None
    except OSError as error:
        raise disk_error(error, folder) from error


def put_in_place(partial: Path, path: Path) -> None:
    """Give a finished file, or a folder with all that is in it, its name; both outlast a power cut that comes after.

    A rename alone may reach the disk before the bytes do (the file would be there, and empty), or after what is done
    next because it is there.
    """
    for each in (partial, *partial.rglob("*")):
        _flush_to_disk(each)
    os.replace(partial, path)
    _flush_to_disk(path.parent)


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # There are file systems on which a folder cannot be flushed.
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def disk_error(error: OSError, path: str | Path) -> Exception:
    """`error` in words that name `path` and the remedy, where it is a full disk; otherwise `error` itself."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MimidiarError(f"{path}: no space left on the device; free some and run the same command again")
    return error


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON. Raises MimidiarError that names the file when it is missing or is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:  # of json itself, of UTF-8, and of numbers with too many digits
        raise MimidiarError(f"{path}: not valid JSON ({error})") from None


def require_regular(path: str | Path) -> None:
    """Raise MimidiarError for a pipe or device: what was read from it once is gone when it is read again."""
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        what = "this is a pipe or a device, which can be read only once; write it to a file, and give that"
        raise MimidiarError(f"{path}: {what}")


def sha256_file(path: str | Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal. Raises MimidiarError for a pipe (`require_regular`)."""
    require_regular(path)
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
