"""Transcripts of turns, for formats with words; kept apart from the turns, which alone are scored. Labels and subtitles
hold speaker and transcript in one line, `speaker: text`."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mimidiar.annotation.turns import Turn, merge_overlaps
from mimidiar.errors import MimidiarError


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """One word from `start` to `end` seconds; both the same where an aligner gave it no length."""

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

    What is said in each is added to `transcript`; without one it is dropped. Names and texts become one line: any white
    space in them is one space, so that every format can be written from what any other held.
    """
    turns: dict[str, list[Turn]] = {}
    said: dict[str, set[tuple[Turn, Said]]] = {}
    for turn, words in rows:
        turn = _one_line_names(turn)
        turns.setdefault(turn.recording, []).append(turn)
        if transcript is not None and words is not None and (text := one_line(words.text)):
            said.setdefault(turn.recording, set()).add((turn, Said(text, words.words)))
    merged = {recording: sorted(merge_overlaps(turns[recording])) for recording in sorted(turns)}
    for recording, spoken in said.items():
        transcript.update(_said_in(merged[recording], spoken))
    return merged


def one_line(text: str) -> str:
    """`text` with every run of white space (line breaks too) as one space, and none at its ends."""
    return " ".join(text.split())


def _one_line_names(turn: Turn) -> Turn:
    recording, speaker = one_line(turn.recording), one_line(turn.speaker)
    return (
        turn
        if (recording, speaker) == (turn.recording, turn.speaker)
        else replace(turn, recording=recording, speaker=speaker)
    )


def _said_in(merged: list[Turn], said: Iterable[tuple[Turn, Said]]) -> Iterator[tuple[Turn, Said]]:
    """The transcript of each merged turn from its original turns, in order of time."""
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


BRACKETED = re.compile(r"\[([^\]]+)\](?::? (.+)|:)")
ROUND = re.compile(r"\((speaker (?:\w+|\?))\)(?::? (.+)|:)?", re.IGNORECASE)  # whisper.cpp; `?` where it cannot tell
SOUND = re.compile(r"\[[^\]]*\]|\([^)]*\)|[♪♫].*")


def caption(speaker: str, said: Said | None, path: str | Path) -> str:
    """`speaker: text`, or `speaker:` for a turn without words. Raises MimidiarError for names that would be misread."""
    if ": " in speaker or speaker.endswith(":") or speaker.startswith("[") or ROUND.fullmatch(speaker):
        what = "a speaker's name holds no ': ', ends in no ':', begins with no '[' and is not '(speaker ...)'"
        raise MimidiarError(f"{path}: {speaker!r} cannot be written as 'speaker: text'; {what}")
    return f"{speaker}: {said.text}" if said else f"{speaker}:"


def parse_caption(text: str) -> tuple[str, Said | None]:
    """Speaker ("" if missing) and transcript of `speaker: text`, `[speaker] text`, `[speaker]: text`, `(speaker 0)
    text`.
    """
    text = one_line(text)
    bracketed = BRACKETED.fullmatch(text) or ROUND.fullmatch(text)
    if bracketed:
        speaker, words = "" if bracketed[1].endswith(" ?") else bracketed[1], bracketed[2]
    elif text.endswith(":") and ": " not in text:
        speaker, words = text[:-1], ""
    else:
        speaker, colon, words = text.partition(": ")
        if not colon:
            speaker, words = "", text
    return one_line(speaker), Said(words) if words else None


def is_sound(text: str) -> bool:
    """Whether a caption without a speaker describes a sound, such as `[music]`, `(laughter)` and `♪ la la`."""
    return SOUND.fullmatch(one_line(text)) is not None
