"""Every figure of a diarization score is a sum over recordings divided by another: which ones, and their intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mimidiar.score.bootstrap import ratio_intervals
from mimidiar.score.diarization import DiarizationScore, RecordingScore


@dataclass(frozen=True)
class Ratio:
    """`scale` x sum of `top` / sum of `bottom`, called `label` in tables of totals."""

    label: str
    top: Callable[[RecordingScore], float]
    bottom: Callable[[RecordingScore], float]
    scale: float = 100

    @property
    def unit(self) -> str:
        return "%" if self.scale == 100 else "speakers"


def _count_error(score: RecordingScore) -> int:
    return score.hypothesis_speakers - score.reference_speakers


RATIOS = {
    "der": Ratio("DER", lambda r: r.error_sec, lambda r: r.reference_sec),
    "miss": Ratio("  missed", lambda r: r.missed_sec, lambda r: r.reference_sec),
    "false_alarm": Ratio("  false alarm", lambda r: r.false_alarm_sec, lambda r: r.reference_sec),
    "confusion": Ratio("  confusion", lambda r: r.confusion_sec, lambda r: r.reference_sec),
    "jer": Ratio("JER", lambda r: r.jaccard_error, lambda r: r.reference_speakers),
    "vad_miss": Ratio("speech missed", lambda r: r.missed_speech_sec, lambda r: r.speech_sec),
    "vad_false_alarm": Ratio("speech false alarm", lambda r: r.false_alarm_speech_sec, lambda r: r.speech_sec),
    "overlap_precision": Ratio("overlap precision", lambda r: r.common_overlap_sec, lambda r: r.hypothesis_overlap_sec),
    "overlap_recall": Ratio("overlap recall", lambda r: r.common_overlap_sec, lambda r: r.overlap_sec),
    "overlap_f1": Ratio(
        "overlap F1", lambda r: 2 * r.common_overlap_sec, lambda r: r.overlap_sec + r.hypothesis_overlap_sec
    ),
    "speaker_count_accuracy": Ratio("speaker count right", lambda r: _count_error(r) == 0, lambda r: 1),
    "speaker_count_error": Ratio("  mean absolute error", lambda r: abs(_count_error(r)), lambda r: 1, scale=1),
    "speaker_count_bias": Ratio("  mean error", _count_error, lambda r: 1, scale=1),
}

# Of speakers who are not paired: the same ratio is no DER, and JER is about pairs.
IDENTIFICATION = {"ier": replace(RATIOS["der"], label="IER (no DER)")} | {
    name: ratio for name, ratio in RATIOS.items() if name not in ("der", "jer")
}
Ratios = Mapping[str, Ratio]


def kind_of(score: DiarizationScore) -> tuple[str, Ratios]:
    """The kind of a score (`SCORE_KINDS`), and its ratios."""
    return ("identification", IDENTIFICATION) if score.protocol.keep_names else ("diarization", RATIOS)


def figures(scores: Sequence[RecordingScore], ratios: Ratios = RATIOS) -> dict[str, float | None]:
    """Each ratio over these recordings; None where there is nothing to divide by, such as overlap where nobody does."""
    found = {}
    for name, ratio in ratios.items():
        bottom = sum(map(ratio.bottom, scores))
        found[name] = ratio.scale * sum(map(ratio.top, scores)) / bottom if bottom > 0 else None
    return found


def intervals(scores: Sequence[RecordingScore], ratios: Ratios = RATIOS) -> dict[str, dict[str, float]]:
    """`low`, `high` and `level` of every figure that is not None, by bootstrap over recordings; {} for a single one."""
    names = [name for name, value in figures(scores, ratios).items() if value is not None]
    if len(scores) < 2:
        return {}
    tops = [[ratios[name].scale * ratios[name].top(score) for name in names] for score in scores]
    bottoms = [[ratios[name].bottom(score) for name in names] for score in scores]
    found = zip(names, ratio_intervals(tops, bottoms), strict=True)
    return {name: {"low": i.low, "high": i.high, "level": i.level} for name, i in found}


def by_speakers(scores: Sequence[RecordingScore]) -> dict[int, list[RecordingScore]]:
    """The recordings of each number of reference speakers."""
    numbers = sorted({score.reference_speakers for score in scores})
    return {number: [score for score in scores if score.reference_speakers == number] for number in numbers}
