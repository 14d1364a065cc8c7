"""SubRip subtitles (SRT): numbered cues `HH:MM:SS,mmm --> HH:MM:SS,mmm` with text, one recording a file.

A cue is a turn: `speaker: text`, or `[speaker] text`; `speaker:` alone is a turn without words. A cue that names no
speaker says nothing about who speaks when, and is refused, unless it is a sound, `[music]`: these are passed over. The
recording is named like the file.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mimidiar.annotation.text_file import MAX_SECONDS, file_recording, shown, text_lines
from mimidiar.annotation.transcript import Row, Transcript, caption, gather, is_sound, parse_caption
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

TIME = r"([0-9]{1,9}):([0-9]{2}):([0-9]{2})[,.]([0-9]{3})"
TIMES = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?")
NUMBER = re.compile(r"\s*[0-9]+\s*")


def read_srt(
    path: str | Path,
    transcript: Transcript | None = None,
    recording: str | None = None,
    notes: list[str] | None = None,
) -> dict[str, list[Turn]]:
    """The turns of the one recording in an SRT file (`recording`: its name, instead of the file's).

    `notes` gets a line on sounds that were passed over. Raises MimidiarError with file and line.
    """
    name = recording or file_recording(path)
    rows = [_row(name, *cue) for cue in _cues(path)]
    sounds = rows.count(None)
    if sounds and notes is not None:
        notes.append(f"{path}: {sounds} cues without speaker are sounds, passed over")
    return gather((row for row in rows if row), transcript)


def _cues(path: str | Path) -> Iterator[tuple[str, float, float, str]]:
    """Where a cue is in the file, its start and end in seconds, and its text."""
    where, times, text = "", None, []
    for line, raw in text_lines(path):
        match = TIMES.fullmatch(raw)
        if match:
            if times:  # no blank line between the cues: the last line of the text is this one's number
                yield where, *times, "\n".join(text[:-1] if text and NUMBER.fullmatch(text[-1]) else text)
            where, times, text = f"{path}, line {line}", _times(match, path, line), []
        elif not raw.strip():
            if times:
                yield where, *times, "\n".join(text)
            times = None
        elif times:
            text.append(raw)
        elif not NUMBER.fullmatch(raw):
            raise MimidiarError(f"{path}, line {line}: {shown(raw)} where the number or the times of a cue should be")
    if times:
        yield where, *times, "\n".join(text)


def _times(match: re.Match[str], path: str | Path, line: int) -> tuple[float, float]:
    numbers = [int(group) for group in match.groups()]
    start, end = (
        round(hours * 3600 + minutes * 60 + seconds + milliseconds / 1000, 3)
        for hours, minutes, seconds, milliseconds in (numbers[:4], numbers[4:])
    )
    if not start < end <= MAX_SECONDS:
        raise MimidiarError(f"{path}, line {line}: a cue from {start:g} to {end:g} s")
    return start, end


def _row(recording: str, where: str, start: float, end: float, text: str) -> Row | None:
    """The turn of a cue; None for a sound."""
    speaker, said = parse_caption(text)
    if not speaker and is_sound(text):
        return None
    if not speaker:
        raise MimidiarError(f"{where}: the cue {shown(text)} names no speaker; write 'speaker: text'")
    return Turn(recording, start, end, speaker), said


def write_srt(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write the turns of one recording, sorted, in milliseconds; atomically. One that rounds to nothing is left out.

    Turns that overlap are cues that overlap. Raises MimidiarError for several recordings.
    """
    if len(turns) > 1:
        raise MimidiarError(f"{path}: an SRT file holds one recording, not {len(turns)}")
    rows = sorted(turn for recording in turns.values() for turn in recording)
    number = 0
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        for turn in rows:
            start, end = round(turn.start * 1000), round(turn.end * 1000)
            text = caption(turn.speaker, (transcript or {}).get(turn), path)
            if end > start:
                number += 1
                stream.write(f"{number}\n{_clock(start)} --> {_clock(end)}\n{text}\n\n")


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{rest:03d}"
