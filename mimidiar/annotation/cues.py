"""Cues of subtitles, which SRT and WebVTT share: their times, who speaks in them, and those that are no turns."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mimidiar.annotation.cue_speakers import Spoken
from mimidiar.annotation.reading import Sieve
from mimidiar.annotation.text_file import MAX_SECONDS
from mimidiar.annotation.transcript import Row, Said, is_sound
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError

# WebVTT: hours optional. Some programs write 0:0:7.1 or 00:00:05,00.
TIME = r"(?:([0-9]{1,9}):)?([0-9]{1,2}):([0-9]{1,2})[,.]([0-9]{1,3})"
TIMES = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?")  # settings may follow


@dataclass(frozen=True, slots=True)
class Cue:
    """The text between the line of the times, which is number `line` of the file, and the end of the cue; seconds."""

    line: int
    start: float
    end: float
    text: str


def cue_times(text: str, path: str | Path, line: int) -> tuple[float, float] | None:
    """Start and end in seconds where `text` is the line of a cue's times. MimidiarError beyond MAX_SECONDS."""
    match = TIMES.fullmatch(text)
    if match is None:
        return None
    start, end = (_seconds(*match.groups()[at : at + 4]) for at in (0, 4))
    if max(start, end) > MAX_SECONDS:
        raise MimidiarError(f"{path}, line {line}: a cue from {start:g} to {end:g} s; times go to {MAX_SECONDS:g} s")
    return start, end


def _seconds(hours: str | None, minutes: str, seconds: str, decimals: str) -> float:
    return round(int(hours or 0) * 3600 + int(minutes) * 60 + float(f"{seconds}.{decimals}"), 3)


def cue_rows(cue: Cue, spoken: Iterable[Spoken], recording: str, sieve: Sieve) -> Iterator[Row]:
    """A turn over the time of the cue for each who speaks in it. A sound that is nobody's is passed over."""
    for speaker, said in _by_speaker(spoken):
        if not speaker and said and is_sound(said.text):
            sieve.skip("cue", "of sound", cue.line)
        elif turn := sieve.turn("cue", cue.line, recording, cue.start, cue.end, speaker):
            yield turn, said


def _by_speaker(spoken: Iterable[Spoken]) -> Iterator[Spoken]:
    """Each speaker once, with all that the speaker says in the cue."""
    texts: dict[str, list[str]] = {}
    for speaker, said in spoken:
        texts.setdefault(speaker, []).extend([said.text] if said else [])
    return ((speaker, Said(" ".join(parts)) if parts else None) for speaker, parts in texts.items())


def timed_rows(rows: Iterable[Turn], point: str) -> Iterator[tuple[Turn, str]]:
    """Turns with their `00:00:01.000 --> 00:00:02.000`, `point` before the milliseconds; those of none are left out."""
    for turn in rows:
        start, end = round(turn.start * 1000), round(turn.end * 1000)
        if end > start:
            yield turn, f"{_clock(start, point)} --> {_clock(end, point)}"


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"
