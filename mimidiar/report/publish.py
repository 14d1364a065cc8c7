"""From an experiment's folder to the versioned results.

Clean records alone, of real speech, of scores that are still the same and were made under today's conventions.
"""

from collections.abc import Iterable
from pathlib import Path

from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file, write_text
from mimidiar.report.make_record import figures, read_score
from mimidiar.report.record import VERSION, Record, find_records, read_record
from mimidiar.score.from_files import SCORE_FILE
from mimidiar.score.kinds import SCORE_KINDS


def publish(folders: Iterable[Path], results: Path) -> list[Path]:
    """Copy the records below `folders` into `results`; returns the new files.

    All or none: raises MimidiarError, before anything is written, without any record, for a record that must not be
    published, for two records of the same name, and for older seeds of the same cell in `results`, which tables would
    average with the new ones.
    """
    sources: dict[str, tuple[Path, Record]] = {}
    for path in find_records(folders):
        record = read_record(path)
        _require_clean(path, record)
        _require_whole(path, record)
        _require_same_score(path, record)
        _require_conventions(path, record)
        if path.name in sources:
            raise MimidiarError(f"{path} and {sources[path.name][0]}: two records of one figure; remove one")
        sources[path.name] = path, record
    if not sources:
        raise MimidiarError(
            f"no record below {', '.join(map(str, folders))}; `mimidiar table record` writes them (stage 5)"
        )
    _require_all_seeds({name: record for name, (_, record) in sources.items()}, results)
    for name, (path, _) in sources.items():
        write_text(results / name, path.read_text(encoding="utf-8"))
    return [results / name for name in sources]


def _require_clean(path: Path, record: Record) -> None:
    if record.dirty:
        raise MimidiarError(
            f"{path}: made by code that is in no commit ({', '.join(record.unclean())}); commit, and run from there on "
            "again with --force"
        )


def _require_whole(path: Path, record: Record) -> None:
    """Raise for records of synthetic speech or a small run: their figures are a smoke test."""
    if record.version != VERSION:
        raise MimidiarError(f"{path}: written by an older mimidiar; run its experiment again")
    if not record.lineage["speech"]:
        raise MimidiarError(
            f"{path}: of speech without a corpus.json; only results on real speech are published (--corpus)"
        )
    if record.smoke:
        raise MimidiarError(
            f"{path}: no result, but {', '.join(record.smoke)}; run it whole, on real speech (--corpus)"
        )


def _require_same_score(path: Path, record: Record) -> None:
    score = path.parent / SCORE_FILE
    if not score.is_file():
        raise MimidiarError(f"{path}: its {SCORE_FILE} is gone; run the scoring stage again")
    if sha256_file(score) != record.lineage["score_sha256"]:
        raise MimidiarError(f"{score}: changed since {path.name} was written; run the scoring stage again with --force")
    for name, value in figures(path.parent, read_score(path.parent)).items():
        if getattr(record, name) != value:
            raise MimidiarError(
                f"{path}: its {name} are not those of {score}; run the scoring stage again with --force"
            )


def _require_conventions(path: Path, record: Record) -> None:
    found, now = record.conditions.get("conventions"), SCORE_KINDS[record.kind].conventions
    if found != now:
        raise MimidiarError(
            f"{path}: scored under version {found} of the conventions of scoring, and this code has version {now}; run "
            "the scoring stage again with --force"
        )


def _require_all_seeds(new: dict[str, Record], results: Path) -> None:
    cells = {(record.system, record.set, record.protocol) for record in new.values()}
    kept = find_records([results]) if results.is_dir() else []
    # Older records may be of an older schema: their names are enough.
    stale = [
        p for p in kept if p.name not in new and any(p.name.startswith(".".join(cell) + ".seed") for cell in cells)
    ]
    if stale:
        raise MimidiarError(
            f"{', '.join(map(str, stale))}: older seeds of what is published now, which tables would average with the "
            "new ones; run these seeds too, or remove the files"
        )
