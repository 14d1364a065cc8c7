"""JSON files of records: values out of them, checked, with errors that say where."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimidiar.annotation.text_file import MAX_SECONDS, shown, whole_text
from mimidiar.errors import MimidiarError

Record = dict[str, Any]
CLOCK = re.compile(r"(?:(?:([0-9]{1,9}):)?([0-9]{1,2}):)?([0-9]{1,9}(?:\.[0-9]*)?)")


def read_json(path: str | Path) -> Any:
    """The value in a file, as a whole. Raises MimidiarError naming it."""
    return json_in(whole_text(path), str(path))


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


def json_clock(value: Any, what: str, where: str) -> float:
    """`json_seconds`, or a text as CHiME writes times: "43.82", "0:01:43.82"."""
    match = CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match:
        hours, minutes, seconds = (float(group or 0) for group in match.groups())
        value = round(hours * 3600 + minutes * 60 + seconds, 9)
    return json_seconds(value, what, where)


def json_name(value: Any, what: str, where: str) -> str:
    """A name, or a number as one; "" for none (null, missing or blank). MimidiarError for any other value."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise MimidiarError(f"{where}: the {what} is {shown(json.dumps(value))}, not a name")
    return "" if value is None else str(value).strip()


def json_records(value: Any, key: str, where: str) -> Iterator[tuple[Record, str]]:
    """The objects of a list, each with what it is called in messages, "`key` 3". MimidiarError for anything else."""
    if not isinstance(value, list):
        raise MimidiarError(f"{where}: {key!r} is {shown(json.dumps(value))}, not a list")
    for index, record in enumerate(value, start=1):
        if not isinstance(record, dict):
            raise MimidiarError(f"{where}, {key} {index}: {shown(json.dumps(record))} is no JSON object")
        yield record, f"{key} {index}"
