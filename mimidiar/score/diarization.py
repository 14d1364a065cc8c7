"""Diarization error rate (DER) and what goes with it, under the conventions of NIST.

Whose it is: pyannote.metrics measures missed, false alarm and confused time of speakers already paired
(`IdentificationErrorRate`); what is scored, who is paired with whom, JER, speech activity, overlap and the speaker
counts are this package's, and tests hold DER and JER against pyannote's own.

What is measured
- DER = (missed + false alarm + confusion) / reference speaker time, for the one-to-one pairing of speakers that leaves
  the least error in what is scored (md-eval pairs before collar and overlap are taken out: with these, the two can
  differ where pairings are close);
- the collar is md-eval's and dscore's: +-C seconds around every start and end in the reference are not scored
  (pyannote.metrics means the full width 2 C by the same word);
- the total is the summed error time over the summed reference speaker time, not the mean of the recordings;
- JER (second DIHARD challenge) has no collar and always scores overlap; speakers are paired by the time they have in
  common (dscore pairs by the least JER);
- speech activity and overlap detection (`detection_times`): of the same scored time as the DER;
- with `keep_names` no speakers are paired: a speaker is right only under the name that the reference gives. That is the
  identification error rate (IER, as pyannote.metrics has it), for enrolled speakers, and no DER.

What is scored
- with a UEM, exactly its recordings and regions (as dscore; md-eval scores a recording that the UEM lacks all the
  same). A recording of the UEM without reference turns can only have false alarms; one of the reference that the UEM
  lacks is left out, with a warning. A UEM that shares no recording with the reference is refused;
- without one, each recording of the reference over the extent of reference and hypothesis together, as dscore
  (md-eval: of the reference alone, where a false alarm before the first or after the last turn goes unseen);
- a recording without hypothesis is all missed, with a warning (as both); one that only the hypothesis has is refused,
  unless the UEM lists it or it is left out on request (md-eval ignores it; dscore counts it as false alarm, unless a
  UEM leaves it out). Ids that differ by a suffix, an extension, case or a folder are one on request
  (`mimidiar.score.recordings`);
- NOSCORE and NON-LEX lines of the reference take their time out of scoring (`noscore`, as md-eval).

What is read (`mimidiar.annotation`)
- overlapping turns of one speaker count once (as both); channels are ignored (as dscore; md-eval scores each channel by
  itself), with a warning where an RTTM has several;
- turns of no length are passed over, with a warning (as md-eval; dscore refuses them), and so are those without a
  speaker (<NA>); negative times are refused (as both), and so are times that are no numbers, unknown line types and
  lines with too few or too many fields;
- blank lines, comments (; or #), CRLF and RTTM lines of other types (SPKR-INFO, LEXEME, ...) are passed over;
  overlapping UEM regions are joined (md-eval refuses them).
"""

from dataclasses import dataclass, fields
from functools import cached_property

from mimidiar.annotation.turns import (
    Region,
    Turn,
    Turns,
    crop,
    extent,
    intersect,
    merge_overlaps,
    overlaps,
    subtract,
    total_sec,
    union,
)
from mimidiar.errors import MimidiarError
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.recordings import Regions, recordings_to_score
from mimidiar.score.segments import check_size, common_sec, error_times, jaccard_error, name_pairs, pair_speakers

CONVENTIONS = SCORE_KINDS["diarization"].conventions  # of all that is said above; 1: before scores named it

UEM_EXTENT = "UEM"
OWN_EXTENT = "from the first to the last turn of reference and hypothesis together, per recording (no UEM given)"


@dataclass(frozen=True)
class Protocol:
    """What is scored: `collar` in seconds on either side of each reference border (md-eval), overlap or not.

    `keep_names`: speakers are not paired; what is measured is the identification error rate.
    """

    collar: float = 0.0
    skip_overlap: bool = False
    keep_names: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.collar < float("inf"):
            raise MimidiarError(f"a collar of {self.collar} s makes no sense; 0 or 0.25 are common")

    def in_words(self) -> str:
        collar = f"+-{self.collar:g} s around each reference border (md-eval)" if self.collar else "none"
        names = "; speakers NOT mapped: identification, no DER" if self.keep_names else ""
        return f"collar {collar}; overlap {'skipped' if self.skip_overlap else 'scored'}{names}"


@dataclass(frozen=True)
class RecordingScore:
    """Error times in speaker seconds, with what they are measured against; the sum of several is one as well.

    `scored_sec` is the time that is scored, after collar and overlap were taken out; `jaccard_error` the sum over
    reference speakers, each between 0 and 1. The speakers counted are those who speak in the recording's regions,
    collar and overlap included. `speech_sec` and `overlap_sec` are those of the reference (`detection_times`).
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
    speech_sec: float
    missed_speech_sec: float
    false_alarm_speech_sec: float
    overlap_sec: float
    hypothesis_overlap_sec: float
    common_overlap_sec: float

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


def score_diarization(
    reference: Turns,
    hypothesis: Turns,
    uem: Regions | None = None,
    protocol: Protocol | None = None,
    noscore: Regions | None = None,
) -> DiarizationScore:
    """Score turns by recording; `noscore` regions (`read_noscore`) are not scored.

    Raises MimidiarError when the hypothesis has a recording that neither reference nor UEM know, when nothing of the
    reference is left to score, or when a recording is beyond all measure (`check_size`).
    """
    protocol = protocol or Protocol()
    recordings, warnings = recordings_to_score(reference, hypothesis, uem)
    for recording in recordings:  # all of them first: an error should not come after minutes of scoring
        check_size(reference.get(recording, []), "reference")
        check_size(hypothesis.get(recording, []), "hypothesis")
    scores = []
    for recording in recordings:
        turns = reference.get(recording, []), hypothesis.get(recording, [])
        regions = union(uem[recording]) if uem is not None else extent([*turns[0], *turns[1]])
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
    reference, hypothesis = merge_overlaps(reference), merge_overlaps(hypothesis)
    scored = scored_regions(reference, regions, protocol)
    inside = crop(reference, regions), crop(hypothesis, regions)
    common = common_sec(*inside)
    named = name_pairs(*inside) if protocol.keep_names else None
    jaccard, counts = jaccard_error(*inside, common, named), common.shape
    if scored != regions:
        inside = crop(reference, scored), crop(hypothesis, scored)
        common = common_sec(*inside)
    times = error_times(*inside, name_pairs(*inside) if protocol.keep_names else pair_speakers(common))
    return RecordingScore(
        recording=recording,
        reference_sec=times["total"],
        missed_sec=times["missed detection"],
        false_alarm_sec=times["false alarm"],
        confusion_sec=times["confusion"],
        scored_sec=total_sec(scored),
        jaccard_error=jaccard,
        reference_speakers=counts[0],
        hypothesis_speakers=counts[1],
        **detection_times(*inside),
    )


def detection_times(reference: list[Turn], hypothesis: list[Turn]) -> dict[str, float]:
    """Seconds of speech and of overlap in the merged, cropped turns of one recording, as `RecordingScore` has them.

    Missed and false alarm speech are what md-eval prints as MISSED SPEECH and FALARM SPEECH, but in % of the reference
    speech; overlap is time with two or more speakers.
    """
    regions = [[(turn.start, turn.end) for turn in turns] for turns in (reference, hypothesis)]
    speech, found_speech, common_speech = _seconds(*map(union, regions))
    overlap, found_overlap, common_overlap = _seconds(*map(overlaps, regions))
    return {
        "speech_sec": speech,
        "missed_speech_sec": speech - common_speech,
        "false_alarm_speech_sec": found_speech - common_speech,
        "overlap_sec": overlap,
        "hypothesis_overlap_sec": found_overlap,
        "common_overlap_sec": common_overlap,
    }


def _seconds(reference: list[Region], hypothesis: list[Region]) -> tuple[float, float, float]:
    """Of the reference, of the hypothesis, and of both together."""
    return total_sec(reference), total_sec(hypothesis), total_sec(intersect(reference, hypothesis))


def scored_regions(reference: list[Turn], regions: list[Region], protocol: Protocol) -> list[Region]:
    """What is left of `regions` when collar and overlap of the merged `reference` are taken out as `protocol` says."""
    holes, collar = [], protocol.collar
    if collar:
        holes = [(time - collar, time + collar) for turn in reference for time in (turn.start, turn.end)]
    if protocol.skip_overlap:
        holes += overlaps((turn.start, turn.end) for turn in reference)
    return subtract(regions, union(holes))
