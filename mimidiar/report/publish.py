"""From an experiment's folder to the results that are kept: clean records alone, of scores that are still the same."""

from collections.abc import Iterable
from pathlib import Path

from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file, write_text
from mimidiar.report.record import Record, find_records, read_record
from mimidiar.score.from_files import SCORE_FILE


def publish(folders: Iterable[Path], results: Path) -> list[Path]:
    """Copy the records below `folders` into `results`; returns the new files.

    All or none: raises MimidiarError, before anything is written, where there is no record, where a record is dirty or
    its score changed since, and where two have the same name.
    """
    sources: dict[str, Path] = {}
    for path in find_records(folders):
        record = read_record(path)
        _require_clean(path, record)
        _require_same_score(path, record)
        if path.name in sources:
            raise MimidiarError(f"{path} and {sources[path.name]}: two records of one figure; remove one")
        sources[path.name] = path
    if not sources:
        raise MimidiarError(f"no record below {', '.join(map(str, folders))}; `mimidiar record` writes them (stage 5)")
    for name, path in sources.items():
        write_text(results / name, path.read_text(encoding="utf-8"))
    return [results / name for name in sources]


def _require_clean(path: Path, record: Record) -> None:
    if record.dirty:
        raise MimidiarError(
            f"{path}: made by code that is in no commit ({', '.join(record.unclean())}); commit, and run from there on "
            "again with --force"
        )


def _require_same_score(path: Path, record: Record) -> None:
    score = path.parent / SCORE_FILE
    if not score.is_file():
        raise MimidiarError(f"{path}: its {SCORE_FILE} is gone; run the scoring stage again")
    if sha256_file(score) != record.lineage["score_sha256"]:
        raise MimidiarError(f"{score}: changed since {path.name} was written; run the scoring stage again with --force")
