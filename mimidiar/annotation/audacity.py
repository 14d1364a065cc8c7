"""Audacity label tracks: `start<TAB>end<TAB>label` in seconds, one recording a file, named like the file.

A label is the speaker, or `speaker: text`. Lines of frequencies (beginning with a backslash) are skipped, and so are
point labels (end = start), which are marks and no turns.
"""

from collections.abc import Iterator
from pathlib import Path

from mimidiar.annotation.text_file import file_recording, seconds_in, shown, text_lines
from mimidiar.annotation.transcript import Row, Transcript, caption, gather, one_line, parse_caption
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path


def read_audacity(
    path: str | Path, transcript: Transcript | None = None, recording: str | None = None
) -> dict[str, list[Turn]]:
    """The turns of the one recording in a label track (`recording`: its name, instead of the file's).

    Raises MimidiarError with file and line.
    """
    return gather(_rows(path, recording or file_recording(path)), transcript)


def _rows(path: str | Path, recording: str) -> Iterator[Row]:
    for line, text in text_lines(path):
        if text.strip() and not text.startswith("\\"):
            fields = text.split("\t", maxsplit=2)
            if len(fields) < 3:
                what = f"{shown(text)} is no label (start<TAB>end<TAB>speaker)"
                raise MimidiarError(f"{path}, line {line}: {what}")
            start, end = (seconds_in(fields[i].strip(), path, line, ("start", "end")[i]) for i in (0, 1))
            if end < start:
                raise MimidiarError(f"{path}, line {line}: the label ends at {end:g} s and starts at {start:g} s")
            if end > start:
                yield _turn(fields[2], recording, start, end, f"{path}, line {line}")


def _turn(label: str, recording: str, start: float, end: float, where: str) -> Row:
    speaker, said = parse_caption(label)
    if not speaker:
        speaker, said = one_line(label), None
    if not speaker:
        raise MimidiarError(f"{where}: a label without text; write the speaker's name into it")
    return Turn(recording, start, end, speaker), said


def write_audacity(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write the turns of one recording, sorted, in microseconds as Audacity does; atomically.

    A turn that rounds to nothing is left out. Raises MimidiarError for several recordings.
    """
    if len(turns) > 1:
        raise MimidiarError(f"{path}: a label track holds one recording, not {len(turns)}")
    rows = sorted(turn for recording in turns.values() for turn in recording)
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        for turn in rows:
            said = (transcript or {}).get(turn)
            label = caption(turn.speaker, said, path)
            if round(turn.end, 6) > round(turn.start, 6):
                stream.write(f"{turn.start:.6f}\t{turn.end:.6f}\t{label if said else turn.speaker}\n")
