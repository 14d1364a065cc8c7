"""UEM (un-partitioned evaluation map) files: which part of each recording is scored, `recording channel start end`."""

from collections.abc import Mapping
from pathlib import Path

from mimidiar.annotation.reading import Reading, sifted
from mimidiar.annotation.text_file import check_name, numbered_fields, seconds_in, source_files
from mimidiar.annotation.turns import Region, union
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path


def read_uem(path: str | Path, notes: list[str] | None = None) -> dict[str, list[Region]]:
    """The scored regions of each recording, sorted and disjoint, from a file or every *.uem of a folder.

    The channel is ignored; overlapping or touching regions become one; regions of no length are passed over, on which
    `notes` gets a line. Raises MimidiarError with file and line.
    """
    regions: dict[str, list[Region]] = {}
    for file in source_files(path, ".uem"):
        with sifted(file, Reading(notes=notes)) as sieve:
            for line, fields in numbered_fields(file):
                if len(fields) != 4:
                    what = f"{len(fields)} fields, but a UEM line has 4 (recording channel start end)"
                    raise MimidiarError(f"{file}, line {line}: {what}")
                start, end = (seconds_in(fields[i], file, line, ("start", "end")[i - 2]) for i in (2, 3))
                if sieve.lasts("region", line, start, end):
                    regions.setdefault(fields[0], []).append((start, end))
    if not regions:
        raise MimidiarError(f"{path}: no region in this UEM, so there is nothing to score")
    return {recording: union(regions[recording]) for recording in sorted(regions)}


def write_uem(path: str | Path, regions: Mapping[str, list[Region]]) -> None:
    """Write the regions of each recording, sorted, in milliseconds; atomically.

    Raises MimidiarError for a name that would be read as something else.
    """
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        for recording in sorted(regions):
            check_name(recording, path, "UEM", leads=True)
            for start, end in union(regions[recording]):
                stream.write(f"{recording} 1 {start:.3f} {end:.3f}\n")
