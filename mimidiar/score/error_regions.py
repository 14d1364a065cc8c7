"""Where the errors of a diarization lie: every turn cut into what is correct, missed, false alarm or confusion.

The speakers are paired as for the DER. At any moment U reference speakers are
without their partner and E hypothesis speakers are extra: min(U, E) are confused, on both sides; what is left over is
missed speech or a false alarm. Which of several at once are the confused ones, the DER does not say; here it is the
first by name. The seconds of the stretches are those of `score_recording`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from mimidiar.annotation.turns import SHORTEST_SEC, Region, Turn, crop, merge_overlaps
from mimidiar.score.diarization import Protocol, scored_regions
from mimidiar.score.segments import check_size, common_sec, pair_speakers, speaker_names

CORRECT, MISSED, FALSE_ALARM, CONFUSION, UNSCORED = "correct", "missed", "false alarm", "confusion", "not scored"

_Active = dict[str, set[str]]  # who speaks on either side


@dataclass(frozen=True, slots=True)
class JudgedTurn:
    """A turn, or a part of one, in seconds, that is all of one kind: CORRECT, MISSED, ... UNSCORED."""

    start: float
    end: float
    speaker: str
    kind: str


@dataclass(frozen=True)
class ErrorRegions:
    """The turns of one recording cut by kind, by start, and the `partner` of each hypothesis speaker who has one.

    `reference` holds what is correct, missed and confused, `hypothesis` what is correct, false alarm and confused; both
    hold what is not scored. `scored` are the regions left when collar and overlap are taken out as `protocol`
    says.
    """

    recording: str
    reference: tuple[JudgedTurn, ...]
    hypothesis: tuple[JudgedTurn, ...]
    partner: dict[str, str]
    scored: tuple[Region, ...]
    protocol: Protocol

    @property
    def reference_sec(self) -> float:
        """Scored reference speaker time."""
        return _seconds(turn for turn in self.reference if turn.kind != UNSCORED)

    def errors(self, kind: str) -> list[JudgedTurn]:
        """The turns of one kind of error; of confusion, those of the reference."""
        side = self.hypothesis if kind == FALSE_ALARM else self.reference
        return [turn for turn in side if turn.kind == kind]

    def error_sec(self, kind: str) -> float:
        """Speaker seconds of MISSED, FALSE_ALARM or CONFUSION."""
        return _seconds(self.errors(kind))


def find_errors(
    recording: str,
    reference: list[Turn],
    hypothesis: list[Turn],
    regions: list[Region],
    protocol: Protocol | None = None,
) -> ErrorRegions:
    """Cut the turns of one recording by what is right and wrong in them, scored in the disjoint, sorted `regions`.

    Raises MimidiarError for more turns or speakers than can be scored (`check_size`).
    """
    protocol = protocol or Protocol()
    check_size(reference, "reference")
    check_size(hypothesis, "hypothesis")
    reference, hypothesis = merge_overlaps(reference), merge_overlaps(hypothesis)
    scored = scored_regions(reference, regions, protocol)
    partner = _partners(crop(reference, scored), crop(hypothesis, scored))
    found: dict[str, list[JudgedTurn]] = {"reference": [], "hypothesis": []}
    for start, end, active, is_scored in _constant_stretches(reference, hypothesis, scored):
        for side, kinds in _classify(active, partner, is_scored).items():
            found[side] += [JudgedTurn(start, end, speaker, kinds[speaker]) for speaker in sorted(kinds)]
    return ErrorRegions(recording, *map(_joined, found.values()), partner, tuple(scored), protocol)


def _partners(reference: list[Turn], hypothesis: list[Turn]) -> dict[str, str]:
    """Hypothesis to reference speaker, paired as for the DER."""
    rows, columns = speaker_names(reference), speaker_names(hypothesis)
    return {columns[j]: rows[i] for j, i in pair_speakers(common_sec(reference, hypothesis)).items()}


def _constant_stretches(
    reference: list[Turn], hypothesis: list[Turn], scored: list[Region]
) -> Iterator[tuple[float, float, _Active, bool]]:
    """Cut time at every border: (start, end, who speaks in it, whether it is scored); silent stretches are left out."""
    changing = [("reference", t.speaker, t.start, t.end) for t in reference]
    changing += [("hypothesis", t.speaker, t.start, t.end) for t in hypothesis]
    changing += [("scored", "", start, end) for start, end in scored]
    begin, cease = defaultdict(set), defaultdict(set)
    for side, name, start, end in (each for each in changing if each[2] < each[3]):
        begin[start].add((side, name))
        cease[end].add((side, name))
    now: set[tuple[str, str]] = set()
    for start, end in pairwise(sorted(begin.keys() | cease.keys())):
        now = now - cease[start] | begin[start]
        active = {side: {name for each, name in now if each == side} for side in ("reference", "hypothesis")}
        if end - start > SHORTEST_SEC and any(active.values()):
            yield start, end, active, ("scored", "") in now


def _classify(active: _Active, partner: dict[str, str], is_scored: bool) -> dict[str, dict[str, str]]:
    """By side, what the speech of each active speaker is while nothing changes."""
    if not is_scored:
        return {side: dict.fromkeys(names, UNSCORED) for side, names in active.items()}
    matched = {name: partner[name] for name in active["hypothesis"] if partner.get(name) in active["reference"]}
    alone = sorted(active["reference"] - set(matched.values()))
    extra = sorted(active["hypothesis"] - set(matched))
    confused = min(len(alone), len(extra))
    return {
        "reference": dict.fromkeys(matched.values(), CORRECT)
        | dict.fromkeys(alone[:confused], CONFUSION)
        | dict.fromkeys(alone[confused:], MISSED),
        "hypothesis": dict.fromkeys(matched, CORRECT)
        | dict.fromkeys(extra[:confused], CONFUSION)
        | dict.fromkeys(extra[confused:], FALSE_ALARM),
    }


def _joined(turns: list[JudgedTurn]) -> tuple[JudgedTurn, ...]:
    """Merge touching turns of one speaker and kind."""
    joined: list[JudgedTurn] = []
    last: dict[str, int] = {}
    for turn in turns:
        before = last.get(turn.speaker)
        if before is not None and joined[before].end == turn.start and joined[before].kind == turn.kind:
            joined[before] = replace(joined[before], end=turn.end)
        else:
            last[turn.speaker] = len(joined)
            joined.append(turn)
    return tuple(joined)


def _seconds(turns: Iterable[JudgedTurn]) -> float:
    return sum(turn.end - turn.start for turn in turns)
