"""SubRip subtitles (SRT): numbered cues `HH:MM:SS,mmm --> HH:MM:SS,mmm` with text, one recording a file.

A cue is a turn: `speaker: text`, `[speaker] text` or, as whisper.cpp writes it, `(speaker 0) text`; `speaker:` alone is
a turn without words. A cue with lines of several speakers is a turn of each (`cue_speakers`). Tags (`<i>`, `<font>`)
and codes (`{\\an8}`) are dropped; other words in `<>` are text. Sounds, `[music]`, are passed over. The recording is
named like the file. Read by ourselves: the package `srt` reads no UTF-16, stops at a cue that was cut off, and takes
one that ends before it starts.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mimidiar.annotation.cue_speakers import first_names, spoken_in
from mimidiar.annotation.cues import Cue, cue_rows, cue_times, timed_rows
from mimidiar.annotation.reading import PLAIN, Reading, sifted
from mimidiar.annotation.text_file import file_recording, shown, text_lines
from mimidiar.annotation.transcript import Said, Transcript, caption, gather, one_line
from mimidiar.annotation.turns import Turn, Turns, only_recording
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

NUMBER = re.compile(r"\s*[0-9]+\s*")
TAG = re.compile(r"</?(?:b|i|u|s|em|strong|font|span|c|lang|ruby|rt)(?![\w-])[^<>]*>|<[0-9:.,]+>", re.IGNORECASE)


def read_srt(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of the one recording in an SRT file. Raises MimidiarError with file and line."""
    name = reading.recording or file_recording(path)
    cues = [replace(cue, text=TAG.sub("", cue.text)) for cue in _cues(path)]
    known = first_names(cue.text for cue in cues)
    with sifted(path, reading) as sieve:
        rows = (row for cue in cues for row in cue_rows(cue, spoken_in(cue.text, known), name, sieve))
        return gather(rows, reading.transcript)


def _cues(path: str | Path) -> Iterator[Cue]:
    start_line, times, text = 0, None, []
    for line, raw in text_lines(path):
        found = cue_times(raw, path, line)
        if found:
            if times:  # no blank line between the cues: the last line of the text is this one's number
                yield Cue(start_line, *times, "\n".join(text[:-1] if text and NUMBER.fullmatch(text[-1]) else text))
            start_line, times, text = line, found, []
        elif not raw.strip():
            if times:
                yield Cue(start_line, *times, "\n".join(text))
            times = None
        elif times:
            text.append(raw)
        elif not NUMBER.fullmatch(raw):
            raise MimidiarError(f"{path}, line {line}: {shown(raw)} where the number or the times of a cue should be")
    if times:
        yield Cue(start_line, *times, "\n".join(text))


def write_srt(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write the turns of one recording, sorted, in milliseconds; atomically. One that rounds to nothing is left out.

    Turns that overlap are cues that overlap. Raises MimidiarError for several recordings.
    """
    rows = only_recording(turns, path, "an SRT file")
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        for number, (turn, times) in enumerate(timed_rows(rows, ","), start=1):
            stream.write(f"{number}\n{times}\n{_caption(turn, (transcript or {}).get(turn), path)}\n\n")


def _caption(turn: Turn, said: Said | None, path: str | Path) -> str:
    """The text of a cue. Raises MimidiarError for a name that would be read as another."""
    text = caption(turn.speaker, said, path)
    ((speaker, _),) = spoken_in(TAG.sub("", text), set())
    if speaker != one_line(turn.speaker):
        what = "in subtitles a name begins with no '-' or '>>', and holds no <tag> and no {\\code}"
        raise MimidiarError(f"{path}: {turn.speaker!r} cannot be written as 'speaker: text'; {what}")
    return text
