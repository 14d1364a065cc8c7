"""RTTM (NIST Rich Transcription Time Marked) files: who speaks from when to when.

A SPEAKER line is `SPEAKER recording channel start duration <NA> <NA> speaker <NA> [<NA>]`. Lines of the other RTTM
types (SPKR-INFO, LEXEME, ...) hold no turns and are skipped, as dscore and md-eval do; `mimidiar.score.noscore` reads
the ones that exclude time from scoring. The channel is ignored, and said to be where
a file has several. Overlapping turns of one speaker are merged, as dscore
does; turns that only touch stay apart, because md-eval puts a collar at their border. A turn of no length is passed
over, as md-eval does, and so is one of the speaker <NA> (`Sieve`). A negative duration is refused.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import check_name, numbered_fields, seconds_in, shown, source_files
from mimidiar.annotation.turns import Turn, merge_overlaps
from mimidiar.errors import MimidiarError, listed
from mimidiar.files import atomic_path

OTHER_TYPES = frozenset(
    {"SPKR-INFO", "SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT"}
    | {"SU", "IP", "CB", "A/P"}
)
MISSING = "<NA>"


def read_rttm(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of each recording by start time, from a file or from every *.rttm of a folder.

    Raises MimidiarError with file and line for anything that is not RTTM, and when two files of a folder hold turns of
    the same recording.
    """
    turns: dict[str, list[Turn]] = {}
    origin: dict[str, Path] = {}
    for file in source_files(path, ".rttm"):
        for turn in _turns_in(file, reading):
            if origin.setdefault(turn.recording, file) != file:
                both = f"{origin[turn.recording].name} and in {file.name}"
                raise MimidiarError(f"{path}: recording {shown(turn.recording)} is in {both}; keep one of them")
            turns.setdefault(turn.recording, []).append(turn)
    return {recording: merge_overlaps(turns[recording]) for recording in sorted(turns)}


def _turns_in(file: Path, reading: Reading) -> Iterator[Turn]:
    channels: set[str] = set()
    with sifted(file, reading) as sieve:
        for line, fields in numbered_fields(file):
            if fields[0] == "SPEAKER":
                if turn := _turn(fields, sieve, line):
                    channels.add(fields[2])
                    yield turn
            elif fields[0] not in OTHER_TYPES:
                raise MimidiarError(f"{file}, line {line}: begins with {shown(fields[0])}, which is no RTTM line type")
    if len(channels) > 1 and reading.notes is not None:
        what = f"turns of {len(channels)} channels ({listed(sorted(channels))}), taken as those of one"
        reading.notes.append(f"{file}: {what}: the channel is ignored, while md-eval scores each channel by itself")


def _turn(fields: list[str], sieve: Sieve, line: int) -> Turn | None:
    if not 9 <= len(fields) <= 10:
        raise MimidiarError(
            f"{sieve.file}, line {line}: {len(fields)} fields, but a SPEAKER line has 9 or 10 "
            "(SPEAKER recording channel start duration <NA> <NA> speaker <NA> <NA>)"
        )
    start = seconds_in(fields[3], sieve.file, line, "start")
    duration = seconds_in(fields[4], sieve.file, line, "duration")
    # Microseconds: without rounding, 0.1 + 0.2 would leave a sliver of 4e-17 s before a turn that starts at 0.3.
    end = round(start + duration, 6)
    speaker = "" if fields[7] == MISSING else sys.intern(fields[7])
    return sieve.turn("turn", line, sys.intern(fields[1]), start, end, speaker)


def write_rttm(path: str | Path, turns: Iterable[Turn], channels: Mapping[str, int] | None = None) -> None:
    """Write the `rttm_lines` of turns; atomically, same turns same bytes."""
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in rttm_lines(turns, path, channels))


def rttm_lines(turns: Iterable[Turn], path: str | Path, channels: Mapping[str, int] | None = None) -> Iterator[str]:
    """Turns sorted by recording, start, end and speaker, in milliseconds. MimidiarError that names `path` for a name
    that RTTM cannot hold. `channels`: that of each speaker, from 1; without it, all are in channel 1.

    Start and end are rounded, so that turns which touch still do; a turn that rounds to nothing is left out.
    """
    rows = sorted((t.recording, round(t.start, 3), round(t.end, 3), t.speaker) for t in turns)
    for recording, start, end, speaker in rows:
        for name in (recording, speaker):
            check_name(name, path, "RTTM")
        if end > start:
            channel = 1 if channels is None else channels[speaker]
            yield f"SPEAKER {recording} {channel} {start:.3f} {end - start:.3f} <NA> <NA> {speaker} <NA> <NA>"


def rttm_name(name: str) -> str:
    """A name that RTTM can hold: its fields end with white space, so that this becomes `_`."""
    return "_".join(name.split())
