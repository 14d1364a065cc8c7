"""Text files as people have them: lists of records, packed or not, line by line; and text that can only be read as a
whole, within bounds of memory, in UTF-8, or in UTF-16 as of Praat."""

import codecs
import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

from mimidiar.errors import MimidiarError
from mimidiar.files import require_regular

COMMENTS = (";", "#")  # what a line that holds no record begins with
MAX_LINE_BYTES = 1 << 20  # a supervision may hold the alignment of all its words
MAX_SECONDS = 1e8  # three years: a time beyond it is a sample count or a date, and would be lost in rounding
GZIP_MAGIC = b"\x1f\x8b"


def source_files(path: str | Path, suffix: str) -> list[Path]:
    """`path` itself, or, where it is a folder, every `*<suffix>` and `*<suffix>.gz` directly in it, sorted by name."""
    path = Path(path)
    if path.is_dir():
        wanted = (suffix, f"{suffix}.gz")
        files = sorted(entry for entry in path.iterdir() if entry.name.endswith(wanted) and entry.is_file())
        if not files:
            raise MimidiarError(f"{path}: no *{suffix} file in this folder; name a file, or the folder that holds them")
        return files
    if not path.exists():
        raise MimidiarError(f"{path}: no such file or folder")
    return [path]


def sha256_source(path: str | Path, suffix: str) -> str:
    """`sha256_lines` of a file; of a folder, the sha256 of its files' names and hashes in the order of their names.

    Raises MimidiarError for a pipe, whose second reading finds nothing.
    """
    if not Path(path).is_dir():
        return sha256_lines(path)
    named = sorted((file.name.removesuffix(".gz"), sha256_lines(file)) for file in source_files(path, suffix))
    return hashlib.sha256("".join(f"{name} {value}\n" for name, value in named).encode()).hexdigest()


def sha256_lines(path: str | Path) -> str:
    """The sha256 of a file's bytes; of a packed one as unpacked, since gzip keeps the time of packing."""
    require_regular(path)
    digest = hashlib.sha256()
    for _, line in raw_lines(path):
        digest.update(line)
    return digest.hexdigest()


def raw_lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, bytes) of a file or of what a gzip file holds; never more than a line in memory.

    Raises MimidiarError naming the file, for one that cannot be read, a broken gzip file and a line without end.
    """
    number = 0
    try:
        with open(path, "rb") as file:
            packed = file.peek(2)[:2] == GZIP_MAGIC  # looked at without seeking, which pipes cannot
            stream = gzip.GzipFile(fileobj=file) if packed else file
            for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b""), start=1):
                if len(line) > MAX_LINE_BYTES:
                    raise MimidiarError(
                        f"{path}, line {number}: over {MAX_LINE_BYTES} bytes long; this is not a text file of lines"
                    )
                yield number, line
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise MimidiarError(f"{path}, after line {number}: damaged gzip file ({error}); copy it again") from None
    except OSError as error:
        raise MimidiarError(f"{path}: cannot be read ({error.strerror})") from None


def numbered_fields(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number from 1, fields between white space) of every line that is not blank or a comment."""
    for number, line in raw_lines(path):
        fields = _text(line, path, number).split()
        if fields and not fields[0].startswith(COMMENTS):
            yield number, fields


def _text(line: bytes, path: str | Path, number: int) -> str:
    """Decode one line; a byte order mark may precede the first."""
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise MimidiarError(f"{path}, line {number}: the text is UTF-16; save it as UTF-8") from None
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


MAX_FILE_BYTES = 1 << 26  # of a file that can only be read as a whole: 64 MiB


def whole_bytes(path: str | Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """All of a file. Raises MimidiarError naming it, where it cannot be read and where it is over `max_bytes`."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise MimidiarError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > max_bytes:
        what = "too much to hold at once; give a folder of smaller files"
        raise MimidiarError(f"{path}: over {max_bytes >> 20} MiB, {what}")
    return data


def whole_text(path: str | Path) -> str:
    """The text of a file (`whole_bytes`) in UTF-8 or UTF-16."""
    return decoded(whole_bytes(path), path)


def decoded(data: bytes, path: str | Path) -> str:
    """UTF-8, or UTF-16 with a byte order mark, as text without the mark. MimidiarError naming `path`."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MimidiarError(f"{path}, line {line}: neither UTF-8 nor UTF-16; save the file as UTF-8 text") from None


def text_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end) of a UTF-8 or UTF-16 file."""
    for number, line in enumerate(whole_text(path).split("\n"), start=1):
        yield number, line.removesuffix("\r")


def file_recording(path: str | Path) -> str:
    """The name that a file gives to the one recording in it: its own, without suffix."""
    name = Path(path).stem
    if not name.isprintable():
        raise MimidiarError(f"{Path(path)!a}: this file name is no name for a recording; rename the file")
    return name
