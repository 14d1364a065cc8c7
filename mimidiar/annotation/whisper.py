"""Segments as Whisper and whisperX write them, `{"segments": [{start, end, text, speaker, words}, ...]}`, in JSON.

A file holds one recording, named like the file. `words` are [{word, start, end, speaker}, ...]; those that whisperX
could not align have no times, and are part of the text alone, as is (counted) a word that ends before it starts. A
segment whose words name several speakers is a turn of each (`whisper_words`). Whisper itself names no speakers
(`Reading.unnamed`). Read besides: the list of segments alone; `transcription` with `offsets`, of whisper.cpp; `chunks`
with `timestamp`, of Hugging Face, and `speakers` in the same layout, of insanely-fast-whisper. A segment whose start or
end is null is passed over. No package reads these but those that write them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimidiar.annotation.json_file import Record, json_name, json_records, json_seconds, read_json
from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import file_recording, shown
from mimidiar.annotation.transcript import Row, Said, Transcript, gather
from mimidiar.annotation.turns import Turn, Turns, only_recording
from mimidiar.annotation.whisper_words import Heard, heard_in, split, unsplit_speakers
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

NOBODY = "?"  # of whisper.cpp, where it cannot tell
# The key of the list -> what one of its records is called. Of several in a file, the first is read.
LISTS = {"segments": "segment", "speakers": "chunk", "chunks": "chunk", "transcription": "segment"}


def is_whisper(document: Any) -> bool:
    """Whether a JSON value looks like segments."""
    if isinstance(document, dict):
        return "segments" in document or any(isinstance(document.get(key), list) for key in LISTS)
    return isinstance(document, list) and bool(document) and isinstance(document[0], dict) and "end" in document[0]


def read_whisper(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of the one recording in a file of segments. Raises MimidiarError with file and segment."""
    document, name = read_json(path), reading.recording or file_recording(path)
    key = _list_in(document) if isinstance(document, dict) else "segments"
    segments = document.get(key) if isinstance(document, dict) else document
    with sifted(path, reading) as sieve:
        return gather(_rows(segments, key, name, sieve), reading.transcript)


def _list_in(document: Record) -> str:
    """The key of the list to read: the first that has anything in it."""
    keys = [key for key in LISTS if isinstance(document.get(key), list)]
    return next((key for key in keys if document[key]), [*keys, "segments"][0])


def _rows(segments: Any, key: str, recording: str, sieve: Sieve) -> Iterator[Row]:
    for record, place in json_records(segments, LISTS[key], str(sieve.file)):
        where = sieve.where(place)
        start, end = _times(record, key, where)
        if start is None or end is None:
            sieve.untimed(LISTS[key], place)
            continue
        speaker = json_name(record.get("speaker"), "speaker", where)
        if sieve.lasts(LISTS[key], place, start, end):
            parts = split(start, end, "" if speaker == NOBODY else speaker, list(heard_in(record, place, sieve)))
            for _ in unsplit_speakers(parts):
                sieve.skip("speaker", "of words without times alone", place)
            for part in parts:
                if turn := sieve.turn(LISTS[key], place, recording, part.start, part.end, part.speaker):
                    yield turn, _said(record if len(parts) == 1 else {}, part.words, where)


def _times(record: Record, key: str, where: str) -> tuple[float | None, float | None]:
    """Start and end in seconds; None where the file has null."""
    if key == "transcription":  # milliseconds
        offsets = record.get("offsets")
        if not isinstance(offsets, dict):
            raise MimidiarError(f"{where}: no 'offsets' with 'from' and 'to'")
        times = _start_and_end(offsets, ("from", "to"), where)
        return tuple(None if time is None else time / 1000 for time in times)
    if "timestamp" in record and "start" not in record:
        pair = record["timestamp"]
        if not isinstance(pair, list) or len(pair) != 2:
            raise MimidiarError(f"{where}: 'timestamp' is {shown(json.dumps(pair))}, not [start, end]")
        return _start_and_end({"start": pair[0], "end": pair[1]}, ("start", "end"), where)
    return _start_and_end(record, ("start", "end"), where)


def _start_and_end(record: Record, keys: tuple[str, str], where: str) -> tuple[float | None, float | None]:
    start, end = (
        None if key in record and record[key] is None else json_seconds(record.get(key), key, where) for key in keys
    )
    return start, end


def _said(record: Record, words: list[Heard], where: str) -> Said | None:
    """The text of a segment, or else that of its words."""
    text = record.get("text")
    if text is not None and not isinstance(text, str):
        raise MimidiarError(f"{where}: 'text' is {shown(json.dumps(text))}, not a text")
    timed = tuple(sorted(heard.word for heard in words if heard.word))
    text = (text or "").strip() or " ".join(heard.text for heard in words)
    return Said(text, timed) if text else None


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
