"""The values of table cells (a figure over seeds, a difference, a missing record, a published figure), and one sentence
for each comparison of a table file: better, worse, or not distinguishable.

The verdict is that of the 95 % interval of the paired difference: over recordings for a DER, whose errors are averaged
over the seeds; over speakers for an EER of trials, over recordings for one of pairs of windows, where draw k of the
bootstrap is the same draw in both systems. Seeds are averaged and not drawn: the verdict holds for these recordings or
speakers, and for seeds like these.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mimidiar.errors import MimidiarError
from mimidiar.report.record import Record
from mimidiar.report.table_file import TAG, Column, Comparison, Row, tag_in
from mimidiar.score.bootstrap import ConfidenceInterval, compare_eers, compare_seeds, der_interval, eer_interval
from mimidiar.score.kinds import SCORE_KINDS, keeps

REAL_TIME_FACTOR = "real_time_factor"
NOT_RUN = "not run"
Find = Callable[[Row, Column], list[Record]]
FEW = 20  # as in the warnings of the scoring: intervals of fewer are rough
BETTER, WORSE, ALIKE, UNTOLD = "better", "worse", "not distinguishable at 95 %", "not compared"


@dataclass(frozen=True)
class Figure:
    """Mean over seeds, standard deviation between them (None for one), and an interval where there is one.

    The interval is over recordings or speakers and not over seeds: of the one score, of the DER with each recording's
    error averaged over the seeds, or of the EER averaged over them in each draw of speakers.
    """

    mean: float
    deviation: float | None
    seeds: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class NotRun:
    """There is no record; `note` is the number of the footnote with the reason, 0 without one."""

    note: int = 0


# An interval is that of a paired difference, negative where the row makes fewer errors; a text is what others wrote.
Cell = Figure | ConfidenceInterval | NotRun | str | None


def figure(records: Sequence[Record], column: Column, where: str) -> Figure | None:
    """The metric of `column` over the seeds; None for a real-time factor if the cost of a step is unknown.

    Raises MimidiarError for a metric that a record lacks.
    """
    values = [_value(record, column.metric, where) for record in records]
    if None in values:
        return None
    interval = _interval(records, column.metric) if column.interval else None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Figure(statistics.fmean(values), deviation, len(values), *(interval or (None, None)))


def difference(records: Sequence[Record], baseline: Sequence[Record], column: Column, where: str) -> ConfidenceInterval:
    """DER of the records less that of the baseline, recording by recording. MimidiarError for any other metric."""
    if _kept([*records, *baseline], column.metric) != {"recordings"}:
        raise MimidiarError(f"{where}: a paired difference is of the metric der, not of {column.metric}")
    try:
        return compare_seeds(_seconds(records), _seconds(baseline))
    except MimidiarError as error:
        raise MimidiarError(f"{where}: {error}") from None


def _kept(records: Sequence[Record], metric: str) -> set[str]:
    """The values in the records for paired comparisons by this metric: "recordings", "draws" or ""."""
    return {keeps(record.kind) if SCORE_KINDS[record.kind].paired == metric else "" for record in records}


def _seconds(records: Sequence[Record]) -> list[dict[str, tuple[float, float]]]:
    return [record.seconds() for record in records]


def _draws(records: Sequence[Record]) -> list[list[float | None]]:
    return [record.draws.get("eer", []) for record in records]


def _value(record: Record, metric: str, where: str) -> float | None:
    if metric == REAL_TIME_FACTOR:
        return record.real_time_factor
    if metric not in record.metrics:
        raise MimidiarError(
            f"{where}: {record.file_name} has no '{metric}'; it has {', '.join(sorted(record.metrics))}"
        )
    return float(record.metrics[metric])


def _interval(records: Sequence[Record], metric: str) -> tuple[float, float] | None:
    """The interval that the score gives; over several seeds that of the mean: DER by recording, EER by draw."""
    if len(records) == 1:
        known = records[0].intervals.get(metric)
        return (known["low"], known["high"]) if known else None
    kept = _kept(records, metric)
    if kept == {"draws"}:
        return eer_interval(_draws(records))
    return der_interval(_seconds(records)) if kept == {"recordings"} else None


@dataclass(frozen=True)
class Compared:
    """Two rows in one column. `about` is the basis of the figures, or the reason for none (`verdict` not compared)."""

    row: Row
    versus: Row
    column: Column
    verdict: str
    about: str
    found: ConfidenceInterval | None = None

    def sentence(self, emphasis: str = "{}") -> str:
        ours, theirs, verdict = _name(self.row), _name(self.versus), emphasis.format(self.verdict)
        if self.verdict == UNTOLD:
            return f"{ours}: {verdict} with {theirs}, {self.column.label}: {self.about}."
        joint = {BETTER: "than", WORSE: "than", ALIKE: "from"}[self.verdict]
        digits = f"+.{self.column.decimals}f"
        difference = f"{self.found.value:{digits}} points [{self.found.low:{digits}}, {self.found.high:{digits}}]"
        return f"{ours}: {verdict} {joint} {theirs}, {self.column.label}: {difference}, {self.about}."


def _name(row: Row) -> str:
    """What a row is called outside its table."""
    return f"{row.label} ({row.series})" if row.series else row.label


def compare_rows(
    comparisons: Sequence[Comparison], rows: Sequence[Row], columns: Sequence[Column], find: Find, where: str
) -> list[Compared]:
    """All comparisons, by the columns that each names. Raises MimidiarError as `compare_seeds` does."""
    found = []
    for wanted in comparisons:
        for column in (each for each in columns if each.label == wanted.column.replace("{set}", each.set)):
            for row, versus in _pairs(wanted, rows):
                ours, theirs = find(row, column), find(versus, column)
                if not ours and not theirs:  # as the table says
                    continue
                try:
                    found.append(_compare(row, versus, column, ours, theirs))
                except MimidiarError as error:
                    raise MimidiarError(f"{where}, '{row.label}' against '{versus.label}': {error}") from None
    return found


def _pairs(wanted: Comparison, rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """The rows of a comparison, one pair for each tag where it has {tag}."""
    by_system = {row.system: row for row in rows}
    for row in rows:
        tag = tag_in(wanted.system, row.system)
        versus = by_system.get(wanted.versus.replace(TAG, tag or "")) if tag is not None else None
        if versus is not None and versus is not row:
            yield row, versus


def _compare(row: Row, versus: Row, column: Column, ours: list[Record], theirs: list[Record]) -> Compared:
    for side, records in ((row, ours), (versus, theirs)):
        if not records:
            return Compared(row, versus, column, UNTOLD, f"no record of {side.label}")
    interval, units, what = _difference(ours, theirs)
    if interval is None:
        return Compared(row, versus, column, UNTOLD, "scores without the draws of their bootstrap; score them again")
    about = f"paired over {units} {what}{_seeds(ours, theirs)}"
    if units < 2:
        return Compared(row, versus, column, UNTOLD, f"{units} of {what} has no interval")
    if units < FEW:
        about += f"; rough, with so few {what}"
    if leaky := [side.label for side, records in ((row, ours), (versus, theirs)) if is_leaky(side, records)]:
        about += f"; leaky, for comparison only: {' and '.join(leaky)}"
    verdict = BETTER if interval.high < 0 else WORSE if interval.low > 0 else ALIKE
    return Compared(row, versus, column, verdict, about, interval)


def _difference(ours: list[Record], theirs: list[Record]) -> tuple[ConfidenceInterval | None, int, str]:
    """(interval of ours less theirs or None, number of what was drawn, its name)."""
    if keeps(ours[0].kind) == "recordings":
        return compare_seeds(_seconds(ours), _seconds(theirs)), len(ours[0].recordings), "recordings"
    sides = [zip([record.metrics["eer"] for record in side], _draws(side), strict=True) for side in (ours, theirs)]
    drawn = SCORE_KINDS[ours[0].kind].resampled
    number = ours[0].metrics.get(f"n_{drawn}")
    trials = int(ours[0].metrics.get("n_target", 0) + ours[0].metrics.get("n_nontarget", 0))
    return compare_eers(*map(list, sides)), int(number or trials), drawn if number else "trials"


def _seeds(ours: list[Record], theirs: list[Record]) -> str:
    if len(ours) == len(theirs) == 1:
        return ""
    return f", mean of {len(ours)} seeds" + (f" and of {len(theirs)}" if len(theirs) != len(ours) else "")


def is_leaky(row: Row, records: Sequence[Record]) -> bool:
    """Whether the figures of a row are for comparison only, by the row itself or by the lineage of its records."""
    return row.role == "leaky" or any(record.leaky for record in records)
