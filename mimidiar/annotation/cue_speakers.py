"""Who speaks in the text of a cue: in its first line, and in further lines that name another speaker.

`- A: Hi` and `>> A: Hi` (broadcast captions, YouTube) are of A. Many a line holds a colon that is not after a speaker
(`Note: bring a pen`). So a further line is another speaker's only where its notation is the first line's, and where its
name stands first in some cue of the file, or both lines begin with a mark. Any other line continues the one before.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mimidiar.annotation.transcript import Said, one_line, parse_caption

MARK = re.compile(r"\s*(?:[-–—]+|>>+)\s*")
CODE = re.compile(r"\{\\[^{}]*\}")  # of SubStation Alpha, as {\an8}

Spoken = tuple[str, Said | None]  # speaker, "" where none is named, and what is said
Name = tuple[str, str]  # how a speaker is written, as ":" or "[", and the name


@dataclass(frozen=True)
class _Line:
    """A line without its mark, and who speaks in it by itself; `raw` has the mark."""

    raw: str
    text: str
    marked: bool
    name: Name


def first_names(texts: Iterable[str]) -> set[Name]:
    """The speakers whom the first line of any cue names."""
    return {_name(_lines(text)) for text in texts} - {("", "")}


def spoken_in(text: str, known: set[Name]) -> Iterator[Spoken]:
    """The speakers in the text of a cue, in order, and what each says; `known`: the `first_names` of the file."""
    groups: list[list[_Line]] = []
    for line in _lines(text):
        if groups and not _is_others(line, groups[0][0], known):
            groups[-1].append(line)
        else:
            groups.append([line])
    yield from map(_spoken, groups or [[]])


def _lines(text: str) -> list[_Line]:
    lines = []
    for raw in filter(str.strip, CODE.sub("", text).split("\n")):
        mark = MARK.match(raw)
        own = raw[mark.end() :] if mark else raw
        lines.append(_Line(raw, own, mark is not None, _notation(own, parse_caption(own)[0])))
    return lines


def _is_others(line: _Line, first: _Line, known: set[Name]) -> bool:
    """Whether a further line begins what another speaker says."""
    alike = line.name[0] and first.name[0] in ("", line.name[0])
    return bool(alike) and (line.name in known or (line.marked and first.marked))


def _spoken(lines: list[_Line]) -> Spoken:
    """What one speaker says in `lines`; a name stands in the first of them (`he\\nsaid: go` names nobody)."""
    text = one_line("\n".join([line.text if line is lines[0] else line.raw for line in lines]))
    speaker, said = parse_caption(text)
    if speaker and speaker not in one_line(lines[0].text):
        return "", Said(text)
    return speaker, said


def _name(lines: list[_Line]) -> Name:
    return _notation(lines[0].text, _spoken(lines)[0]) if lines else ("", "")


def _notation(text: str, speaker: str) -> Name:
    if not speaker:
        return "", ""
    return text.lstrip()[0] if text.lstrip().startswith(("[", "(")) else ":", speaker
