"""Tables from score files alone: a YAML file says which rows and columns, nothing is typed by hand.

A table is made once for each folder that its `each` pattern finds, with `{set}` standing for the folder's name. A row's
`folder` may hold a wildcard for seeds: its cells are then the mean over the seeds +- their standard deviation.
"""

import glob
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.score.compare import compare_folders

NOT_RUN = "not run"


@dataclass
class Column:
    """One figure: `metric` of <row folder>/<score>/score.json; `versus: floors`: less the nearest floor above."""

    label: str
    metric: str
    score: str = ""
    versus: str = ""


@dataclass
class Row:
    """One system; a row with `floor: true` is what others must be better than.

    A row with {tag} in its folder is one for each experiment found there, less those that other rows name.
    """

    label: str
    folder: str
    floor: bool = False


@dataclass
class Table:
    """Rows of systems, columns of figures, for each set that `each` finds."""

    name: str
    title: str
    each: str
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    note: str = ""


@dataclass
class Fact:
    """A line above the tables: what `key` of a JSON file says; left out where the file is not there."""

    label: str
    file: str
    key: str


@dataclass
class Report:
    """A report's YAML file."""

    title: str = ""
    facts: list[Fact] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def render(report: Report, root: Path, values: Mapping[str, str]) -> str:
    """The report as Markdown. `values` fill the {names} of labels and folders, which are relative to `root`."""
    known = [fact for fact in report.facts if (root / _filled(fact.file, values)).exists()]
    facts = [f"- {fact.label}: {read_json(root / _filled(fact.file, values))[fact.key]}" for fact in known]
    parts = [f"# {_filled(report.title, values)}", "\n".join(facts)]
    for table in report.tables:
        for name in sorted({found.name for found in root.glob(_filled(table.each, values))}) or ["(no set found)"]:
            parts.append(_render_table(table, root, {**values, "set": name}))
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _render_table(table: Table, root: Path, values: Mapping[str, str]) -> str:
    rows = _one_row_per_tag(table.rows, root, values)
    folders = [_folders(root, _filled(row.folder, values)) for row in rows]
    floors: list[list[Path]] = []  # of the rows above: what a row is compared with
    lines = [["system", *(column.label for column in table.columns)]]
    for row, found in zip(rows, folders, strict=True):
        lines.append([_filled(row.label, values), *(_cell(column, found, floors) for column in table.columns)])
        if row.floor:
            floors.append(found)
    return "\n\n".join([f"## {_filled(table.title, values)}", _markdown(lines), _filled(table.note, values)])


def _one_row_per_tag(rows: list[Row], root: Path, values: Mapping[str, str]) -> list[Row]:
    """The rows with {tag} resolved to the experiments that are there, by name."""
    named = {row.folder for row in rows}
    resolved: list[Row] = []
    for row in rows:
        before, mark, after = row.folder.partition("{tag}")
        if not mark:
            resolved.append(row)
            continue
        base = root / _filled(before, values)
        tags = [path.name for path in sorted(base.glob("*")) if glob.glob(f"{path}{_filled(after, values)}")]
        for tag in tags:
            folder = row.folder.replace("{tag}", tag)
            if folder not in named:
                resolved.append(Row(row.label.replace("{tag}", tag), folder, row.floor))
    return resolved


def _cell(column: Column, folders: list[Path], floors: list[list[Path]]) -> str:
    found = [folder / column.score for folder in folders if (folder / column.score / "score.json").exists()]
    if not found:
        return NOT_RUN
    if column.versus == "floors":
        return _against_nearest(found, [[folder / column.score for folder in floor] for floor in floors])
    return spread([_metric(folder / "score.json", column.metric) for folder in found])


def _against_nearest(system: list[Path], floors: list[list[Path]]) -> str:
    """Of the paired differences to the floors the one whose 95 % interval reaches highest: the least favourable."""
    differences = [compare_folders(system, floor) for floor in floors if floor]
    if not differences:
        return ""
    nearest = max(differences, key=lambda difference: difference.high)
    return f"{nearest.value:+.1f} [{nearest.low:+.1f}, {nearest.high:+.1f}]"


def spread(values: list[float]) -> str:
    """Mean, and with several values +- their standard deviation."""
    mean = f"{statistics.fmean(values):.2f}"
    return f"{mean} ± {statistics.stdev(values):.2f}" if len(values) > 1 else mean


def _metric(path: Path, metric: str) -> float:
    scores = read_json(path)
    if not isinstance(scores.get(metric), int | float):
        numbers = sorted(key for key, value in scores.items() if isinstance(value, int | float))
        raise MimidiarError(f"{path}: no figure '{metric}'; it has {', '.join(numbers)}")
    return float(scores[metric])


def _folders(root: Path, pattern: str) -> list[Path]:
    return sorted(Path(found) for found in glob.glob(str(root / pattern)))


def _filled(text: str, values: Mapping[str, Any]) -> str:
    try:
        return text.format_map(values)
    except KeyError as error:
        raise MimidiarError(f"'{text}' needs a value for {error}; give it with --set") from None


def _markdown(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    head, *body = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *body])


def insert(text: str, document: str, source: str) -> str:
    """`document` with `text` between its lines `<!-- results: begin -->` and `<!-- results: end -->`.

    Headings go two levels down, below a section of the document.
    """
    begin, end = "<!-- results: begin -->", "<!-- results: end -->"
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(begin) > document.index(end):
        raise MimidiarError(f"{source}: needs one line '{begin}' and, below it, one line '{end}'")
    lower = re.sub(r"^#", "###", text, flags=re.MULTILINE)
    return f"{document[: document.index(begin)]}{begin}\n{lower}{document[document.index(end) :]}"
