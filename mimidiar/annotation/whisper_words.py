"""The words of a segment of whisperX, each of which may name a speaker of its own, and the turns that they make.

whisperX gives a segment the speaker of most of it, and each aligned word its own. So a segment is split where the
speaker changes: from the first word of a speaker to the last before another's, and at both ends to those of the
segment. A word that has no speaker, or no times that would tell when, stays with the word before (at the start, with
the one after). The text of each part is that of its words, with spaces between them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mimidiar.annotation.json_file import Record, json_name, json_records, json_seconds
from mimidiar.annotation.reading import Sieve
from mimidiar.annotation.text_file import shown
from mimidiar.annotation.transcript import Word
from mimidiar.errors import MimidiarError


@dataclass(frozen=True)
class Heard:
    """A word as it is listed: its text, its times if it has any, and its speaker, "" without."""

    text: str
    word: Word | None
    speaker: str


@dataclass
class Part:
    """Words in a row that are one speaker's; seconds."""

    start: float
    end: float
    speaker: str
    words: list[Heard] = field(default_factory=list)


def heard_in(segment: Record, place: str, sieve: Sieve) -> Iterator[Heard]:
    """The words of a segment. Raises MimidiarError with file, segment and word."""
    for record, own in json_records(segment.get("words") or [], "word", sieve.where(place)):
        here = f"{place}, {own}"
        text, where = record.get("word"), sieve.where(here)
        if not isinstance(text, str):
            raise MimidiarError(f"{where}: 'word' is {shown(json.dumps(text))}, not a text")
        if text.strip():
            speaker = json_name(record.get("speaker"), "speaker", where)
            yield Heard(text.strip(), _timed(record, text.strip(), here, sieve), speaker)


def _timed(record: Record, text: str, place: str, sieve: Sieve) -> Word | None:
    """The word with its times; None where it has none, or ends before it starts, which is counted."""
    if record.get("start") is None or record.get("end") is None:
        return None
    start, end = (json_seconds(record[key], key, sieve.where(place)) for key in ("start", "end"))
    if end < start:
        sieve.skip("word time", "that ends before it starts", place)
        return None
    return Word(start, end, text)


def split(start: float, end: float, speaker: str, words: Sequence[Heard]) -> list[Part]:
    """The parts of a segment of `speaker` from `start` to `end`: one for each change of the words' speakers."""
    parts = [Part(start, end, "")]
    for heard in words:
        named, last = heard.speaker if heard.word else "", parts[-1]
        if named and last.speaker not in ("", named):
            parts.append(Part(heard.word.start, end, named))
        elif named:
            last.speaker = named
        parts[-1].words.append(heard)
    if not parts[0].speaker:
        parts[0].speaker = speaker
    if len(parts) > 1:
        _fit_borders(parts)
    return parts


def _fit_borders(parts: Sequence[Part]) -> None:
    """Let each part but the last end with its words, and none before them."""
    for part in parts:
        times = [heard.word for heard in part.words if heard.word]
        part.start = min(part.start, *(word.start for word in times))
        latest = max(word.end for word in times)
        part.end = max(part.end, latest) if part is parts[-1] else latest


def unsplit_speakers(parts: Sequence[Part]) -> set[str]:
    """Those whom only words without times name, so that no part is theirs."""
    named = {heard.speaker for part in parts for heard in part.words if heard.speaker}
    return named - {part.speaker for part in parts}
