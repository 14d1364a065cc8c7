"""Segments as Whisper and whisperX write them, `{"segments": [{start, end, text, speaker, words}, ...]}`, in JSON.

A file holds one recording, named like the file. `words` are [{word, start, end}, ...]; those that whisperX could not
align have no times, and are part of the text alone. Whisper itself names no speakers (`Reading.unnamed`). Read besides:
the list of segments alone. No package reads these but those that write them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimidiar.annotation.json_file import Record, json_name, json_records, json_seconds, read_json
from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import file_recording, shown
from mimidiar.annotation.transcript import Row, Said, Transcript, Word, gather
from mimidiar.annotation.turns import Turn, Turns, only_recording
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path


def is_whisper(document: Any) -> bool:
    """Whether a JSON value looks like segments."""
    if isinstance(document, dict):
        return "segments" in document
    return isinstance(document, list) and bool(document) and isinstance(document[0], dict) and "end" in document[0]


def read_whisper(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of the one recording in a file of segments. Raises MimidiarError with file and segment."""
    document, name = read_json(path), reading.recording or file_recording(path)
    segments = document.get("segments") if isinstance(document, dict) else document
    with sifted(path, reading) as sieve:
        return gather(_rows(segments, name, sieve), reading.transcript)


def _rows(segments: Any, recording: str, sieve: Sieve) -> Iterator[Row]:
    for record, place in json_records(segments, "segment", str(sieve.file)):
        where = sieve.where(place)
        start, end = (json_seconds(record.get(key), key, where) for key in ("start", "end"))
        speaker = json_name(record.get("speaker"), "speaker", where)
        if turn := sieve.turn("segment", place, recording, start, end, speaker):
            yield turn, _said(record, where)


def _said(record: Record, where: str) -> Said | None:
    text, words = record.get("text"), tuple(sorted(_words(record.get("words"), where)))
    if text is not None and not isinstance(text, str):
        raise MimidiarError(f"{where}: 'text' is {shown(json.dumps(text))}, not a text")
    text = (text or "").strip() or " ".join(word.text for word in words)
    return Said(text, words) if text else None


def _words(value: Any, where: str) -> Iterator[Word]:
    """The words that have times."""
    for word, place in json_records(value or [], "word", where):
        text, here = word.get("word"), f"{where}, {place}"
        if not isinstance(text, str):
            raise MimidiarError(f"{here}: 'word' is {shown(json.dumps(text))}, not a text")
        if word.get("start") is not None and word.get("end") is not None and text.strip():
            start, end = (json_seconds(word[key], key, here) for key in ("start", "end"))
            if end < start:
                raise MimidiarError(f"{here}: the word ends at {end:g} s and starts at {start:g} s")
            yield Word(start, end, text.strip())


def write_whisper(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write the turns of one recording as segments, sorted; atomically. MimidiarError for several recordings."""
    rows = only_recording(turns, path, "a file of segments")
    segments = [_segment(turn, (transcript or {}).get(turn)) for turn in rows]
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        json.dump({"segments": segments}, stream, ensure_ascii=False, indent=1)
        stream.write("\n")


def _segment(turn: Turn, said: Said | None) -> Record:
    segment = {"start": turn.start, "end": turn.end, "text": said.text if said else "", "speaker": turn.speaker}
    if said and said.words:
        segment["words"] = [{"word": word.text, "start": word.start, "end": word.end} for word in said.words]
    return segment
