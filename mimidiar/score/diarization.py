"""Diarization error rate (DER), its three parts, and Jaccard error rate (JER), measured by pyannote.metrics.

The conventions around the measure are those of NIST's md-eval and of dscore:

- the collar is what md-eval calls so: +-C seconds around every start and end in the reference are not scored
  (pyannote.metrics means the full width 2 C by the same word);
- the total is the summed error time over the summed reference speaker time, not the mean of the recordings;
- with a UEM, exactly its recordings and regions are scored; a recording in it without reference turns can only have
  false alarms. Without one, each recording of the reference is scored over the extent of reference and hypothesis
  together (md-eval's own default is the extent of the reference: there, a false alarm before the first or after the
  last reference turn goes unseen);
- JER (second DIHARD challenge) has no collar and always scores overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

from mimidiar.annotation.lines import shown
from mimidiar.annotation.regions import Region, subtract, total_sec, union
from mimidiar.annotation.turns import Turn, Turns, crop, merge_overlaps
from mimidiar.errors import MimidiarError
from mimidiar.score.bootstrap import Interval, ratio_interval
from mimidiar.score.measures import load_measures

Regions = Mapping[str, list[Region]]

UEM_EXTENT = "UEM"
OWN_EXTENT = "from the first to the last turn of reference and hypothesis together, per recording (no UEM given)"


@dataclass(frozen=True)
class Protocol:
    """What is scored: `collar` in seconds on either side of each reference border (md-eval), overlap or not."""

    collar: float = 0.0
    skip_overlap: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.collar < float("inf"):
            raise MimidiarError(f"a collar of {self.collar} s makes no sense; 0 or 0.25 are common")

    def in_words(self) -> str:
        collar = f"+-{self.collar:g} s around each reference border (md-eval)" if self.collar else "none"
        return f"collar {collar}; overlap {'skipped' if self.skip_overlap else 'scored'}"


@dataclass(frozen=True)
class RecordingScore:
    """Error times in speaker seconds, with what they are measured against; the sum of several is one as well.

    `jaccard_error` is the sum over reference speakers, each between 0 and 1; the speakers counted are those
    with speech inside the scored regions; `scored_sec` is the length of these regions, before the collar.
    """

    recording: str
    reference_sec: float
    missed_sec: float
    false_alarm_sec: float
    confusion_sec: float
    scored_sec: float
    jaccard_error: float
    reference_speakers: int
    hypothesis_speakers: int

    @property
    def error_sec(self) -> float:
        return self.missed_sec + self.false_alarm_sec + self.confusion_sec

    def percent(self, seconds: float) -> float | None:
        """`seconds` in % of the reference speaker time; None where there is no reference speech."""
        return 100 * seconds / self.reference_sec if self.reference_sec > 0 else None

    @property
    def der(self) -> float | None:
        return self.percent(self.error_sec)

    @property
    def jer(self) -> float | None:
        return 100 * self.jaccard_error / self.reference_speakers if self.reference_speakers else None


@dataclass(frozen=True)
class DiarizationScore:
    """Scores of all recordings, sorted by name, with the protocol they hold for; `warnings` are for the user."""

    recordings: tuple[RecordingScore, ...]
    protocol: Protocol
    extent: str
    warnings: tuple[str, ...] = ()

    @cached_property
    def total(self) -> RecordingScore:
        summed = {f.name: sum(getattr(r, f.name) for r in self.recordings) for f in fields(RecordingScore)[1:]}
        return RecordingScore("TOTAL", **summed)

    @property
    def der(self) -> float:
        return self.total.der

    def der_interval(self) -> Interval | None:
        """Bootstrap interval of the total DER in %; None for a single recording."""
        if len(self.recordings) < 2:
            return None
        return ratio_interval([100 * r.error_sec for r in self.recordings], [r.reference_sec for r in self.recordings])


def score_diarization(
    reference: Turns,
    hypothesis: Turns,
    uem: Regions | None = None,
    protocol: Protocol | None = None,
    noscore: Regions | None = None,
) -> DiarizationScore:
    """Score turns by recording; `noscore` regions (`read_noscore`) are not scored.

    Raises MimidiarError when the hypothesis has a recording that neither reference nor UEM know, or when nothing of the
    reference is left to score.
    """
    protocol = protocol or Protocol()
    recordings, warnings = _recordings_to_score(reference, hypothesis, uem)
    scores = []
    for recording in recordings:
        turns = reference.get(recording, []), hypothesis.get(recording, [])
        regions = union(uem[recording]) if uem is not None else _extent(*turns)
        regions = subtract(regions, (noscore or {}).get(recording, []))
        scores.append(score_recording(recording, *turns, regions, protocol))
    score = DiarizationScore(tuple(scores), protocol, OWN_EXTENT if uem is None else UEM_EXTENT, tuple(warnings))
    if score.total.reference_sec <= 0:
        raise MimidiarError("the reference has no speech in what is scored, so there is no DER; check UEM and collar")
    return score


def score_recording(
    recording: str, reference: list[Turn], hypothesis: list[Turn], regions: list[Region], protocol: Protocol
) -> RecordingScore:
    """Score the turns of one recording inside the disjoint, sorted `regions`."""
    measures = load_measures()
    reference, hypothesis = merge_overlaps(reference), merge_overlaps(hypothesis)
    annotations = _annotation(reference, measures), _annotation(hypothesis, measures)
    uem = measures.Timeline([measures.Segment(*region) for region in regions])
    der = measures.DiarizationErrorRate(collar=2 * protocol.collar, skip_overlap=protocol.skip_overlap)
    times = der.compute_components(*annotations, uem=uem)
    jaccard = measures.JaccardErrorRate().compute_components(*annotations, uem=uem)
    return RecordingScore(
        recording=recording,
        reference_sec=times["total"],
        missed_sec=times["missed detection"],
        false_alarm_sec=times["false alarm"],
        confusion_sec=times["confusion"],
        scored_sec=total_sec(regions),
        jaccard_error=jaccard["speaker error"],
        reference_speakers=_speakers(reference, regions),
        hypothesis_speakers=_speakers(hypothesis, regions),
    )


def _annotation(turns: list[Turn], measures):
    annotation = measures.Annotation()
    for track, turn in enumerate(turns):
        annotation[measures.Segment(turn.start, turn.end), track] = turn.speaker
    return annotation


def _speakers(turns: list[Turn], regions: list[Region]) -> int:
    return len({turn.speaker for turn in crop(turns, regions)})


def _extent(reference: list[Turn], hypothesis: list[Turn]) -> list[Region]:
    turns = [*reference, *hypothesis]
    return [(min(turn.start for turn in turns), max(turn.end for turn in turns))] if turns else []


def _recordings_to_score(reference: Turns, hypothesis: Turns, uem: Regions | None) -> tuple[list[str], list[str]]:
    """The recordings to score, and what the user should know about those on one side only."""
    known = {*reference, *(uem or {})}
    _refuse_unknown(sorted(set(hypothesis) - known))
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


def _refuse_unknown(recordings: list[str]) -> None:
    if recordings:
        raise MimidiarError(
            f"the hypothesis has {_some(recordings)}, in neither reference nor UEM; "
            "remove it from the hypothesis, or list it in the UEM to score it as false alarm"
        )


def _some(names: list[str], limit: int = 3) -> str:
    """The first few names, and how many there are."""
    listed = ", ".join([shown(name) for name in names[:limit]] + ["..."] * (len(names) > limit))
    return f"recording {listed}" if len(names) == 1 else f"{len(names)} recordings ({listed})"
