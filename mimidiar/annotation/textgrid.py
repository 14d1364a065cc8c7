"""Praat TextGrid files, long and short text form: one interval tier a speaker, an interval with text is a turn.

A file holds one recording, named like the file. Praat's rules: what counts are texts in double quotes (a quote inside
is doubled), numbers and flags that stand between white space; all else, and what follows `!` on a line, is decoration.
So both forms read the same (www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html). Point tiers hold no turns and
are skipped. A turn without words is written with the speaker's name as its text, and read back as one without words.
Read by ourselves: `praatio` refuses a grid with an interval of no length; `textgrid` drops that interval unsaid, and
cannot read a text that holds quotes.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import decoded, file_recording, seconds_in, shown, whole_bytes
from mimidiar.annotation.transcript import Row, Said, Transcript, gather, one_line
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
TOKEN = re.compile(
    rf'"(?P<text>[^"]*(?:""[^"]*)*)"|!.*|(?<!\S)(?:(?P<number>{NUMBER})|(?P<flag><\w+>))(?!\S)|(?P<open>")'
)
BINARY = b"ooBinaryFile"
INTERVALS, POINTS = "IntervalTier", "TextTier"
NOBODY = "nobody"


def read_textgrid(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of the one recording in a TextGrid, in UTF-8 or UTF-16.

    Raises MimidiarError with file and line for a binary or broken file.
    """
    with sifted(path, reading) as sieve:
        return gather(_rows(path, reading.recording or file_recording(path), sieve), reading.transcript)


class _Tokens:
    """The tokens of a file one after the other; `take` names what it expected where something else follows."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.line, self._seen = 1, 0
        data = whole_bytes(path)
        if data.startswith(BINARY):
            raise self.error("a binary file")
        self.text = decoded(data, path)
        self.matches = TOKEN.finditer(self.text)

    def take(self, kind: str, what: str) -> str:
        """The next token, which must be of `kind` (text, number or flag). `what` it is, for the message."""
        for match in self.matches:
            self.line += self.text.count("\n", self._seen, match.start())
            self._seen = match.start()
            if match.lastgroup is None:  # a comment
                continue
            if match.lastgroup != kind:
                raise self.error(f"{shown(match[0])} where {what} should be")
            return match[kind]
        raise self.error(f"the file ends where {what} should be")

    def error(self, problem: str) -> MimidiarError:
        return MimidiarError(f"{self.path}, line {self.line}: {problem}; open the file in Praat and save it as text")

    def seconds(self, what: str) -> float:
        return seconds_in(self.take("number", what), self.path, self.line, what)

    def count(self, what: str) -> int:
        number = self.take("number", what)
        if not number.isdecimal() or len(number) > 9:
            raise self.error(f"{what} is {shown(number)}")
        return int(number)


def _rows(path: str | Path, recording: str, sieve: Sieve) -> Iterator[Row]:
    tokens = _Tokens(path)
    _header(tokens)
    for _ in range(tokens.count("the number of tiers")):
        tier_class = tokens.take("text", "the class of a tier")
        if tier_class not in (INTERVALS, POINTS):
            raise tokens.error(f"a tier of class {shown(tier_class)}, neither {INTERVALS} nor {POINTS}")
        speaker = one_line(tokens.take("text", "the name of a tier").replace('""', '"'))
        tokens.take("number", "xmin of a tier"), tokens.take("number", "xmax of a tier")
        size = tokens.count("the number of intervals")
        if tier_class == INTERVALS:
            for _ in range(size):
                yield from _interval(tokens, recording, speaker, sieve)
        else:
            for _ in range(size):
                tokens.take("number", "the time of a point"), tokens.take("text", "the mark of a point")


def _header(tokens: _Tokens) -> None:
    kind = tokens.take("text", 'File type = "ooTextFile"')
    if kind.startswith("ooTextFile"):
        kind = tokens.take("text", 'Object class = "TextGrid"')
    if kind != "TextGrid":
        raise tokens.error(f"an object of class {shown(kind)}, not a TextGrid")
    tokens.take("number", "xmin"), tokens.take("number", "xmax")
    if tokens.take("flag", "<exists>") != "<exists>":
        raise tokens.error("a TextGrid without tiers")


def _interval(tokens: _Tokens, recording: str, speaker: str, sieve: Sieve) -> Iterator[Row]:
    """The turn of an interval with text; an interval that is blank is silence."""
    start, end = tokens.seconds("xmin of an interval"), tokens.seconds("xmax of an interval")
    text = one_line(tokens.take("text", "the text of an interval").replace('""', '"'))
    if text and (turn := sieve.turn("interval", tokens.line, recording, start, end, speaker)):
        yield turn, Said(text) if text != speaker else None


def write_textgrid(
    path: str | Path, turns: Turns, transcript: Transcript | None = None, seconds: float | None = None
) -> None:
    """Write the turns of one recording in the long text form, UTF-8, a tier for each speaker by name; atomically.

    The grid is as long as the recording, `seconds`; else it ends with the last turn, because turns do not tell. Of a
    recording in which nobody speaks, which is then possible, it has one tier without a turn, for Praat wants one.
    """
    rows = [turn for recording in turns.values() for turn in recording]
    if len(turns) != 1 or not (rows or seconds):
        raise MimidiarError(f"{path}: a TextGrid holds one recording with turns, not {len(turns)}")
    speakers = sorted({turn.speaker for turn in rows}) or [NOBODY]
    end = max([seconds or 0.0, *(turn.end for turn in rows)])
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        stream.write('File type = "ooTextFile"\nObject class = "TextGrid"\n\n')
        stream.write(f"xmin = 0 \nxmax = {_number(end)} \ntiers? <exists> \nsize = {len(speakers)} \nitem []: \n")
        for index, speaker in enumerate(speakers, start=1):
            intervals = list(_with_silences([turn for turn in rows if turn.speaker == speaker], end, transcript or {}))
            stream.write(f'    item [{index}]:\n        class = "{INTERVALS}" \n        name = {_quoted(speaker)} \n')
            stream.write(f"        xmin = 0 \n        xmax = {_number(end)} \n")
            stream.write(f"        intervals: size = {len(intervals)} \n")
            stream.writelines(_interval_text(number, *rest) for number, rest in enumerate(intervals, start=1))


def _with_silences(turns: list[Turn], end: float, transcript: Transcript) -> Iterator[tuple[float, float, str]]:
    """Start, end and text of intervals that leave no gap from 0 to `end`."""
    last = 0.0
    for turn in sorted(turns):
        if turn.start < last:
            raise MimidiarError(f"turns of {turn.speaker!r} overlap at {turn.start:g} s; merge them (merge_overlaps)")
        if turn.start > last:
            yield last, turn.start, ""
        said = transcript.get(turn)
        yield turn.start, turn.end, said.text if said else turn.speaker
        last = turn.end
    if end > last:
        yield last, end, ""


def _interval_text(number: int, start: float, end: float, text: str) -> str:
    inside = " " * 12
    return (
        f"        intervals [{number}]:\n{inside}xmin = {_number(start)} \n{inside}xmax = {_number(end)} \n"
        f"{inside}text = {_quoted(text)} \n"
    )


def _number(value: float) -> str:
    """The shortest spelling that reads back as the same float, without an exponent."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
