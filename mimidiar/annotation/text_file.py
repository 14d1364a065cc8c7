"""Text files as annotation programs write them: UTF-8 or UTF-16, with or without gzip, read within bounds of memory."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from mimidiar.errors import MimidiarError

MAX_LINE_BYTES = 1 << 20  # a supervision may hold the alignment of all its words
MAX_FILE_BYTES = 1 << 26  # of a file that can only be read as a whole: 64 MiB
GZIP_MAGIC = b"\x1f\x8b"


def raw_lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, bytes) of a file or of what a gzip file holds; never more than a line in memory.

    Raises MimidiarError naming the file, for one that cannot be read, a broken gzip file and a line without end.
    """
    number = 0
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == GZIP_MAGIC
            file.seek(0)
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


def whole_text(path: str | Path, max_bytes: int = MAX_FILE_BYTES) -> str:
    """The text of a file in UTF-8 or UTF-16 (which a byte order mark tells), without byte order mark.

    Raises MimidiarError naming the file, for one over `max_bytes` and one that is neither.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise MimidiarError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > max_bytes:
        raise MimidiarError(
            f"{path}: over {max_bytes >> 20} MiB; such a file is no annotation, or holds many: split it"
        )
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MimidiarError(f"{path}, line {line}: neither UTF-8 nor UTF-16; this is not a text file") from None
