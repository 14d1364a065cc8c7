"""How annotation files are read: what a reader is asked, and what it passes over, in the same way in every format.

An item (turn, cue, interval, word, region) of no length or without times says nothing about who speaks when, and one
without a speaker not who: none stops the reading of a file. They are passed over and counted, in one note a file with
the first place; items without a speaker are given to a speaker on request. A turn that ends before it starts is
refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mimidiar.annotation.text_file import many
from mimidiar.annotation.transcript import Transcript
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError

PAUSE_SEC = 0.3  # NIST's rich transcription evaluations: a shorter pause of a speaker does not end a turn
UNNAMED = "`mimidiar convert --unnamed NAME`"


@dataclass(frozen=True)
class Reading:
    """What a reader is asked, and where it puts what it finds beside the turns.

    `transcript` gets what is said in the turns, `notes` a line on what was passed over; without `notes`, for readers
    of which nobody reads any, items without a speaker or without times are refused. `recording`: the name of the
    recording in a file that has none in it. `unnamed`: the speaker of items without one. `pause_sec`: of CTM, the
    longest pause in a turn.
    """

    transcript: Transcript | None = None
    notes: list[str] | None = None
    recording: str | None = None
    unnamed: str | None = None
    pause_sec: float = PAUSE_SEC


PLAIN = Reading()
Place = int | str  # a line, or what a JSON record is called: "segment 3"


@dataclass
class _Odd:
    """So many items of a kind were passed over, the first of them at `place`."""

    place: str
    number: int = 0


class Sieve:
    """Makes the items of `file` turns and counts those that it passes over (`sifted`)."""

    def __init__(self, file: str | Path, reading: Reading) -> None:
        self.file, self.reading = file, reading
        self.kept = 0
        self._odd: dict[tuple[str, str], _Odd] = {}

    def turn(self, item: str, place: Place, recording: str, start: float, end: float, speaker: str) -> Turn | None:
        """The turn of an item ("cue"), or None for one to pass over; `speaker` is "" where it names none."""
        if not self.lasts(item, place, start, end):
            return None
        name = speaker if speaker.strip() else self.reading.unnamed
        if name is None:
            if self.reading.notes is None:
                where, what = self.where(place), f"the {item} names no speaker"
                raise MimidiarError(f"{where}: {what}; name one, remove it, or give it to one with {UNNAMED}")
            return self.skip(item, "without a speaker", place)
        self.kept += 1
        return Turn(recording, start, end, name)

    def lasts(self, item: str, place: Place, start: float, end: float) -> bool:
        """Whether an item has a length; one without is counted. MimidiarError for one that ends before it starts."""
        if end < start:
            what = f"the {item} ends at {end:g} s and starts at {start:g} s"
            raise MimidiarError(f"{self.where(place)}: {what}")
        if end == start:
            self.skip(item, "of no length", place)
        return end > start

    def untimed(self, item: str, place: Place) -> None:
        """Count an item whose start or end is unknown. MimidiarError where nobody would read of it."""
        if self.reading.notes is None:
            raise MimidiarError(f"{self.where(place)}: the {item} has no start or no end; give both, or remove it")
        self.skip(item, "without times", place)

    def skip(self, item: str, why: str, place: Place) -> None:
        """Count an item that is passed over."""
        self._odd.setdefault((item, why), _Odd(_named(place))).number += 1

    def where(self, place: Place) -> str:
        return f"{self.file}, {_named(place)}"

    def note(self) -> str:
        """What was passed over, in one line; "" for nothing."""
        parts = [
            f"{many(odd.number, item)} {why} passed over, the first in {odd.place}"
            + (f" ({UNNAMED} keeps them)" if why == "without a speaker" else "")
            for (item, why), odd in self._odd.items()
        ]
        return f"{self.file}: {'; '.join(parts)}" if parts else ""

    def close(self) -> None:
        """Add the note to the reading. MimidiarError where there is no turn because nothing names a speaker."""
        for (item, why), odd in self._odd.items():
            if why == "without a speaker" and not self.kept:
                what = f"none of {many(odd.number, item)} names a speaker, the first in {odd.place}"
                raise MimidiarError(f"{self.file}: {what}; give all to one speaker with {UNNAMED}")
        if self._odd and self.reading.notes is not None:
            self.reading.notes.append(self.note())


def _named(place: Place) -> str:
    return f"line {place}" if isinstance(place, int) else place


@contextmanager
def sifted(file: str | Path, reading: Reading) -> Iterator[Sieve]:
    """The `Sieve` of a file; what it passed over is noted when the file has been read to its end."""
    sieve = Sieve(file, reading)
    yield sieve
    sieve.close()
