"""A report: filled tables with their common facts, and its insertion between the marks of another document."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from mimidiar.commit import DIRTY, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text
from mimidiar.report.environment import LIBRARIES
from mimidiar.report.fill import HASH_DIGITS, FilledTable, fill_tables
from mimidiar.report.record import Record
from mimidiar.report.record_index import Shelf
from mimidiar.report.table_file import TableFile

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


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
