"""The kinds of scores: all that the records, tables and cards of this package know of each, in one place.

A study adds its kind here by one entry, and is not imported: it writes a `score.json` of that `kind`, whose `protocol`
has the version of the kind's `conventions`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreKind:
    """What scores of one kind have in common.

    `conventions`: the version of what their figures mean. Raise it whenever a change of a convention changes a figure:
    then older scores cannot be compared with new ones, whatever else they share.
    `shown`: the metrics that a model card shows. `resampled`: what the bootstrap of the intervals draws.
    `paired`: the metric that two systems can be compared by, draw by draw; for that a record keeps the seconds of each
    recording or, where it is no ratio of sums over recordings (`drawn`), the metric in each draw.
    `tuned_on_itself`: the score chooses a threshold on the set that it reports, which its name says; no such figure is
    the best of a column.
    """

    conventions: int
    shown: tuple[str, ...]
    resampled: str = "recordings"
    paired: str = ""
    drawn: bool = False
    tuned_on_itself: bool = False


SCORE_KINDS = {
    "diarization": ScoreKind(
        conventions=2,  # all that is said at the top of score/diarization.py
        shown=("der", "miss", "false_alarm", "confusion", "speaker_count_accuracy", "real_time_factor"),
        paired="der",
    ),
    "verification": ScoreKind(
        conventions=2,  # all that is said at the top of score/verification.py
        shown=("eer", "min_dcf_0.01"),
        resampled="speakers",
        paired="eer",
        drawn=True,
    ),
    "pairs": ScoreKind(conventions=1, shown=("eer",), paired="eer", drawn=True),
    "ancestor": ScoreKind(
        conventions=2, shown=("ancestor_der",), tuned_on_itself=True
    ),  # by the original study's metric
    "drift": ScoreKind(conventions=1, shown=("token_drift",)),
    "reconstruction": ScoreKind(conventions=1, shown=("mel_db", "si_sdr_db", "stoi")),
    "cost": ScoreKind(conventions=2, shown=("wall_rtf", "peak_mb"), resampled="rounds"),
    "identification": ScoreKind(
        conventions=1,  # as "diarization", but that speakers are not paired
        shown=("ier", "miss", "false_alarm", "confusion"),
    ),
}


def keeps(kind: str) -> str:
    """What a record of this kind keeps for paired comparisons: "recordings", "draws" or ""."""
    known = SCORE_KINDS[kind]
    return ("draws" if known.drawn else "recordings") if known.paired else ""
