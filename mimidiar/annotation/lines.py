"""Text files of one record a line: the lines with their numbers, the numbers in them, and the hash of what was read.

What every reader of this package shares: blank lines, comments (`;` or `#`), CRLF line ends and a byte order mark are
passed over; a file that is no text ends in one error naming the line, and is never held in memory as a whole.
"""

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file

COMMENTS = (";", "#")  # what a line that holds no record begins with
MAX_LINE_BYTES = 1 << 16
MAX_SECONDS = 1e8  # three years: a time beyond it is a sample count or a date, and would be lost in rounding


def source_files(path: str | Path, suffix: str) -> list[Path]:
    """`path` itself, or, where it is a folder, every `*<suffix>` directly in it, sorted by name."""
    path = Path(path)
    if path.is_dir():
        files = sorted(entry for entry in path.iterdir() if entry.name.endswith(suffix) and entry.is_file())
        if not files:
            raise MimidiarError(f"{path}: no *{suffix} file in this folder; name a file, or the folder that holds them")
        return files
    if not path.exists():
        raise MimidiarError(f"{path}: no such file or folder")
    return [path]


def sha256_source(path: str | Path, suffix: str) -> str:
    """The sha256 of a file's bytes; of a folder, that of its files' hashes in the order of their names."""
    if not Path(path).is_dir():
        return sha256_file(path)
    hashes = "".join(f"{file.name} {sha256_file(file)}\n" for file in source_files(path, suffix))
    return hashlib.sha256(hashes.encode()).hexdigest()


def numbered_fields(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number from 1, fields between white space) of every line that is not blank or a comment."""
    try:
        with open(path, "rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b""), start=1):
                fields = _text(line, path, number).split()
                if fields and not fields[0].startswith(COMMENTS):
                    yield number, fields
    except OSError as error:
        raise MimidiarError(f"{path}: cannot be read ({error.strerror})") from None


def _text(line: bytes, path: str | Path, number: int) -> str:
    """Decode one line; a byte order mark may precede the first."""
    if len(line) > MAX_LINE_BYTES:
        raise MimidiarError(
            f"{path}, line {number}: over {MAX_LINE_BYTES} bytes long; this is not a text file of lines"
        )
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise MimidiarError(f"{path}, line {number}: byte 0x{byte:02x} is not UTF-8; this is not a text file") from None


def shown(text: str, limit: int = 60) -> str:
    """`text` quoted for a message, shortened where it is long."""
    return repr(text if len(text) <= limit else text[:limit] + "...")


def many(number: int, what: str) -> str:
    """`1 turn`, `2 turns`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def check_name(name: str, path: str | Path, kind: str, leads: bool = False) -> None:
    """Raise MimidiarError for a name that a file of `kind` cannot hold; `leads`: it is the first field of its line."""
    if not name or name.split() != [name]:
        raise MimidiarError(f"{path}: {name!r} cannot be written to {kind}; a name holds no white space")
    if leads and name.startswith(COMMENTS):
        raise MimidiarError(f"{path}: {name!r} cannot be written to {kind}; a line that begins so is a comment")


def number_in(text: str, path: str | Path, line: int, what: str) -> float:
    """The finite number that `text` spells. Raises MimidiarError naming file, line and `what` it should have been."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    # float() also takes "1_000" and non-Latin digits, which no other tool that reads these files does.
    if not math.isfinite(value) or "_" in text or not text.isascii():
        raise MimidiarError(f"{path}, line {line}: the {what} is {shown(text)}, not a number")
    return value


def seconds_in(text: str, path: str | Path, line: int, what: str) -> float:
    """A time from 0 to MAX_SECONDS. Raises MimidiarError naming file, line and `what`."""
    value = number_in(text, path, line, what)
    if not 0 <= value <= MAX_SECONDS:
        raise MimidiarError(f"{path}, line {line}: the {what} is {shown(text)}, not from 0 to {MAX_SECONDS:g} seconds")
    return value
