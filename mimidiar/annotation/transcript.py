"""What is said in turns, for the formats that hold words; kept beside the turns, for they alone are what is scored."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mimidiar.annotation.turns import Turn, merge_overlaps


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """One word (no white space in `text`) from `start` to `end` seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """The text of a turn as it is written, and its words by start time where the format has their times."""

    text: str
    words: tuple[Word, ...] = ()


Transcript = dict[Turn, Said]
Row = tuple[Turn, Said | None]


def gather(rows: Iterable[Row], transcript: Transcript | None = None) -> dict[str, list[Turn]]:
    """The turns of `rows` by recording, sorted, overlapping ones of one speaker merged, as `read_rttm` gives them.

    What is said in each is added to `transcript`; without one it is dropped.
    """
    turns: dict[str, list[Turn]] = {}
    said: dict[str, set[tuple[Turn, Said]]] = {}
    for turn, words in rows:
        turns.setdefault(turn.recording, []).append(turn)
        if transcript is not None and words is not None:
            said.setdefault(turn.recording, set()).add((turn, words))
    merged = {recording: sorted(merge_overlaps(turns[recording])) for recording in sorted(turns)}
    for recording, spoken in said.items():
        transcript.update(_said_in(merged[recording], spoken))
    return merged


def _said_in(merged: list[Turn], said: Iterable[tuple[Turn, Said]]) -> Iterator[tuple[Turn, Said]]:
    """For each merged turn what the turns that it was made of say, in the order of time."""
    by_speaker: dict[str, list[Turn]] = {}
    for turn in merged:
        by_speaker.setdefault(turn.speaker, []).append(turn)
    parts: dict[Turn, list[Said]] = {}
    for turn, words in sorted(said, key=lambda pair: (pair[0], pair[1].text, pair[1].words)):
        whole = by_speaker[turn.speaker]
        index = bisect_right(whole, turn.start, key=lambda other: other.start) - 1
        parts.setdefault(whole[index], []).append(words)
    for turn, spoken in parts.items():
        text = " ".join(part.text for part in spoken)
        yield turn, Said(text, tuple(sorted(word for part in spoken for word in part.words)))
