"""Tables filled from records, under the rules that keep their figures comparable."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mimidiar.errors import MimidiarError
from mimidiar.report.cells import Cell, Compared, Figure, NotRun, compare_rows, difference, figure, is_leaky
from mimidiar.report.record import Record
from mimidiar.report.record_index import Filed, Shelf, check_records
from mimidiar.report.table_file import FLOORS, Column, Row, Table, TableFile
from mimidiar.score.bootstrap import protocol_difference
from mimidiar.score.kinds import SCORE_KINDS

HASH_DIGITS = 8  # of a hash, where people read it
NO_SET = "(no set)"  # where a pattern finds none
# Conditions on the measured object, not on the method: a codec, by itself or against its frozen version. Rows differ
# in them.
SUBJECT = ("codec_sha256", "codebooks", "codebooks_sha256")


@dataclass
class FilledRow:
    """A row with a cell for each column; `bold`: the columns where it is the best; `note`: a footnote's number."""

    label: str
    system: str
    role: str
    cells: list[Cell]
    bold: set[int] = field(default_factory=set)
    note: int = 0
    series: str = ""

    @property
    def seeds(self) -> str:
        """How many seeds its figures are over: 3, or 1-3."""
        counts = [cell.seeds for cell in self.cells if isinstance(cell, Figure)]
        return "" if not counts else f"{min(counts)}" + (f"-{max(counts)}" if max(counts) > min(counts) else "")


@dataclass
class FilledTable:
    """A table for printing; `notes` are footnotes from 1, `conditions` describe the measurement, by column."""

    name: str
    title: str
    columns: list[Column]
    rows: list[FilledRow]
    published: list[FilledRow]
    conditions: list[str]
    notes: list[str]
    note: str
    records: list[Record]
    comparisons: list[Compared]

    @property
    def several_seeds(self) -> bool:
        return any(row.seeds not in ("", "1") for row in self.rows)


def fill_tables(file: TableFile, shelf: Shelf, allow_dirty: bool = False) -> list[FilledTable]:
    """All tables of a file. Raises MimidiarError with the cell that must not be printed, and the reason."""
    filled = []
    for table in file.tables:
        sets = [name for pattern in table.each for name in shelf.sets_like(pattern)] if table.each else [""]
        filled += [_Filler(table, shelf, name, allow_dirty).fill() for name in dict.fromkeys(sets)]
    return filled


class _Filler:
    """One table on one set, being filled."""

    def __init__(self, table: Table, shelf: Shelf, set_name: str, allow_dirty: bool):
        self.table, self.set_name, self.notes = table, set_name, []
        self.columns = list(_columns(table, shelf, set_name))
        self.rows = shelf.one_row_per_tag(table.rows)
        self.found = [[shelf.find(row.system, c.set, c.protocol, c.dataset) for c in self.columns] for row in self.rows]
        for row, found in zip(self.rows, self.found, strict=True):
            for column, filed in zip(self.columns, found, strict=True):
                check_records(filed, row, self.where(row, column), allow_dirty)
                _check_reference(filed, column, self.where(row, column))

    def where(self, row: Row, column: Column) -> str:
        return f"table '{self.table.name}', row '{row.label}', column '{column.label}' ({column.measured})"

    def fill(self) -> FilledTable:
        conditions = [self._conditions(place) for place in range(len(self.columns))]
        rows = [self._row(line) for line in range(len(self.rows))]
        for place, column in enumerate(self.columns):
            kinds = {filed.record.kind for found in self.found for filed in found[place]}
            if not any(SCORE_KINDS[kind].tuned_on_itself for kind in kinds):
                _mark_best(rows, place, column)
        return FilledTable(
            self.table.name,
            self.table.title.replace("{set}", self.set_name),
            self.columns,
            rows,
            list(self._published()),
            list(dict.fromkeys(filter(None, conditions))),
            self.notes,
            self.table.note.replace("{set}", self.set_name),
            [filed.record for found in self.found for cell in found for filed in cell],
            compare_rows(self.table.comparisons, self.rows, self.columns, self._records, f"table '{self.table.name}'"),
        )

    def _records(self, row: Row, column: Column) -> list[Record]:
        found = self.found[self.rows.index(row)][self.columns.index(column)]
        return [filed.record for filed in found]

    def _conditions(self, place: int) -> str:
        """The common conditions of a column. MimidiarError for a cell with other conditions."""
        column, first = self.columns[place], None
        for row, found in zip(self.rows, self.found, strict=True):
            for filed in found[place]:
                first = first or filed
                if odd := protocol_difference(_protocol(first), _protocol(filed)):
                    raise MimidiarError(
                        f"{self.where(row, column)}: {filed.path} and {first.path} differ in {odd}; what stands in one "
                        "column is measured in one way: score them alike, or give them columns of their own"
                    )
        return f"{column.measured}: {_in_words(_how(first.record))}" if first else ""

    def _row(self, line: int) -> FilledRow:
        """A row with its cells. A leaky row is always marked, with the reason in a footnote."""
        row, cells = self.rows[line], [self._cell(line, place) for place in range(len(self.columns))]
        records = [filed.record for cell in self.found[line] for filed in cell]
        if not is_leaky(row, records):
            return FilledRow(row.label, row.system, row.role, cells, series=row.series)
        note = self._footnote(_why_leaky(records)) if records else 0
        return FilledRow(row.label, row.system, "leaky", cells, note=note, series=row.series)

    def _cell(self, line: int, place: int) -> Cell:
        row, column = self.rows[line], self.columns[place]
        records = [filed.record for filed in self.found[line][place]]
        if row.columns and column.label not in row.columns:
            return None
        if not records:
            return NotRun(self._footnote(row.not_run or column.not_run)) if not column.versus else None
        if column.versus:
            return self._versus(line, place, records)
        return figure(records, column, self.where(row, column))

    def _versus(self, line: int, place: int, records: list[Record]) -> Cell:
        """The difference to the named row, or to the trivial baseline above with the highest upper bound."""
        column, where = self.columns[place], self.where(self.rows[line], self.columns[place])
        if column.versus == FLOORS:
            others = [number for number, row in enumerate(self.rows[:line]) if row.role == "floor"]
        else:
            others = [number for number, row in enumerate(self.rows) if row.system == column.versus and number != line]
        baselines = [[filed.record for filed in self.found[other][place]] for other in others]
        differences = [difference(records, baseline, column, where) for baseline in baselines if baseline]
        return max(differences, key=lambda found: found.high, default=None)

    def _published(self) -> Iterator[FilledRow]:
        labels = [column.label for column in self.columns]
        for row in self.table.published:
            cells = [str(row.values[label]) if label in row.values else None for label in labels]
            note = self._footnote(f"published: {row.source}; {row.protocol}")
            yield FilledRow(row.label, "", "published", cells, note=note)

    def _footnote(self, text: str) -> int:
        """The number of the footnote with this text; 0 without text."""
        if text and text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1 if text else 0


def _why_leaky(records: Sequence[Record]) -> str:
    """`leaky: for comparison only (...)`, with the reason of the data, else the shared sets of the model."""
    if said := list(dict.fromkeys(reason for record in records for reason in record.leaky)):
        return "; ".join(said)
    seen = sorted({record.set for record in records if record.set in record.trained_on})
    reason = f"trained on {', '.join(seen)}" if seen else "it may have seen what it is scored on"
    return f"leaky: for comparison only ({reason})"


def _columns(table: Table, shelf: Shelf, set_name: str) -> Iterator[Column]:
    """The columns with their sets named; a column with a pattern of sets becomes one column for each matching set."""
    for column in table.columns:
        for found in shelf.sets_like(column.set.replace("{set}", set_name), column.dataset) or [NO_SET]:
            yield replace(column, set=found, label=column.label.replace("{set}", found))


def _check_reference(found: list[Filed], column: Column, where: str) -> None:
    """Raise MimidiarError for a score against another reference, or other trials, than those of the column."""
    for filed in found:
        conditions = filed.record.conditions
        sha256 = str(conditions.get("reference_sha256") or conditions.get("trials_sha256") or "of no known hash")
        if not sha256.startswith(column.reference):
            raise MimidiarError(
                f"{where}: {filed.path} was scored against another reference ({sha256[:HASH_DIGITS]}) than that of the "
                f"column ({column.reference}): other data of the same name"
            )


def _protocol(filed: Filed) -> dict[str, Any]:
    return {"kind": filed.record.kind, **_how(filed.record)}


def _how(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.conditions.items() if name not in SUBJECT}


def _mark_best(rows: list[FilledRow], place: int, column: Column) -> None:
    """Bold for the best of at least two systems; trivial baselines and leaky rows are not compared."""
    rivals = [row for row in rows if not row.role and isinstance(row.cells[place], Figure)]
    if column.best and len(rivals) > 1:
        choose = min if column.best == "low" else max
        # As printed: what looks the same is equally good.
        shown = [round(row.cells[place].mean, column.decimals) for row in rivals]
        for row, value in zip(rivals, shown, strict=True):
            if value == choose(shown):
                row.bold.add(place)


def _in_words(conditions: dict[str, Any]) -> str:
    """`collar 0.0; scorer ...`, hashes shortened, what is null left out."""
    return "; ".join(
        f"{name.removesuffix('_sha256').replace('_', ' ')} {_condition(name, value)}"
        for name, value in sorted(conditions.items())
        if value is not None
    )


def _condition(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)[:HASH_DIGITS] if name.endswith("_sha256") else str(value)
