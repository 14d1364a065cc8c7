"""Trivial baselines, which use no audio: what any diarizer has to beat. Made from reference and UEM alone.

- `always-one`: one speaker from the start to the end of every scored region;
- `oracle-vad-one`: one speaker whenever anybody speaks in the reference: right on when, wrong on who;
- `random-order`: the reference's own turns, each given to a random one of the recording's speakers: right on when and
  on the number of speakers, at a time and in all, wrong on who. Turns that overlap get different speakers, so its
  missed and false alarm time are zero and all its error is confusion. Seeded per recording: a recording's output does
  not depend on which others are in the set.
"""

import random
from collections.abc import Callable, Mapping

from mimidiar.annotation.turns import Region, Turn, crop, intersect, merge_overlaps, union
from mimidiar.errors import MimidiarError

_SPEAKER = "speaker0"


def make_baseline(
    kind: str, reference: Mapping[str, list[Turn]], uem: Mapping[str, list[Region]] | None = None, seed: int = 0
) -> list[Turn]:
    """The turns of the baseline `kind` for every recording of the UEM (without one: of the reference, in full)."""
    if kind not in TRIVIAL_BASELINES:
        raise MimidiarError(f"no trivial baseline is called {kind!r}; there are {', '.join(TRIVIAL_BASELINES)}")
    if kind == "always-one" and uem is None:
        raise MimidiarError("the baseline always-one covers all that is scored, so it needs a UEM (--uem)")
    turns = []
    for recording in sorted(reference if uem is None else uem):
        own = reference.get(recording, [])
        regions = union((t.start, t.end) for t in own) if uem is None else union(uem[recording])
        turns += TRIVIAL_BASELINES[kind](recording, own, regions, seed)
    return turns


def _always_one(recording: str, turns: list[Turn], regions: list[Region], seed: int) -> list[Turn]:
    return [Turn(recording, start, end, _SPEAKER) for start, end in regions]


def _oracle_vad_one(recording: str, turns: list[Turn], regions: list[Region], seed: int) -> list[Turn]:
    speech = union((turn.start, turn.end) for turn in turns)
    return [Turn(recording, start, end, _SPEAKER) for start, end in intersect(speech, regions)]


def _random_order(recording: str, turns: list[Turn], regions: list[Region], seed: int) -> list[Turn]:
    turns = merge_overlaps(turns)
    speakers = [f"speaker{index}" for index in range(len({turn.speaker for turn in turns}))]
    rng = random.Random(f"{seed}:{recording}")
    busy_until = dict.fromkeys(speakers, 0.0)
    shuffled = []
    for turn in turns:
        # Never empty: at the start of a turn, at most one turn of each other speaker is still going on.
        speaker = rng.choice([name for name in speakers if busy_until[name] <= turn.start])
        busy_until[speaker] = turn.end
        shuffled.append(Turn(recording, turn.start, turn.end, speaker))
    return crop(shuffled, regions)


TRIVIAL_BASELINES: dict[str, Callable[[str, list[Turn], list[Region], int], list[Turn]]] = {
    "always-one": _always_one,
    "oracle-vad-one": _oracle_vad_one,
    "random-order": _random_order,
}
