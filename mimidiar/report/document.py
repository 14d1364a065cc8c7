"""A report: filled tables with their common facts, as Markdown, LaTeX, CSV or JSON (the same report gives the same
text), and its insertion between the marks of another document.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mimidiar.commit import DIRTY, LIBRARIES, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text
from mimidiar.report.cells import NOT_RUN, Cell, Compared, Figure, NotRun
from mimidiar.report.fill import HASH_DIGITS, FilledRow, FilledTable, fill_tables
from mimidiar.report.record import Record
from mimidiar.report.record_index import Shelf
from mimidiar.report.table_file import Column, TableFile
from mimidiar.score.bootstrap import ConfidenceInterval

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
APART = "published by others, each under its own protocol"
PLACE = ["table", "row", "system", "series", "role", "column", "set", "protocol", "metric", "versus"]
CSV_COLUMNS = [*PLACE, "value", "deviation", "seeds", "low", "high", "status", "note", "draft"]
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
_LATEX |= {character: f"\\{character}" for character in "&%$#_{}"}


@dataclass(frozen=True)
class Report:
    """`facts`: lines on speech, features and code of the tables; `draft`: the reason why they must not be quoted."""

    title: str
    draft: str
    facts: list[str]
    tables: list[FilledTable]


def make_report(file: TableFile, shelf: Shelf, allow_dirty: bool = False) -> Report:
    """The tables of a file from the records on the shelf. Raises MimidiarError as `fill_tables` does."""
    tables = fill_tables(file, shelf, allow_dirty)
    records = list({id(record): record for table in tables for record in table.records}.values())
    dirty = sum(record.dirty for record in records)
    draft = f"Draft, from uncommitted code: {dirty} of {len(records)} records. Not to be quoted." if dirty else ""
    return Report(file.title, draft, _facts(records), tables)


def brief(report: Report) -> Report:
    """The tables with their notes only, without title and lines on speech, code and protocols."""
    return replace(report, title="", facts=[], tables=[replace(table, conditions=[]) for table in report.tables])


def _facts(records: list[Record]) -> list[str]:
    """Origin of the speech, weights and packages of others, code and libraries."""
    speech = {f"Speech: {origin}" for record in records for origin in record.lineage["speech"]}
    features = {_features(entry) for record in records for entry in record.lineage["features"]}
    packages = {f"{p['package']}: version {p['version']}" for r in records for p in r.lineage.get("packages", [])}
    code = sorted({_short_commit(commit) for record in records for commit in record.commits()})
    made = {_environment(record) for record in records}
    known = [*sorted(speech), *sorted(features), *sorted(packages)]
    return [*known, *([f"Code: {', '.join(code)}"] if code else []), *sorted(made)]


def _features(entry: dict[str, str]) -> str:
    sha256 = entry["weights_sha256"][:HASH_DIGITS]
    return f"{entry['encoder']} ({entry['tap']}): {entry['weights']}; weights {sha256}"


def _environment(record: Record) -> str:
    about = record.environment
    versions = [f"{name} {about[name]}" for name in LIBRARIES if about.get(name)]
    python = f"Python {about.get('python')}"
    return f"Made with {', '.join([python, *versions])} on {about.get('processor')}"


def _short_commit(commit: str) -> str:
    sha, _, rest = commit.partition("-")
    return commit if commit == UNKNOWN else sha[:HASH_DIGITS] + (DIRTY if rest else "")


def markdown(report: Report) -> str:
    """Headings, facts and pipe tables; the best result in bold, published figures in italics below."""
    parts = [f"# {report.title}" if report.title else "", f"**{report.draft}**" if report.draft else ""]
    parts.append("\n".join(f"- {fact}" for fact in report.facts))
    for table in report.tables:
        parts += [f"## {table.title}", _markdown_table(table)]
        parts += ["\n".join(f"- {compared.sentence('**{}**')}" for compared in table.comparisons)]
        parts += ["\n".join(f"- {line}" for line in table.conditions)]
        parts += ["\n".join(f"- [{number}] {note}" for number, note in enumerate(table.notes, 1)), table.note]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _markdown_table(table: FilledTable) -> str:
    lines = [_head(table), *(_line(table, row, "**{}**") for row in table.rows)]
    if table.published:
        lines.append([f"*{APART}*", *[""] * (len(lines[0]) - 1)])
        lines += [[f"*{text}*" if text else "" for text in _line(table, row)] for row in table.published]
    lines = [[text.replace("|", r"\|").replace("\n", " ") for text in line] for line in lines]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    head, *body = ([text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *body])


def latex(report: Report) -> str:
    """A `tabular` each (packages booktabs, inputenc), its notes below it; the facts behind all at the end."""
    parts = ["% Generated by `mimidiar report`; changes here are lost."]
    if report.draft:
        parts.append(rf"\textbf{{{_escape(report.draft)}}}\par")
    for table in report.tables:
        parts += ["", f"% {table.title}", *_latex_table(table), *map(_latex_note, _notes(table))]
    if report.facts:
        parts += ["", *map(_latex_note, report.facts)]
    return "\n".join(parts) + "\n"


def _latex_table(table: FilledTable) -> Iterator[str]:
    head = _head(table)
    yield rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}"
    yield r"\toprule"
    yield " & ".join(map(_escape, head)) + r" \\"
    yield r"\midrule"
    for row in table.rows:
        yield " & ".join(_line(table, row, r"\textbf{{{}}}", _escape)) + r" \\"
    if table.published:
        yield r"\midrule"
        yield rf"\multicolumn{{{len(head)}}}{{l}}{{\emph{{{APART}}}}} \\"
    for row in table.published:
        yield " & ".join(rf"\emph{{{text}}}" if text else "" for text in _line(table, row, escape=_escape)) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _notes(table: FilledTable) -> Iterator[str]:
    notes = (f"[{number}] {note}" for number, note in enumerate(table.notes, 1))
    sentences = (compared.sentence() for compared in table.comparisons)
    return filter(None, [*sentences, *notes, *table.conditions, table.note])


def _latex_note(text: str) -> str:
    return rf"\par{{\footnotesize {_escape(text)}}}"


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def _head(table: FilledTable) -> list[str]:
    return ["system", *(["seeds"] if table.several_seeds else []), *(column.label for column in table.columns)]


def _line(table: FilledTable, row: FilledRow, bold: str = "{}", escape: Callable[[str], str] = str) -> list[str]:
    """The texts of a row, the best ones in `bold`."""
    texts = [escape(_text(cell, column)) for cell, column in zip(row.cells, table.columns, strict=True)]
    marked = [bold.format(text) if place in row.bold else text for place, text in enumerate(texts)]
    name = f"{row.series}: {row.label}" if row.series else row.label
    label = escape(name + (f" [{row.note}]" if row.note else ""))
    return [label, *([row.seeds] if table.several_seeds else []), *marked]


def _text(cell: Cell, column: Column) -> str:
    digits = f".{column.decimals}f"
    match cell:
        case Figure():
            spread = "" if cell.deviation is None else f" ± {cell.deviation:{digits}}"
            interval = "" if cell.low is None else f" [{cell.low:{digits}}, {cell.high:{digits}}]"
            return f"{cell.mean:{digits}}{spread}{interval}"
        case ConfidenceInterval():
            return f"{cell.value:+{digits}} [{cell.low:+{digits}}, {cell.high:+{digits}}]"
        case NotRun():
            return NOT_RUN + (f" [{cell.note}]" if cell.note else "")
    return cell or ""


def comma_separated(report: Report) -> str:
    """A line for each cell, figures in full; a draft says so in each."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(entry | {"draft": report.draft} for entry in _entries(report))
    return stream.getvalue()


def as_json(report: Report) -> str:
    """{"title", "draft", "facts", "steps": a list of cells, "comparisons": sentences and figures}.

    The `label` of a step is its row's, its `value` null where not run.
    """
    steps = [{"label": entry["row"], **entry} for entry in _entries(report)]
    document = {"title": report.title, "draft": report.draft, "facts": report.facts, "steps": steps}
    document["comparisons"] = [_compared(table.name, one) for table in report.tables for one in table.comparisons]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _entries(report: Report) -> Iterator[dict[str, Any]]:
    """What CSV and JSON say of each cell that is not empty."""
    for table in report.tables:
        for row in [*table.rows, *table.published]:
            for cell, column in zip(row.cells, table.columns, strict=True):
                if cell is not None:
                    about = {"table": table.name, "row": row.label, "system": row.system, "series": row.series}
                    about |= {"role": row.role, "column": column.label, "set": column.set, "protocol": column.protocol}
                    yield about | {"metric": column.metric, "versus": column.versus} | _values(cell, row, table.notes)


def _compared(table: str, one: Compared) -> dict[str, Any]:
    about = {"table": table, "system": one.row.system, "versus": one.versus.system, "column": one.column.label}
    about |= {"set": one.column.set, "protocol": one.column.protocol, "metric": one.column.metric}
    figures = {name: one.found and getattr(one.found, name) for name in ("value", "low", "high")}
    return about | {"verdict": one.verdict} | figures | {"sentence": one.sentence()}


def _values(cell: Cell, row: FilledRow, notes: list[str]) -> dict[str, Any]:
    match cell:
        case Figure():
            values = {"value": cell.mean, "deviation": cell.deviation, "seeds": cell.seeds, "status": "figure"}
            return values | {"low": cell.low, "high": cell.high, "note": notes[row.note - 1] if row.note else ""}
        case ConfidenceInterval():
            return {"value": cell.value, "low": cell.low, "high": cell.high, "status": "difference", "note": ""}
        case str():
            return {"value": cell, "status": "published", "note": notes[row.note - 1]}
        case NotRun():
            return {"value": None, "status": NOT_RUN, "note": notes[cell.note - 1] if cell.note else ""}


FORMATS: dict[str, Callable[[Report], str]] = {"md": markdown, "latex": latex, "csv": comma_separated, "json": as_json}


def insert(text: str, path: Path) -> str:
    """The document at `path` with `text` between its lines `<!-- results: begin -->` and `<!-- results: end -->`.

    Headings go two levels down, below a section of the document. Raises MimidiarError where the marks are missing.
    """
    if not path.is_file():
        raise MimidiarError(f"{path}: no such file to put the tables into")
    document = path.read_text(encoding="utf-8")
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise MimidiarError(f"{path}: needs one line '{BEGIN}' and, below it, one line '{END}'")
    lower = re.sub(r"^#", "###", text, flags=re.MULTILINE)
    return f"{document[: document.index(BEGIN)]}{BEGIN}\n{lower}{document[document.index(END) :]}"


def write_or_check(path: Path, text: str, check: bool) -> str:
    """Write `text`, or with `check` raise MimidiarError unless the file contains it; returns a line on the result."""
    if not check:
        write_text(path, text)
        return f"written: {path}"
    found = path.read_text(encoding="utf-8") if path.is_file() else ""
    if found != text:
        old, new = found.splitlines(), text.splitlines()
        line = next((n for n, pair in enumerate(zip(old, new, strict=False), 1) if pair[0] != pair[1]), len(new) + 1)
        raise MimidiarError(
            f"{path}: differs from what its records give, first in line {line}; run without --check to write it"
        )
    return f"as its records give it: {path}"
