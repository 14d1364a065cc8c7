"""Which recordings are scored, and what becomes of those that only one side has, or has by another name.

A hypothesis under another name would leave the reference all missed, so nothing is scored then: an id that differs from
one of the reference by an extension or a suffix (`0513.rttm`, `0513-Mix-Headset` and `0513`), by case or by the folder
before it (`es2004a`, `wav/ES2004a.wav` and `ES2004a`) is proposed as its pair, and `map_ids` takes it as that, where
only one pairing is possible.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mimidiar.annotation.text_file import many, shown
from mimidiar.annotation.turns import Region, Turn, Turns
from mimidiar.errors import MimidiarError, listed

Regions = Mapping[str, list[Region]]

EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}")  # .rttm, .wav, .mp3; not the .2 of meeting.2
SEPARATOR = re.compile(r"[._-]")


@dataclass(frozen=True)
class Matching:
    """`map_ids`: hypothesis ids that differ by an extension, a suffix, case or a folder are those of the reference.
    `intersect`: recordings that only the hypothesis has are left out.
    """

    map_ids: bool = False
    intersect: bool = False


def match_hypothesis(
    reference: Turns, hypothesis: Turns, uem: Regions | None, matching: Matching
) -> tuple[dict[str, list[Turn]], list[str]]:
    """The hypothesis with ids mapped and recordings left out as `matching` says, and what the user should know of it.

    Raises MimidiarError for a map that is ambiguous, and where `intersect` would leave out what a map should bring, or
    all there is.
    """
    known, notes, kept = {*reference, *(uem or {})}, [], dict(hypothesis)
    if matching.map_ids and (mapped := _map(near_ids(set(hypothesis) - known, known), set(hypothesis))):
        kept = {mapped.get(name, name): _renamed(turns, mapped.get(name)) for name, turns in hypothesis.items()}
        pairs = [f"{shown(old)} as {shown(new)}" for old, new in mapped.items()]
        notes.append(f"{many(len(mapped), 'recording')} of the hypothesis taken by another name: {listed(pairs)}")
    unknown = sorted(set(kept) - known)
    if matching.intersect and unknown:
        _refuse_near(unknown, known - set(kept))
        if not known & set(kept):
            raise MimidiarError(f"reference and hypothesis ({_some(unknown)}) have no recording in common")
        kept = {name: turns for name, turns in kept.items() if name in known}
        names = listed([shown(name) for name in unknown])
        notes.append(f"{many(len(unknown), 'recording')} of the hypothesis alone left out: {names}")
    return kept, notes


def recordings_to_score(reference: Turns, hypothesis: Turns, uem: Regions | None) -> tuple[list[str], list[str]]:
    """The recordings to score, and what the user should know about those on one side only.

    Raises MimidiarError for a recording that only the hypothesis has, and for a UEM of other recordings.
    """
    known = {*reference, *(uem or {})}
    if unknown := sorted(set(hypothesis) - known):
        _refuse_near(unknown, known - set(hypothesis))
        what = f"the hypothesis has {_some(unknown)}, in neither reference nor UEM"
        raise MimidiarError(f"{what}; {_remedy(len(unknown), sorted(set(reference) - set(hypothesis)))}")
    wanted = set(reference) if uem is None else set(uem)
    if uem is not None and not wanted & set(reference):
        have = f"the UEM is about {_some(sorted(wanted))}, the reference about {_some(sorted(reference))}"
        raise MimidiarError(f"UEM and reference have no recording in common: {have}")
    warnings = []
    if silent := sorted(wanted & set(reference) - set(hypothesis)):
        warnings.append(f"no hypothesis for {_some(silent)}: all their speech counts as missed")
    if left_out := sorted(set(reference) - wanted):
        warnings.append(f"not in the UEM, so not scored: {_some(left_out)}")
    if empty := sorted(wanted - set(reference)):
        warnings.append(f"no reference turns for {_some(empty)}, which the UEM lists: scored as false alarm only")
    return sorted(wanted), warnings


def _remedy(unknown: int, silent: list[str]) -> str:
    """What to do about that many `unknown` recordings; `silent` ones of the reference, if as many, may be the same."""
    if len(silent) >= unknown:
        have = "has no hypothesis" if len(silent) == 1 else "have no hypothesis"
        return f"{_some(silent)} of the reference {have}; where these are the same, give them the same names"
    return "leave out what is not of this set with --intersect, or list it in the UEM to score it as false alarm"


def near_ids(unknown: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Of the `unknown` ids that have any, the `known` ones that differ by an extension; else those by a suffix; else
    those by the same where case and folders do not count.
    """
    known = sorted(set(known))
    ways = [_Index(known, lambda name: name), _Index(known, _bare)]
    found = {name: next(filter(None, (way.near(name) for way in ways)), []) for name in sorted(unknown)}
    return {name: near for name, near in found.items() if near}


class _Index:
    """Known ids as `key` spells them."""

    def __init__(self, known: Iterable[str], key: Callable[[str], str]) -> None:
        self._key = key
        self._whole, self._by_stem, self._by_beginning = defaultdict(list), defaultdict(list), defaultdict(list)
        for name in known:
            spelled = key(name)
            self._whole[spelled].append(name)
            self._by_stem[_stem(spelled)].append(name)
            for beginning in _beginnings(spelled):
                self._by_beginning[beginning].append(name)

    def near(self, name: str) -> list[str]:
        """The ids that differ from `name` by an extension, else those by a suffix."""
        spelled = self._key(name)
        shorter = [known for beginning in _beginnings(spelled) for known in self._whole.get(beginning, [])]
        return self._by_stem.get(_stem(spelled)) or [*shorter, *self._by_beginning.get(spelled, [])]


def _bare(name: str) -> str:
    """A name without folders and case."""
    return (re.split(r"[/\\]", name.rstrip("/\\"))[-1] or name).casefold()


def _stem(name: str) -> str:
    return re.sub(rf"{EXTENSION.pattern}$", "", name)


def _beginnings(name: str) -> Iterator[str]:
    """What is before each separator of a name."""
    return (name[: match.start()] for match in SEPARATOR.finditer(name) if match.start())


def _map(near: Mapping[str, list[str]], taken: set[str]) -> dict[str, str]:
    """Each id with the one it stands for. MimidiarError where it could be several, or another is that one."""
    mapped: dict[str, str] = {}
    owner = {name: name for name in taken}
    for name, candidates in near.items():
        if len(candidates) > 1:
            raise MimidiarError(
                f"--map-ids: {shown(name)} of the hypothesis could be any of {listed(list(map(shown, candidates)))}; "
                "rename it"
            )
        other = owner.setdefault(candidates[0], name)
        if other != name:
            both = f"{shown(other)} and {shown(name)} of the hypothesis"
            raise MimidiarError(f"--map-ids: {both} could both be {shown(candidates[0])}; rename or remove one of them")
        mapped[name] = candidates[0]
    return mapped


def _renamed(turns: list[Turn], name: str | None) -> list[Turn]:
    return turns if name is None else [Turn(name, turn.start, turn.end, turn.speaker) for turn in turns]


def _refuse_near(unknown: list[str], free: set[str]) -> None:
    """Raise MimidiarError for ids that may be another spelling of those in `free`, which lack a hypothesis."""
    if near := near_ids(unknown, free):
        name, candidates = next(iter(near.items()))
        pair = f"{shown(name)} is probably {shown(candidates[0])} of the reference"
        more = f" (and {len(near) - 1} more alike)" if len(near) > 1 else ""
        what = f"the hypothesis has {_some(unknown)}, in neither reference nor UEM; {pair}{more}"
        raise MimidiarError(f"{what}: take such ids as the same with --map-ids, or rename them")


def _some(names: list[str]) -> str:
    """The first few names, and how many there are."""
    few = ", ".join([shown(name) for name in names[:3]] + ["..."] * (len(names) > 3))
    return f"recording {few}" if len(names) == 1 else f"{len(names)} recordings ({few})"
