"""Turns as JSON in the layout of pyannote.audio 4: `{"uri": ..., "diarization": [{"start", "end", "speaker"}, ...]}`.

pyannote.core of today has no JSON of its own; `Annotation.from_records` takes the records of such a list. A list of
such objects holds several recordings. Read besides: what pyannoteAI's service puts inside `output`, and the layout that
pyannote.core wrote up to its version 4, `{"pyannote": "Annotation", "content": [{segment, track, label}, ...]}`. Tracks
and modality are not kept.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimidiar.annotation.json_file import Record, json_name, json_records, json_seconds, read_json
from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import file_recording, shown
from mimidiar.annotation.transcript import Row, Transcript, gather
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

KEYS = frozenset({"pyannote", "diarization", "output"})


def is_pyannote(document: Any) -> bool:
    """Whether a JSON value looks like annotations."""
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and not KEYS.isdisjoint(first)


def read_pyannote(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of each Annotation by its `uri`; one without is named `reading.recording`, or else like the file.

    Raises MimidiarError with file and record.
    """
    document = read_json(path)
    with sifted(path, reading) as sieve:
        return gather(_rows(document, reading.recording or file_recording(path), sieve))


def _rows(document: Any, name: str, sieve: Sieve) -> Iterator[Row]:
    seen: set[str] = set()
    whole, several = str(sieve.file), isinstance(document, list)
    for annotation, place in json_records(document, "annotation", whole) if several else [(document, "")]:
        uri = _uri(annotation, name, sieve.where(place) if several else whole)
        if uri in seen:
            raise MimidiarError(
                f"{sieve.where(place)}: a second annotation of recording {shown(uri)}; keep one of them"
            )
        seen.add(uri)
        yield from ((turn, None) for turn in _turns(annotation, uri, place, sieve))


def _uri(annotation: Any, name: str, where: str) -> str:
    if not isinstance(annotation, dict):
        raise MimidiarError(f"{where}: {shown(json.dumps(annotation))} is no Annotation (a JSON object)")
    uri = annotation.get("uri")
    if uri is not None and (not isinstance(uri, str) or not uri.strip()):
        raise MimidiarError(f"{where}: the uri is {shown(json.dumps(uri))}, not a name")
    return uri or name


def _turns(annotation: Record, recording: str, place: str, sieve: Sieve) -> Iterator[Turn]:
    """The turns of an annotation; `place` is what it is called in messages, "" where the file holds but one."""
    where = sieve.where(place) if place else str(sieve.file)
    kind = annotation.get("pyannote")
    if kind == "Annotation":
        key, listed = "content", annotation.get("content")
    elif kind is None and ("diarization" in annotation or isinstance(annotation.get("output"), dict)):
        output = annotation if "diarization" in annotation else annotation["output"]
        key, listed = "diarization", output.get("diarization")
    else:
        given = f"pyannote {shown(json.dumps(kind))}" if kind is not None else "no 'pyannote' and no 'diarization'"
        raise MimidiarError(f'{where}: {given} in this JSON; expected {{"pyannote": "Annotation", "content": [...]}}')
    for record, name in json_records(listed, key, where):
        here = f"{place}, {name}" if place else name
        if turn := _turn(record, key == "content", recording, here, sieve):
            yield turn


def _turn(record: Record, of_core: bool, recording: str, place: str, sieve: Sieve) -> Turn | None:
    """The turn of a record in the layout of pyannote.core, or else in that of pyannote.audio."""
    where, segment = sieve.where(place), record.get("segment") if of_core else record
    if not isinstance(segment, dict):
        raise MimidiarError(f"{where}: no segment with start and end")
    start, end = (json_seconds(segment.get(key), key, where) for key in ("start", "end"))
    speaker = json_name(record.get("label" if of_core else "speaker"), "speaker", where)
    return sieve.turn("turn", place, recording, start, end, speaker)


def write_pyannote(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write an object, or a list of them for several recordings; what is said is not held. Atomically."""
    objects = [_object(recording, sorted(turns[recording])) for recording in sorted(turns)]
    document = objects[0] if len(objects) == 1 else objects
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        json.dump(document, stream, ensure_ascii=False)
        stream.write("\n")


def _object(recording: str, turns: list[Turn]) -> Record:
    listed = [{"start": turn.start, "end": turn.end, "speaker": turn.speaker} for turn in turns]
    return {"uri": recording, "diarization": listed}
