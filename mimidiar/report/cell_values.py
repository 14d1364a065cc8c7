"""The values of table cells: a figure over seeds, a difference, a missing record, a published figure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from mimidiar.errors import MimidiarError
from mimidiar.report.record import Record
from mimidiar.report.table_file import Column
from mimidiar.score.kinds import SCORE_KINDS, keeps

REAL_TIME_FACTOR = "real_time_factor"
NOT_RUN = "not run"


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

    def text(self, column: Column) -> str:
        digits = f".{column.decimals}f"
        spread = "" if self.deviation is None else f" ± {self.deviation:{digits}}"
        interval = "" if self.low is None else f" [{self.low:{digits}}, {self.high:{digits}}]"
        return f"{self.mean:{digits}}{spread}{interval}"


@dataclass(frozen=True)
class Difference:
    """A paired difference with its 95 % interval; negative where the row makes fewer errors."""

    value: float
    low: float
    high: float

    def text(self, column: Column) -> str:
        digits = f"+.{column.decimals}f"
        return f"{self.value:{digits}} [{self.low:{digits}}, {self.high:{digits}}]"


@dataclass(frozen=True)
class NotRun:
    """There is no record; `note` is the number of the footnote with the reason, 0 without one."""

    note: int = 0

    def text(self, column: Column) -> str:
        return NOT_RUN + (f" [{self.note}]" if self.note else "")


@dataclass(frozen=True)
class Quoted:
    """What others published, as they wrote it."""

    value: str

    def text(self, column: Column) -> str:
        return self.value


Cell = Figure | Difference | NotRun | Quoted | None


def figure(records: Sequence[Record], column: Column, where: str) -> Figure:
    """The metric of `column` over the seeds. Raises MimidiarError for a metric that a record lacks."""
    values = [_value(record, column.metric, where) for record in records]
    interval = _interval(records, column.metric) if column.interval else None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Figure(statistics.fmean(values), deviation, len(values), *(interval or (None, None)))


def difference(records: Sequence[Record], baseline: Sequence[Record], column: Column, where: str) -> Difference:
    """DER of the records less that of the baseline, recording by recording. MimidiarError for any other metric."""
    from mimidiar.score.compare import compare_seeds

    if not all(_keeps(record, column.metric) == "recordings" for record in [*records, *baseline]):
        raise MimidiarError(f"{where}: a paired difference is of the metric der, not of {column.metric}")
    try:
        found = compare_seeds(*([record.seconds() for record in side] for side in (records, baseline)))
    except MimidiarError as error:
        raise MimidiarError(f"{where}: {error}") from None
    return Difference(found.value, found.low, found.high)


def _keeps(record: Record, metric: str) -> str:
    """The values in the record for paired comparisons by this metric: "recordings", "draws" or ""."""
    return keeps(record.kind) if SCORE_KINDS[record.kind].paired == metric else ""


def _value(record: Record, metric: str, where: str) -> float:
    if metric == REAL_TIME_FACTOR:
        if record.real_time_factor is None:
            raise MimidiarError(f"{where}: {record.file_name} lacks the cost of some step")
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
    if all(_keeps(record, metric) == "draws" for record in records):
        from mimidiar.score.compare import eer_interval

        return eer_interval([record.draws.get("eer", []) for record in records])
    if any(_keeps(record, metric) != "recordings" or len(record.recordings) < 2 for record in records):
        return None
    from mimidiar.score.bootstrap import ratio_interval

    names = list(records[0].recordings)
    if any(record.recordings.keys() != records[0].recordings.keys() for record in records):
        return None
    errors = [statistics.fmean(record.recordings[name]["error_sec"] for record in records) for name in names]
    references = [records[0].recordings[name]["reference_sec"] for name in names]
    found = ratio_interval([100 * error for error in errors], references)
    return found.low, found.high
