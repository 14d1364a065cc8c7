"""Annotations changed to what a format can hold, with a word on each thing that is lost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from mimidiar.annotation.extent import are_regions
from mimidiar.annotation.formats import FORMATS
from mimidiar.annotation.text_file import check_name, many
from mimidiar.annotation.transcript import Transcript
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError


@dataclass
class Annotations:
    """What was read from `files`, and what happened to it on its way."""

    files: list[Path]
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    transcript: Transcript = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def all_turns(self) -> Iterator[Turn]:
        return (turn for turns in self.turns.values() for turn in turns)


def fit(found: Annotations, name: str, what: str) -> None:
    """Change `found` to what the format `name` can hold, noting each loss. MimidiarError, naming `what`, if nothing."""
    if not FORMATS[name].spaces:
        _without_spaces(found, name, what)
    if name == "ctm":
        _only_words(found, what)
    elif name == "uem":
        if not all(are_regions(turns) for turns in found.turns.values()):
            found.lost.append("the turns: a region is a recording from its first to its last turn")
    else:
        _lose_words(found, FORMATS[name].words)
    if FORMATS[name].milliseconds:
        _lose_digits(found, what)
    if name == "srt" and (cues := sum(map(_overlapping, found.turns.values()))):
        found.notes.append(f"{many(cues, 'cue')} during another: not every player shows both")


def _without_spaces(found: Annotations, format_name: str, what: str) -> None:
    """Spaces in names become `_`. MimidiarError where a name would be read as a comment or as none."""
    recordings = _renamed(found.turns, what)
    speakers: dict[str, dict[str, str]] = {name: {} for name in recordings}
    if format_name != "uem":  # it holds no speakers
        speakers = {name: _renamed({turn.speaker for turn in turns}, what) for name, turns in found.turns.items()}
    for name in recordings.values():
        check_name(name, what, format_name, leads=FORMATS[format_name].recording_leads)
    misread = [name for new in speakers.values() for name in new.values() if name in FORMATS[format_name].no_speaker]
    if misread:
        raise MimidiarError(f"{what}: {misread[0]!r} would not be read as a name; rename it")
    spaced = {name for names in (recordings, *speakers.values()) for name in names if " " in name}
    if not spaced:
        return
    found.lost.append(f"the spaces in {many(len(spaced), 'name')} (now _)")

    def new(turn: Turn) -> Turn:
        speaker = speakers[turn.recording].get(turn.speaker, turn.speaker)
        return replace(turn, recording=recordings[turn.recording], speaker=speaker)

    found.transcript = {new(turn): said for turn, said in found.transcript.items() if turn.recording in recordings}
    found.turns = {recordings[name]: sorted(map(new, turns)) for name, turns in found.turns.items()}


def _renamed(names: Iterable[str], what: str) -> dict[str, str]:
    """Each name as it is without spaces. MimidiarError where two would be one."""
    new = {name: name.replace(" ", "_") for name in names}
    if len(set(new.values())) < len(new):
        raise MimidiarError(f"{what}: two of the names {', '.join(sorted(new))} are the same with _ for spaces")
    return new


def _only_words(found: Annotations, what: str) -> None:
    """Leave out turns without word times, as a CTM holds none."""
    turns = list(found.all_turns())
    said = {turn: found.transcript[turn] for turn in turns if turn in found.transcript}
    timed = {turn: text for turn, text in said.items() if text.words}
    if not timed:
        raise MimidiarError(f"{what}: a CTM holds words with their times, and none of the {len(turns)} turns has any")
    borders = {turn: (text.words[0].start, max(word.end for word in text.words)) for turn, text in timed.items()}
    moved = sum((turn.start, turn.end) != edges for turn, edges in borders.items())
    retold = sum(text.text != " ".join(word.text for word in text.words) for text in timed.values())
    for number, loss in [
        (len(turns) - len(timed), "without word times"),
        (moved, "as to their borders (a CTM has those of the words)"),
        (retold, "as to their text (a CTM has the aligned words)"),
    ]:
        if number:
            found.lost.append(f"{many(number, 'turn')} {loss}")
    _keep(found, timed)


def _keep(found: Annotations, turns: Iterable[Turn]) -> None:
    kept = set(turns)
    left = {name: [turn for turn in turns if turn in kept] for name, turns in found.turns.items()}
    found.turns = {name: turns for name, turns in left.items() if turns}


def _lose_words(found: Annotations, words: str) -> None:
    said = [found.transcript[turn] for turn in found.all_turns() if turn in found.transcript]
    timed = sum(bool(text.words) for text in said)
    if not words and said:
        found.lost.append(f"the text of {many(len(said), 'turn')}")
    elif words == "text" and timed:
        found.lost.append(f"the word times of {many(timed, 'turn')}")


def _lose_digits(found: Annotations, what: str) -> None:
    """Leave out turns that round to nothing; say where times are no whole milliseconds."""
    turns = list(found.all_turns())
    kept = [turn for turn in turns if round(turn.end, 3) > round(turn.start, 3)]
    if not kept:
        raise MimidiarError(f"{what}: every turn is shorter than a millisecond, so nothing is left")
    if len(kept) < len(turns):
        found.lost.append(f"{many(len(turns) - len(kept), 'turn')} shorter than a millisecond")
        _keep(found, kept)
    if any(abs(time - round(time, 3)) > 1e-9 for turn in kept for time in (turn.start, turn.end)):
        found.lost.append("fractions of milliseconds")


def _overlapping(turns: Iterable[Turn]) -> int:
    """How many turns begin while another lasts."""
    number, end = 0, 0.0
    for turn in sorted(turns):
        number += turn.start < end
        end = max(end, turn.end)
    return number
