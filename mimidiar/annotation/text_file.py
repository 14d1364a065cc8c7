"""Text and JSON files that can only be read as a whole, within bounds of memory; in UTF-8, or in UTF-16 as of Praat."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimidiar.annotation.lines import MAX_SECONDS, shown
from mimidiar.errors import MimidiarError

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


def json_in(text: bytes | str, where: str) -> Any:
    """The value that `text` spells. Raises MimidiarError naming `where`."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # "\\ud800" alone is JSON, but no text that could be written
    except (ValueError, RecursionError) as error:
        raise MimidiarError(f"{where}: not JSON ({str(error)[:100]})") from None
    return value


def json_seconds(value: Any, what: str, where: str) -> float:
    """A JSON number from 0 to MAX_SECONDS as a float. Raises MimidiarError naming `where` and `what`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= MAX_SECONDS:
        given = "missing" if value is None else shown(json.dumps(value))
        raise MimidiarError(f"{where}: {what!r} is {given}, not a number from 0 to {MAX_SECONDS:g} (seconds)")
    return float(value)


def file_recording(path: str | Path) -> str:
    """The name that a file gives to the one recording in it: its own, without suffix."""
    name = Path(path).stem
    if not name.isprintable():
        raise MimidiarError(f"{Path(path)!a}: this file name is no name for a recording; rename the file")
    return name
