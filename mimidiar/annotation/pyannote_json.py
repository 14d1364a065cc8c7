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

from mimidiar.annotation.text_file import file_recording, json_in, json_seconds, shown, whole_text
from mimidiar.annotation.transcript import Row, Transcript, gather
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path


def read_pyannote(
    path: str | Path, transcript: Transcript | None = None, recording: str | None = None
) -> dict[str, list[Turn]]:
    """The turns of each Annotation by its `uri`; one without is named `recording`, or else like the file.

    Raises MimidiarError with file and record.
    """
    document = json_in(whole_text(path), str(path))
    annotations = document if isinstance(document, list) else [document]
    name = recording or file_recording(path)
    seen: set[str] = set()
    rows: list[Row] = []
    for index, annotation in enumerate(annotations):
        where = f"{path}, annotation {index + 1}" if isinstance(document, list) else str(path)
        uri = _uri(annotation, name, where)
        if uri in seen:
            raise MimidiarError(f"{where}: a second annotation of recording {shown(uri)}; keep one of them")
        seen.add(uri)
        rows.extend((turn, None) for turn in _turns(annotation, uri, where))
    return gather(rows, transcript)


def _uri(annotation: Any, name: str, where: str) -> str:
    if not isinstance(annotation, dict):
        raise MimidiarError(f"{where}: {shown(json.dumps(annotation))} is no Annotation (a JSON object)")
    uri = annotation.get("uri")
    if uri is not None and (not isinstance(uri, str) or not uri.strip()):
        raise MimidiarError(f"{where}: the uri is {shown(json.dumps(uri))}, not a name")
    return uri or name


def _turns(annotation: dict[str, Any], recording: str, where: str) -> Iterator[Turn]:
    kind = annotation.get("pyannote")
    if kind == "Annotation":
        for record, here in _records(annotation.get("content"), "content", where):
            segment = record.get("segment")
            if not isinstance(segment, dict):
                raise MimidiarError(f"{here}: no segment with start and end")
            yield _turn(segment, record.get("label"), recording, here)
    elif kind is None and ("diarization" in annotation or isinstance(annotation.get("output"), dict)):
        output = annotation if "diarization" in annotation else annotation["output"]
        for record, here in _records(output.get("diarization"), "diarization", where):
            yield _turn(record, record.get("speaker"), recording, here)
    else:
        given = f"pyannote {shown(json.dumps(kind))}" if kind is not None else "no 'pyannote' and no 'diarization'"
        raise MimidiarError(f'{where}: {given} in this JSON; expected {{"pyannote": "Annotation", "content": [...]}}')


def _records(value: Any, key: str, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    if not isinstance(value, list):
        raise MimidiarError(f"{where}: {key!r} is {shown(json.dumps(value))}, not a list of turns")
    for index, record in enumerate(value, start=1):
        here = f"{where}, {key} {index}"
        if not isinstance(record, dict):
            raise MimidiarError(f"{here}: {shown(json.dumps(record))} is no turn (a JSON object)")
        yield record, here


def _turn(segment: dict[str, Any], label: Any, recording: str, where: str) -> Turn:
    start, end = (json_seconds(segment.get(key), key, where) for key in ("start", "end"))
    if end <= start:
        raise MimidiarError(f"{where}: a turn from {start:g} to {end:g} s is empty; remove it")
    if isinstance(label, bool) or not isinstance(label, str | int) or not str(label).strip():
        raise MimidiarError(f"{where}: the speaker is {shown(json.dumps(label))}, not a name")
    return Turn(recording, start, end, str(label))


def write_pyannote(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write an object, or a list of them for several recordings; what is said is not held. Atomically."""
    objects = [_object(recording, sorted(turns[recording])) for recording in sorted(turns)]
    document = objects[0] if len(objects) == 1 else objects
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        json.dump(document, stream, ensure_ascii=False)
        stream.write("\n")


def _object(recording: str, turns: list[Turn]) -> dict[str, Any]:
    listed = [{"start": turn.start, "end": turn.end, "speaker": turn.speaker} for turn in turns]
    return {"uri": recording, "diarization": listed}
