"""lhotse SupervisionSegments as `supervisions.jsonl[.gz]`: one JSON object a line. lhotse itself is not needed.

Of a segment, `recording_id`, `start`, `duration` and `speaker` make the turn; `text` and the words of `alignment.word`
are kept for the formats that hold them; the rest (channel, language, gender, custom) is ignored. Overlapping turns of
one speaker are merged, as in RTTM, and so are the copies that a microphone array has of each segment. A segment whose
speaker is null or missing has none (`Sieve`).
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimidiar.annotation.json_file import Record, json_in, json_name, json_seconds
from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import raw_lines, shown
from mimidiar.annotation.transcript import Row, Said, Transcript, Word, gather
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

FILE_NAMES = ("supervisions.jsonl.gz", "supervisions.jsonl")  # in a folder, the first that is there
DIGITS = 8  # lhotse's own rounding of times; with fewer, turns at 16 kHz samples would no longer touch


def read_supervisions(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of each recording by start time, from a .jsonl or .jsonl.gz, or from the one in a folder.

    Raises MimidiarError with file and line.
    """
    with sifted(supervisions_file(path), reading) as sieve:
        return gather(_rows(sieve), reading.transcript)


def supervisions_file(path: str | Path) -> Path:
    """`path`, or, where it is a folder, its supervisions.jsonl.gz. Raises MimidiarError when there is none."""
    path = Path(path)
    if path.is_dir():
        found = [path / name for name in FILE_NAMES if (path / name).is_file()]
        if not found:
            raise MimidiarError(f"{path}: no {FILE_NAMES[0]} in this folder")
        return found[0]
    if not path.exists():
        raise MimidiarError(f"{path}: no such file or folder")
    return path


def _rows(sieve: Sieve) -> Iterator[Row]:
    for line, raw in raw_lines(sieve.file):
        if raw.strip():
            where = sieve.where(line)
            segment = _segment(raw, where)
            if turn := _turn(segment, line, where, sieve):
                yield turn, None if sieve.reading.transcript is None else _said(segment, where)


def _segment(raw: bytes, where: str) -> Record:
    segment = json_in(raw, where)
    if not isinstance(segment, dict):
        raise MimidiarError(f"{where}: {shown(json.dumps(segment))} is no supervision (a JSON object)")
    if "type" in segment and "supervisions" in segment:
        raise MimidiarError(f"{where}: this is a cut; export the supervisions of the cuts, and give those")
    return segment


def _turn(segment: Record, line: int, where: str, sieve: Sieve) -> Turn | None:
    recording, speaker = (json_name(segment.get(key), key, where) for key in ("recording_id", "speaker"))
    if not recording:
        raise MimidiarError(f"{where}: no 'recording_id' in this supervision; a turn needs one")
    start, duration = (json_seconds(segment.get(key), key, where) for key in ("start", "duration"))
    end = round(start + duration, DIGITS)
    return sieve.turn("turn", line, sys.intern(recording), start, end, sys.intern(speaker))


def _said(segment: Record, where: str) -> Said | None:
    """Text and word times; empty symbols (silences of an aligner) are no words."""
    alignment = segment.get("alignment")
    items = alignment.get("word") if isinstance(alignment, dict) else None
    if items is not None and not isinstance(items, list):
        raise MimidiarError(f"{where}: 'alignment.word' is {shown(json.dumps(items))}, not a list of words")
    words = tuple(sorted(word for item in items or () if (word := _word(item, where)).text))
    text = segment.get("text")
    if not isinstance(text, str) or not text.strip():
        text = " ".join(word.text for word in words)
    return Said(text, words) if text else None


def _word(item: Any, where: str) -> Word:
    fields = list(item.values()) if isinstance(item, dict) else item  # an object: lhotse before 1.8
    if not isinstance(fields, list) or len(fields) < 3 or not isinstance(fields[0], str):
        raise MimidiarError(f"{where}: {shown(json.dumps(item))} is no aligned word ([word, start, duration])")
    start, duration = (json_seconds(value, "alignment.word", where) for value in fields[1:3])
    return Word(start, round(start + duration, DIGITS), fields[0].strip())


def write_supervisions(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write one supervision a turn, which lhotse reads; packed where the name ends in .gz. Same turns, same bytes.

    A folder as `path` gets a supervisions.jsonl.gz. Written atomically.
    """
    path = Path(path)
    path = path / FILE_NAMES[0] if path.is_dir() else path
    with atomic_path(path) as partial, open(partial, "wb") as file:
        # Neither name nor time in the header: the bytes depend on the turns alone.
        packed = path.suffix == ".gz"
        stream = gzip.GzipFile("", "wb", mtime=0, fileobj=file) if packed else file
        for recording in sorted(turns):
            for index, turn in enumerate(sorted(turns[recording])):
                segment = _to_json(f"{recording}-{index:06d}", turn, (transcript or {}).get(turn))
                stream.write(json.dumps(segment, ensure_ascii=False).encode() + b"\n")
        if packed:
            stream.close()


def _to_json(name: str, turn: Turn, said: Said | None) -> Record:
    start = round(turn.start, DIGITS)
    segment = {"id": name, "recording_id": turn.recording, "start": start}
    segment |= {"duration": round(turn.end - start, DIGITS), "channel": 0}
    if said:
        segment["text"] = said.text
    segment["speaker"] = turn.speaker
    if said and said.words:
        items = [[word.text, word.start, round(word.end - word.start, DIGITS)] for word in said.words]
        segment["alignment"] = {"word": items}
    return segment
