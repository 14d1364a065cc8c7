"""WebVTT subtitles (www.w3.org/TR/webvtt1): cues `[HH:]MM:SS.mmm --> [HH:]MM:SS.mmm settings` with text.

One recording a file, named like the file. Who speaks is a voice span, `<v Anna>text`, or is written as in SRT; a cue
with several speakers is a turn of each. Other tags are dropped; blocks of notes, styles and regions are passed over, as
are, counted, those without times, which no player shows. Read by ourselves: of `webvtt-py`, a cue has one voice, names
keep their `&amp;`, and a cue whose times have commas, or are no times, vanishes unsaid.
"""

import html
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mimidiar.annotation.cue_speakers import Name, Spoken, first_names, spoken_in
from mimidiar.annotation.cues import Cue, cue_rows, cue_times, timed_rows
from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import file_recording, shown, text_lines
from mimidiar.annotation.transcript import Said, Transcript, gather, one_line
from mimidiar.annotation.turns import Turn, Turns, only_recording
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

HEAD = re.compile(r"WEBVTT(?:[ \t].*)?")
ARROW = "-->"
NO_CUES = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s.*)?")
VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s([^>]*)>")
TAG = re.compile(r"<[^>]*>")

Block = list[tuple[int, str]]  # numbered lines


def read_vtt(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of the one recording in a WebVTT file. Raises MimidiarError with file and line."""
    name = reading.recording or file_recording(path)
    with sifted(path, reading) as sieve:
        cues = list(_cues(path, sieve))
        known = first_names(_plain(cue.text) for cue in cues if not VOICE.search(cue.text))
        rows = (row for cue in cues for row in cue_rows(cue, _spoken(cue.text, known), name, sieve))
        return gather(rows, reading.transcript)


def _cues(path: str | Path, sieve: Sieve) -> Iterator[Cue]:
    blocks = _blocks(path)
    (number, head), *more = next(blocks, [(1, "")])
    if not HEAD.fullmatch(head):
        raise MimidiarError(f"{path}, line {number}: {shown(head)} where WEBVTT should be, the head of such a file")
    first_times = next((index for index, (_, raw) in enumerate(more) if ARROW in raw), len(more))
    for block in chain([more[first_times:]] if more[first_times:] else [], blocks):  # no empty line after the head
        yield from _cue(block, path, sieve)


def _blocks(path: str | Path) -> Iterator[Block]:
    """Lines up to one that is empty (one with spaces is not), or to that of the next times."""
    block: Block = []
    for line, raw in text_lines(path):
        if raw and not (ARROW in raw and any(ARROW in before for _, before in block)):
            block.append((line, raw))
            continue
        if block:
            yield block
        block = [(line, raw)] if raw else []
    if block:
        yield block


def _cue(block: Block, path: str | Path, sieve: Sieve) -> Iterator[Cue]:
    """The cue of a block whose first or, after a name of the cue, second line has the times."""
    at = next((index for index, (_, raw) in enumerate(block[:2]) if ARROW in raw), None)
    line, raw = block[at or 0]
    if NO_CUES.fullmatch(block[0][1]) and at != 0:
        return
    if at is None:
        sieve.skip("block", "without times", line)
        return
    times = cue_times(raw, path, line)
    if times is None:
        raise MimidiarError(f"{path}, line {line}: {shown(raw)} where the times of a cue should be")
    yield Cue(line, *times, "\n".join(text for _, text in block[at + 1 :]))


def _spoken(text: str, known: set[Name]) -> Iterator[Spoken]:
    """The speakers in the text of a cue, and what they say; what is before the first voice is the first one's."""
    before, *voices = VOICE.split(text)
    if not voices:
        yield from spoken_in(_plain(text), known)
    for name, said in zip(voices[::2], voices[1::2], strict=True):
        words = one_line(_plain(f"{before} {said}"))
        before = ""
        yield one_line(html.unescape(name)), Said(words) if words else None


def _plain(text: str) -> str:
    return html.unescape(TAG.sub("", text))


def write_vtt(path: str | Path, turns: Turns, transcript: Transcript | None = None) -> None:
    """Write the turns of one recording, sorted, in milliseconds, with voice spans; atomically.

    A turn that rounds to nothing is left out. Raises MimidiarError for several recordings.
    """
    rows = only_recording(turns, path, "a WebVTT file")
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        stream.write("WEBVTT\n\n")
        for turn, times in timed_rows(rows, "."):
            said = (transcript or {}).get(turn)
            text = html.escape(said.text, quote=False) if said else ""
            stream.write(f"{times}\n<v {html.escape(turn.speaker, quote=False)}>{text}\n\n")
