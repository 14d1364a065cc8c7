"""One sentence for each comparison of a table file: better, worse, or not distinguishable.

The verdict is that of the 95 % interval of the paired difference: over recordings for a DER, whose errors are averaged
over the seeds; over speakers for an EER, of which draw k of the bootstrap is the same draw in both systems. Seeds are
averaged and not drawn: the verdict holds for these recordings or speakers, and for seeds like these.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mimidiar.errors import MimidiarError
from mimidiar.report.record import Record
from mimidiar.report.table_file import Column, Comparison, Row, system_of, tag_in
from mimidiar.score.kinds import keeps

if TYPE_CHECKING:
    from mimidiar.score.bootstrap import ConfidenceInterval

Find = Callable[[Row, Column], list[Record]]
FEW = 20  # as in the warnings of the scoring: intervals of fewer are rough
BETTER, WORSE, ALIKE, UNTOLD = "better", "worse", "not distinguishable at 95 %", "not compared"


@dataclass(frozen=True)
class Compared:
    """Two rows in one column. `about` is the basis of the figures, or the reason for none (`verdict` not compared)."""

    row: Row
    versus: Row
    column: Column
    verdict: str
    about: str
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def sentence(self, emphasis: str = "{}") -> str:
        ours, theirs, verdict = _name(self.row), _name(self.versus), emphasis.format(self.verdict)
        if self.verdict == UNTOLD:
            return f"{ours}: {verdict} with {theirs}, {self.column.label}: {self.about}."
        joint = {BETTER: "than", WORSE: "than", ALIKE: "from"}[self.verdict]
        digits = f"+.{self.column.decimals}f"
        difference = f"{self.value:{digits}} points [{self.low:{digits}}, {self.high:{digits}}]"
        return f"{ours}: {verdict} {joint} {theirs}, {self.column.label}: {difference}, {self.about}."


def _name(row: Row) -> str:
    """What a row is called outside its table."""
    return f"{row.label} ({row.series})" if row.series else row.label


def compare_rows(
    comparisons: Sequence[Comparison], rows: Sequence[Row], columns: Sequence[Column], find: Find, where: str
) -> list[Compared]:
    """All comparisons, by the columns that each names. Raises MimidiarError as `score.compare` does."""
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
        versus = by_system.get(system_of(wanted.versus, tag or "")) if tag is not None else None
        if versus is not None and versus is not row:
            yield row, versus


def _compare(row: Row, versus: Row, column: Column, ours: list[Record], theirs: list[Record]) -> Compared:
    for side, records in ((row, ours), (versus, theirs)):
        if not records:
            return Compared(row, versus, column, UNTOLD, f"no record of {side.label}")
    interval, units, what = _difference(column, ours, theirs)
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
    return Compared(row, versus, column, verdict, about, interval.value, interval.low, interval.high)


def _difference(
    column: Column, ours: list[Record], theirs: list[Record]
) -> tuple["ConfidenceInterval | None", int, str]:
    """(interval of ours less theirs or None, number of what was drawn, its name)."""
    from mimidiar.score.compare import compare_eers, compare_seeds

    if keeps(ours[0].kind) == "recordings":
        sides = [[record.seconds() for record in side] for side in (ours, theirs)]
        return compare_seeds(*sides), len(ours[0].recordings), "recordings"
    sides = [[(record.metrics["eer"], record.draws.get("eer", [])) for record in side] for side in (ours, theirs)]
    speakers = ours[0].metrics.get("n_speakers")
    trials = int(ours[0].metrics.get("n_target", 0) + ours[0].metrics.get("n_nontarget", 0))
    return compare_eers(*sides), int(speakers or trials), "speakers" if speakers else "trials"


def _seeds(ours: list[Record], theirs: list[Record]) -> str:
    if len(ours) == len(theirs) == 1:
        return ""
    return f", mean of {len(ours)} seeds" + (f" and of {len(theirs)}" if len(theirs) != len(ours) else "")


def is_leaky(row: Row, records: Sequence[Record]) -> bool:
    """Whether the figures of a row are for comparison only, by the row itself or by the lineage of its records."""
    return row.role == "leaky" or any(record.leaky for record in records)


def why_leaky(records: Sequence[Record]) -> str:
    """`leaky: for comparison only (...)`, with the reason of the data, else the shared sets of the model."""
    if said := list(dict.fromkeys(reason for record in records for reason in record.leaky)):
        return "; ".join(said)
    seen = sorted({record.set for record in records if record.set in record.trained_on})
    reason = f"trained on {', '.join(seen)}" if seen else "it may have seen what it is scored on"
    return f"leaky: for comparison only ({reason})"
