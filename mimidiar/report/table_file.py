"""Tables as data: a YAML file of the systems and metrics of each table. It contains no results of this project.

title: egs/mini
records: [../*/results]            # folders of records, from the file's own folder; * and ? as in a shell
tables:
  - name: adapter
    title: "Who speaks when? Set {set}"
    each: [sim_test, "ami_*"]      # one table for each; a pattern stands for the sets that are in the records
    columns:
      - {label: "DER %", protocol: collar0, metric: der, best: low}
      - {label: "less than the baseline", protocol: collar0, metric: der, versus: floors}
    rows:
      - {label: "trivial baseline: one speaker", system: floor-always-one, role: floor}
      - {label: "adapter, {tag}", system: "adapter-{tag}"}      # one for each system that is so called
      - {label: "Mimi", system: adapter-mimi, not_run: weights not available}
    comparisons:                   # a sentence each: better, worse or not distinguishable, by the paired difference
      - {system: "adapter-{tag}", versus: adapter-mimi, column: "DER %"}
    published:
      - {label: EEND, source: "[1], table 2", protocol: "collar 0.25", values: {"DER %": 29.4}}
    note: What the table shows.
"""

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.score.kinds import SCORE_KINDS

ROLES = ("", "floor", "leaky")
BEST = ("", "low", "high")
MOST_DECIMALS = 9
FLOORS = "floors"
TAG = "{tag}"
COMPARED = tuple(kind.paired for kind in SCORE_KINDS.values() if kind.paired)
WILDCARDS = set("*?[")
HASH_START = re.compile(r"[0-9a-f]{8,64}")


@dataclass
class Column:
    """One figure: `metric` under `protocol` on `set` (a pattern: one column for each set; else the table's own).

    `best`: low or high, the best comparable system is in bold. `versus`: the difference to the row of that system, or
    to the nearest of the `floors`, the trivial baselines above. `interval`: show that of the score. `not_run`: why a
    cell of this column may have no record, where its row does not say. `reference`: how the sha256 of the reference or
    the trials begins, for a set whose name alone does not tell which data it is. `dataset`: only records by the recipes
    in egs/<dataset>, as recipes of several datasets have sets of one name.
    """

    label: str
    protocol: str
    metric: str
    set: str = "{set}"
    best: str = ""
    versus: str = ""
    interval: bool = False
    decimals: int = 2
    not_run: str = ""
    reference: str = ""
    dataset: str = ""

    @property
    def measured(self) -> str:
        """What was measured, in words: `sim_test of egs/mini, collar0`."""
        return f"{self.set}{f' of egs/{self.dataset}' if self.dataset else ''}, {self.protocol}"


@dataclass
class Row:
    """One system. `role`: a `floor` is a trivial baseline, a `leaky` one was trained on the set it is scored on;
    neither is compared with others. `not_run` says why there is no record. Rows of one `series` are a line of a figure.
    `columns`: the labels of those that it has figures for, where that is not all; the others are empty.
    """

    label: str
    system: str
    role: str = ""
    not_run: str = ""
    series: str = ""
    columns: list[str] = field(default_factory=list)


@dataclass
class Comparison:
    """`system` against `versus` in the columns of this label, by the paired difference of metric der or eer.

    With {tag} in `system`: each system that is so called, `versus` with the same tag or the same one for all.
    """

    system: str
    versus: str
    column: str


@dataclass
class Published:
    """Published figures, by column label: always with source and protocol, and apart from results of this project."""

    label: str
    source: str
    protocol: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class Table:
    """Rows of systems, columns of figures."""

    name: str
    title: str
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    each: list[str] = field(default_factory=list)
    note: str = ""


@dataclass
class TableFile:
    """A file of tables, with the folders of their records."""

    title: str = ""
    records: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def read_table_file(path: str | Path, only: tuple[str, ...] = ()) -> TableFile:
    """Read and check a file of tables, all of them or those named by `only`. MimidiarError names the place."""
    file = load_config(TableFile, path)
    names = [table.name for table in file.tables]
    if unknown := sorted(set(only) - set(names)):
        raise MimidiarError(f"{path}: no table '{unknown[0]}'; it has {', '.join(names)}")
    _check_texts(f"{path}: records", file.records)
    for table in file.tables:
        if names.count(table.name) > 1:
            raise MimidiarError(f"{path}: two tables are called '{table.name}'")
        _check_texts(f"{path}: table '{table.name}': each", table.each)
        for problem in _problems(table):
            raise MimidiarError(f"{path}: table '{table.name}', {problem}")
    file.tables = [table for table in file.tables if not only or table.name in only]
    return file


def record_folders(file: TableFile, path: str | Path) -> list[Path]:
    """The folders of `records` that are there."""
    return sorted({folder for pattern in file.records for folder in _folders_like(pattern, path)})


def patterns_without_folder(file: TableFile, path: str | Path) -> list[str]:
    """The entries of `records` that find nothing."""
    return [pattern for pattern in file.records if not _folders_like(pattern, path)]


def _folders_like(pattern: str, path: str | Path) -> list[Path]:
    return [Path(found) for found in glob.glob(f"{glob.escape(str(Path(path).parent))}/{pattern}/")]


def _problems(table: Table) -> Iterator[str]:
    """What is wrong in a table, and where in it."""
    labels = [column.label for column in table.columns]
    one_set = [column.label for column in table.columns if not (set(column.set) & {*WILDCARDS, "{"})]
    systems = {row.system for row in table.rows}
    for column in table.columns:
        where = f"column '{column.label}'"
        if column.best not in BEST:
            yield f"{where}: best is '{column.best}'; it may be low, high or left out"
        if labels.count(column.label) > 1:
            yield f"two columns are called '{column.label}'"
        if not 0 <= column.decimals <= MOST_DECIMALS:
            yield f"{where}: decimals is {column.decimals}, not 0 to {MOST_DECIMALS}"
        if column.versus and column.versus not in (*systems, FLOORS):
            yield f"{where}: no row has the system '{column.versus}'"
        if column.reference and not HASH_START.fullmatch(column.reference):
            digits = "the first hexadecimal digits (at least 8) of a sha256, in quotes"
            yield f"{where}: reference is '{column.reference}', not {digits}"
        if column.set == "{set}" and not table.each:
            yield f"{where}: names no set, and the table has no `each`"
    for row in table.rows:
        if unknown := sorted(set(row.columns) - set(labels)):
            yield f"row '{row.label}': no column is called '{unknown[0]}'"
        if row.role not in ROLES:
            yield f"row '{row.label}': role is '{row.role}'; it may be floor, leaky or left out"
    for comparison in table.comparisons:
        yield from _problems_of_comparison(comparison, table)
    for row in table.published:
        if not row.source.strip() or not row.protocol.strip():
            yield f"row '{row.label}': a published figure needs its source and its protocol"
        if unknown := sorted(set(row.values) - set(one_set)):
            known = ", ".join(one_set) or "none"
            yield f"row '{row.label}': no column '{unknown[0]}' of a named set; there are {known}"


def _problems_of_comparison(comparison: Comparison, table: Table) -> Iterator[str]:
    columns = {column.label: column for column in table.columns}
    if (column := columns.get(comparison.column)) is None:
        yield f"a comparison in a column '{comparison.column}' that is not there; it has {', '.join(columns)}"
    elif column.metric not in COMPARED:
        known = " or ".join(COMPARED)
        yield f"column '{column.label}': {column.metric} has no paired difference; compare by {known}"
    for name in (comparison.system, comparison.versus):
        if not any(name == row.system or tag_in(row.system, name) for row in table.rows):
            yield f"a comparison of '{name}', which no row is about"


def tag_in(pattern: str, system: str) -> str | None:
    """What {tag} stands for where `system` is named by the pattern, '' where it has none; None where it is not."""
    before, mark, after = pattern.partition(TAG)
    if not mark:
        return "" if pattern == system else None
    tag = system[len(before) : len(system) - len(after)]
    return tag if tag and system == before + tag + after else None


def _check_texts(what: str, values: list[Any]) -> None:
    if odd := [value for value in values if not isinstance(value, str) or not value]:
        raise MimidiarError(f"{what}: {odd[0]!r} is no name or pattern")
