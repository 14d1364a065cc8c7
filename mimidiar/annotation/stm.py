"""STM (segment time mark) references of NIST: `recording channel speaker start end [<label>] text`, a segment a line.

A label such as `<o,f0,male>` is no part of the text. Lines that are there so that their time is not scored
(`ignore_time_segment_in_scoring` as the text, `inter_segment_gap` or `excluded_region` as the speaker) are passed over
and counted; the channel is ignored. Read by ourselves: `meeteval` keeps the labels in the text and the unscored lines.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import check_name, numbered_fields, seconds_in
from mimidiar.annotation.transcript import Row, Said, Transcript, gather
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

UNSCORED_TEXT = "ignore_time_segment_in_scoring"
UNSCORED_SPEAKERS = ("inter_segment_gap", "excluded_region")
MISSING = "<NA>"
LABEL = re.compile(r"<[^<>]*>")


def read_stm(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of each recording. Raises MimidiarError with file and line."""
    with sifted(path, reading) as sieve:
        return gather(_rows(path, sieve), reading.transcript)


def _rows(path: str | Path, sieve: Sieve) -> Iterator[Row]:
    for line, fields in numbered_fields(path):
        if len(fields) < 5:
            what = f"{len(fields)} fields, but an STM line has 5 and a text (recording channel speaker start end text)"
            raise MimidiarError(f"{path}, line {line}: {what}")
        recording, _, speaker = (sys.intern(field) for field in fields[:3])
        start, end = (seconds_in(fields[i], path, line, ("start", "end")[i - 3]) for i in (3, 4))
        text = " ".join(fields[6:] if len(fields) > 5 and LABEL.fullmatch(fields[5]) else fields[5:])
        if speaker.lower() in UNSCORED_SPEAKERS or text.lower() == UNSCORED_TEXT:
            sieve.skip("line", "without scoring", line)
        elif turn := sieve.turn("turn", line, recording, start, end, "" if speaker == MISSING else speaker):
            yield turn, Said(text) if text else None


def write_stm(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write the turns, sorted by recording and start, in milliseconds, without a label (`<NA>`); atomically.

    A turn that rounds to nothing is left out. Raises MimidiarError for names that STM cannot hold.
    """
    rows = sorted(turn for recording in turns.values() for turn in recording)
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        for turn in rows:
            check_name(turn.recording, path, "STM", leads=True)
            check_name(turn.speaker, path, "STM")
            said = (transcript or {}).get(turn)
            if round(turn.end, 3) > round(turn.start, 3):
                head = f"{turn.recording} 1 {turn.speaker} {turn.start:.3f} {turn.end:.3f} {MISSING}"
                stream.write(f"{head} {said.text}\n" if said else f"{head}\n")
