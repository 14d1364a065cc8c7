"""What a model has seen: the sets that it was trained on, and the scored set where one of these holds part of it."""

import gzip
import json
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mimidiar.commit import UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.report.lineage import stage_of

MANIFEST = "recordings.jsonl.gz"


def sets_seen(model: Path) -> list[Path]:
    """The set folders that the stage which trained a model read, those that it was only watched on among them."""
    stage = stage_of(model)
    return [path for path in stage.inputs if (path / MANIFEST).is_file()] if stage else []


def names_seen(models: Iterable[Path], scored: Path | None) -> list[str]:
    """Names of the sets that the models have seen, sorted; `unknown` for a model that no stage trained on sets.

    The name of the set folder `scored` is among them where training saw any recording of it under another name.
    """
    names: set[str] = set()
    for seen in map(sets_seen, models):
        names |= {folder.name for folder in seen} or {UNKNOWN}
        if scored is not None and scored.name not in names and any(_share(folder, scored) for folder in seen):
            names.add(scored.name)
    return sorted(names)


def _share(one: Path, other: Path) -> bool:
    return not _recordings(one).isdisjoint(_recordings(other))


def _recordings(folder: Path) -> frozenset[str]:
    """The ids of a set's recordings. Raises MimidiarError for a manifest that cannot be read."""
    path = folder / MANIFEST
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return _ids(path, found.st_size, found.st_mtime_ns)


@cache
def _ids(path: Path, size: int, changed_ns: int) -> frozenset[str]:
    """Many records are of models that were trained on the same set."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            return frozenset(json.loads(line)["id"] for line in stream)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> MimidiarError:
    return MimidiarError(f"{path}: cannot be read ({error}); prepare the set again")
