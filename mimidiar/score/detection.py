"""Who speaks left aside: whether anybody does (voice activity), and whether more than one does (overlap).

Of the same scored time as the DER. Missed and false alarm speech are what md-eval prints as MISSED SPEECH and FALARM
SPEECH, but in % of the reference speech; overlap is time with two or more speakers.
"""

from mimidiar.annotation.regions import Region, intersect, overlaps, total_sec, union
from mimidiar.annotation.turns import Turn


def detection_times(reference: list[Turn], hypothesis: list[Turn]) -> dict[str, float]:
    """Seconds of speech and of overlap in the merged, cropped turns of one recording, as `RecordingScore` has them."""
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
