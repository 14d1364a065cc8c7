"""The error times of one recording in time linear in its turns, where a single call of pyannote.metrics is quadratic.

Two hours with 3,000 turns on either side take pyannote 10 s of processor time as a whole, 1 s in segments of 32 turns.

pyannote.metrics compares the turns of each segment; the pairing of speakers and JER are computed here. Error times are
integrals over time, so a recording may be cut anywhere and its segments summed, once it is known who is who: first the
time that each pair of speakers has in common is summed over the segments, and the speakers are paired for the recording
as a whole. The result is that of one call for the whole recording; a test holds the two together.

pyannote is imported where it is used: it brings pandas and matplotlib, which takes a second that no table needs.

All functions take the turns of one recording as `merge_overlaps` and `crop` leave them.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

from mimidiar.annotation.text_file import shown
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

# Upper bounds of one recording: a day of turns of one second, and more speakers than any corpus has.
# Beyond that, frames were written as turns, or each turn got a speaker of its own; scoring would take hours.
MAX_TURNS = 100_000
MAX_SPEAKERS = 1_000
MAX_AT_ONCE = 50

TURNS_PER_SEGMENT = 32  # the fastest on VoxConverse; 8 and 128 take a fifth longer
TIE_SEC = 1e-9  # far below the microsecond to which times are known


def check_size(turns: list[Turn], side: str) -> None:
    """Raise MimidiarError, naming recording and `side`, for turns beyond the limits above."""
    events = sorted([(turn.start, 1) for turn in turns] + [(turn.end, -1) for turn in turns])
    at_once = max(accumulate(step for _, step in events), default=0)
    found = (len(turns), MAX_TURNS, "turns"), (len({turn.speaker for turn in turns}), MAX_SPEAKERS, "speakers")
    for number, limit, what in (*found, (at_once, MAX_AT_ONCE, "speakers at once")):
        if number > limit:
            raise MimidiarError(
                f"{side}, recording {shown(turns[0].recording)}: {number} {what}, and up to {limit} can be scored; "
                "were frames written as turns? Otherwise cut the recording into several"
            )


def common_sec(reference: list[Turn], hypothesis: list[Turn]) -> np.ndarray:
    """(reference speakers, hypothesis speakers), both by name: the seconds in which both speak."""
    rows, columns = _numbered(reference), _numbered(hypothesis)
    common = np.zeros((len(rows), len(columns)))
    for ref, hyp, _ in _segments(reference, hypothesis, rows, columns):
        common[np.ix_(ref.labels(), hyp.labels())] += ref * hyp
    return common


def speaker_names(turns: list[Turn]) -> list[str]:
    """The speakers in the order that rows and columns of `common_sec` have."""
    return sorted({turn.speaker for turn in turns})


def pair_speakers(common: np.ndarray) -> dict[int, int]:
    """Column to row of `common_sec`, so that the time that pairs have in common is as long as possible.

    Speakers with nothing in common are no pair.
    """
    from scipy.optimize import linear_sum_assignment

    pairs = zip(*linear_sum_assignment(common, maximize=True), strict=True)
    return {int(column): int(row) for row, column in pairs if common[row, column] > 0}


def name_pairs(reference: list[Turn], hypothesis: list[Turn]) -> dict[int, int]:
    """Column to row of `common_sec`, so that speakers of one name are a pair."""
    rows = _numbered(reference)
    return {column: rows[name] for name, column in _numbered(hypothesis).items() if name in rows}


def error_times(reference: list[Turn], hypothesis: list[Turn], pairs: Mapping[int, int]) -> Counter[str]:
    """Seconds by pyannote's names: total, missed detection, false alarm, confusion, correct; `pairs` are who is who."""
    from pyannote.core import Timeline
    from pyannote.metrics.identification import IdentificationErrorRate

    rows = _numbered(reference)
    labels = {name: pairs.get(j, len(rows) + j) for name, j in _numbered(hypothesis).items()}
    measure, times = IdentificationErrorRate(), Counter()
    for ref, hyp, segment in _segments(reference, hypothesis, rows, labels):
        times.update(measure.compute_components(ref, hyp, uem=Timeline([segment])))
    return times


def jaccard_error(
    reference: list[Turn], hypothesis: list[Turn], common: np.ndarray, pairs: Mapping[int, int] | None = None
) -> float:
    """The sum over reference speakers of 1 - intersection / union with the paired speaker; 1 for one without a pair.

    Without `pairs`, paired as by `pair_speakers`, but where several pairings have the same time in common, the one with
    the least error counts: names and order of the speakers must not decide.
    """
    similarity = common / (_seconds(reference)[:, None] + _seconds(hypothesis) - common)
    pairs = pair_speakers(common + TIE_SEC * similarity) if pairs is None else pairs
    return len(common) - float(sum(similarity[row, column] for column, row in pairs.items()))


def _numbered(turns: list[Turn]) -> dict[str, int]:
    return {name: number for number, name in enumerate(speaker_names(turns))}


def _seconds(turns: list[Turn]) -> np.ndarray:
    """(speakers,): the time that each speaks."""
    numbers = _numbered(turns)
    return np.bincount([numbers[t.speaker] for t in turns], [t.duration for t in turns], minlength=len(numbers))


def _segments(
    reference: list[Turn], hypothesis: list[Turn], ref_labels: Mapping[str, int], hyp_labels: Mapping[str, int]
) -> Iterator[tuple["Annotation", "Annotation", "Segment"]]:
    """(reference, hypothesis, extent) of each segment; the labels are what the mappings say of the speakers."""
    from pyannote.core import Segment

    borders = sorted(time for turn in (*reference, *hypothesis) for time in (turn.start, turn.end))
    cuts = sorted({*borders[:: 2 * TURNS_PER_SEGMENT], *borders[-1:]})
    for extent, ref, hyp in zip(pairwise(cuts), _cut(reference, cuts), _cut(hypothesis, cuts), strict=True):
        yield _annotation(ref, ref_labels), _annotation(hyp, hyp_labels), Segment(*extent)


def _cut(turns: list[Turn], cuts: list[float]) -> list[list[tuple[float, float, str]]]:
    """(start, end, speaker) of what each turn has between each two neighboring `cuts`."""
    segments: list[list[tuple[float, float, str]]] = [[] for _ in cuts[1:]]
    for turn in turns:
        at, start = bisect_right(cuts, turn.start) - 1, turn.start
        while start < turn.end:
            end = min(turn.end, cuts[at + 1])
            segments[at].append((start, end, turn.speaker))
            at, start = at + 1, end
    return segments


def _annotation(turns: list[tuple[float, float, str]], labels: Mapping[str, int]) -> "Annotation":
    from pyannote.core import Annotation, Segment

    annotation = Annotation()
    for track, (start, end, speaker) in enumerate(turns):
        annotation[Segment(start, end), track] = labels[speaker]
    return annotation
