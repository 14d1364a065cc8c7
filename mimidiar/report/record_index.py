"""An index of records by system, set and protocol, and the rules for records in a table cell."""

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mimidiar.commit import UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.report.record import Record, find_records, read_record
from mimidiar.report.table_file import TAG, WILDCARDS, Row, tag_in
from mimidiar.score.kinds import SCORE_KINDS


@dataclass(frozen=True)
class Filed:
    """A record and the file that it was read from."""

    path: Path
    record: Record


class Shelf:
    """All records below some folders."""

    def __init__(self, folders: Iterable[Path]):
        """Raises MimidiarError for a folder that is not there and for a file that is no valid record."""
        self._filed: dict[tuple[str, str, str], list[Filed]] = {}
        for path in find_records(folders):
            record = read_record(path)
            self._filed.setdefault((record.system, record.set, record.protocol), []).append(Filed(path, record))

    def find(self, system: str, set_name: str, protocol: str, dataset: str = "") -> list[Filed]:
        """The records of a cell by seed, of recipes of any dataset unless one is named."""
        found = self._filed.get((system, set_name, protocol), [])
        return sorted(_made_in(dataset, found), key=lambda filed: filed.record.seed)

    def sets_like(self, pattern: str, dataset: str = "") -> list[str]:
        """The sets that a pattern stands for, by name; a name stands for itself."""
        if not set(pattern) & WILDCARDS:
            return [pattern]
        sets = {set_name for (_, set_name, _), found in self._filed.items() if _made_in(dataset, found)}
        return sorted(fnmatch.filter(sets, pattern))

    def one_row_per_tag(self, rows: list[Row]) -> list[Row]:
        """The rows with {tag} resolved to the systems that are there, by name, less those that other rows name."""
        systems = sorted({system for system, _, _ in self._filed} - {row.system for row in rows})
        resolved: list[Row] = []
        for row in rows:
            if TAG not in row.system:
                resolved.append(row)
                continue
            for system in systems:
                if tag := tag_in(row.system, system):
                    label, series = row.label.replace(TAG, tag), row.series.replace(TAG, tag)
                    resolved.append(replace(row, label=label, system=system, series=series))
        return resolved


def _made_in(dataset: str, found: list[Filed]) -> list[Filed]:
    return [filed for filed in found if dataset in ("", filed.record.dataset)]


def check_records(found: list[Filed], row: Row, where: str, allow_dirty: bool) -> None:
    """Raise MimidiarError, naming the cell (`where`), for records that must not stand in it."""
    for place, filed in enumerate(found):
        for objection in _objections(filed, found[:place], row, allow_dirty):
            raise MimidiarError(f"{where}: {objection}")


def _objections(filed: Filed, earlier: list[Filed], row: Row, allow_dirty: bool) -> Iterator[str]:
    """Why a record must not stand in a cell with the `earlier` ones: a doubled seed; uncommitted code; a set that it
    was tuned on, or trained on without being marked as leaky; other configurations or features than the other seeds'.
    """
    path, record = filed.path, filed.record
    for other in earlier:
        if other.record.seed == record.seed:
            yield f"two records of seed {record.seed}: {other.path} and {path}"
    if record.dirty and not allow_dirty:
        code = ", ".join(record.unclean())
        remedy = "commit and run again, or give --allow-dirty for a draft"
        yield f"{path} was made by code that is in no commit ({code}); {remedy}"
    if record.set in record.tuned_on and not SCORE_KINDS[record.kind].tuned_on_itself:
        yield f"{path} was tuned on {record.set}, the set that it is scored on"
    if record.set in record.trained_on and row.role != "leaky":
        scored = f"{record.set}, the set that it is scored on"
        yield f"{path} was trained on {scored}; if the row is there to show that, mark it by `role: leaky`"
    if UNKNOWN in record.trained_on and row.role != "leaky":
        model = f"a model without a training stage, which may contain {record.set}"
        yield f"{path} is of {model}; train it by a stage, or mark the row by `role: leaky`"
    if earlier and (odd := _differing_part(earlier[0].record, record)):
        yield (
            f"{earlier[0].path} and {path} are no seeds of one system: they differ in their {odd}; run both alike, or "
            "name the systems differently"
        )


def _differing_part(a: Record, b: Record) -> str | None:
    """A part, other than the seed, in which two records of one cell differ; None without one."""
    parts = {  # of configurations the hashes alone: the same file may lie in another folder
        "configurations": lambda lineage: sorted(lineage["configurations"].values()),
        "features": lambda lineage: sorted(
            [entry["encoder"], entry["tap"], entry["weights_sha256"]] for entry in lineage["features"]
        ),
    }
    return next((name for name, of in parts.items() if of(a.lineage) != of(b.lineage)), None)
