"""SegLST (CHiME, meeteval): a JSON list of `{session_id, start_time, end_time, speaker, words}`, any recordings.

Times are seconds, as numbers or, as CHiME-7 and CHiME-6 have them, as text ("43.82", "0:01:43.82"). Read by ourselves:
`meeteval` refuses the latter, and needs a compiler to be installed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimidiar.annotation.json_file import json_clock, json_name, json_records, read_json
from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import shown
from mimidiar.annotation.transcript import Row, Said, Transcript, gather
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

KEYS = ("session_id", "start_time", "end_time")


def is_seglst(document: Any) -> bool:
    """Whether a JSON value looks like one; a list of nothing does."""
    return isinstance(document, list) and (not document or (isinstance(document[0], dict) and KEYS[0] in document[0]))


def read_seglst(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of each session. Raises MimidiarError with file and segment."""
    document = read_json(path)
    with sifted(path, reading) as sieve:
        return gather(_rows(document, sieve), reading.transcript)


def _rows(document: Any, sieve: Sieve) -> Iterator[Row]:
    for record, place in json_records(document, "segment", str(sieve.file)):
        where = sieve.where(place)
        recording = json_name(record.get("session_id"), "session_id", where)
        if not recording:
            raise MimidiarError(f"{where}: no 'session_id' in this segment; it names the recording")
        start, end = (json_clock(record.get(key), key, where) for key in KEYS[1:])
        words = record.get("words")
        if words is not None and not isinstance(words, str):
            raise MimidiarError(f"{where}: 'words' is {shown(json.dumps(words))}, not a text")
        speaker = json_name(record.get("speaker"), "speaker", where)
        if turn := sieve.turn("segment", place, recording, start, end, speaker):
            yield turn, Said(words) if words else None


def write_seglst(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write one segment a turn, sorted by recording and start; atomically."""
    segments = [
        {"session_id": turn.recording, "start_time": turn.start, "end_time": turn.end}
        | {"speaker": turn.speaker, "words": said.text if (said := (transcript or {}).get(turn)) else ""}
        for recording in sorted(turns)
        for turn in sorted(turns[recording])
    ]
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        json.dump(segments, stream, ensure_ascii=False, indent=1)
        stream.write("\n")
