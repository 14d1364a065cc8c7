"""Audacity label tracks: `start<TAB>end<TAB>label` in seconds, one recording a file, named like the file.

A label is the speaker, or `speaker: text`; the comma of decimals is read as well. A line without a label names no
speaker, also where an editor has cut off its last tab. Lines of frequencies (beginning with a backslash) are skipped;
point labels (end = start) are marks and no turns.
"""

from collections.abc import Iterator
from pathlib import Path

from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import file_recording, seconds_in, shown, text_lines
from mimidiar.annotation.transcript import Row, Transcript, caption, gather, one_line, parse_caption
from mimidiar.annotation.turns import Turn, Turns, only_recording
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path


def read_audacity(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of the one recording in a label track. Raises MimidiarError with file and line."""
    with sifted(path, reading) as sieve:
        return gather(_rows(path, reading.recording or file_recording(path), sieve), reading.transcript)


def _rows(path: str | Path, recording: str, sieve: Sieve) -> Iterator[Row]:
    for line, text in text_lines(path):
        if text.strip() and not text.startswith("\\"):
            fields = text.split("\t", maxsplit=2)
            if len(fields) < 2:
                what = f"{shown(text)} is no label (start<TAB>end<TAB>speaker)"
                raise MimidiarError(f"{path}, line {line}: {what}")
            start, end = (_seconds(fields[i], path, line, ("start", "end")[i]) for i in (0, 1))
            label = fields[2] if len(fields) > 2 else ""
            speaker, said = parse_caption(label)
            if not speaker:
                speaker, said = one_line(label), None
            if turn := sieve.turn("label", line, recording, start, end, speaker):
                yield turn, said


def _seconds(text: str, path: str | Path, line: int, what: str) -> float:
    text = text.strip()
    return seconds_in(text if "." in text else text.replace(",", ".", 1), path, line, what)


def write_audacity(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write the turns of one recording, sorted, in microseconds as Audacity does; atomically.

    A turn that rounds to nothing is left out. Raises MimidiarError for several recordings.
    """
    rows = only_recording(turns, path, "a label track")
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        for turn in rows:
            said = (transcript or {}).get(turn)
            label = caption(turn.speaker, said, path)
            if round(turn.end, 6) > round(turn.start, 6):
                stream.write(f"{turn.start:.6f}\t{turn.end:.6f}\t{label if said else turn.speaker}\n")
