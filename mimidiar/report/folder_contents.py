"""The contents of a stage's folder: sets and their recordings, and the entries of small files."""

import hashlib
from pathlib import Path
from typing import Any

from mimidiar.data.jsonl import RECORDINGS, SUPERVISIONS, read_jsonl
from mimidiar.data.origins import corpus_of_speaker, describe_corpus
from mimidiar.data.recordings import recording_ids
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json, sha256_file
from mimidiar.report.stage_state import place


def ids_hash(folder: Path) -> str:
    """A hash of the names of a set's recordings."""
    return hashlib.sha256("\n".join(sorted(recording_ids(folder))).encode()).hexdigest()


def describe_set(folder: Path) -> dict[str, Any]:
    """Hours, speakers and corpora of a set."""
    seconds = sum(row["duration"] for row in read_jsonl(folder / RECORDINGS))
    speakers: dict[str, set[str]] = {}
    for row in read_jsonl(folder / SUPERVISIONS):
        name = (row.get("custom") or {}).get("corpus") or corpus_of_speaker(row["speaker"], folder.name)
        speakers.setdefault(name, set()).add(row["speaker"])
    corpora = [
        {"corpus": name, "speakers": len(own), **dict(zip(("origin", "licence"), describe_corpus(name), strict=True))}
        for name, own in sorted(speakers.items())
    ]
    return {"set": place(folder.resolve()), "hours": round(seconds / 3600, 3), "corpora": corpora}


def configuration_sha256(folder: Path) -> str | None:
    """The hash of the configuration that a model folder keeps."""
    names = [name for name in ("config.yaml", "train.json") if (folder / name).is_file()]
    return sha256_file(folder / names[0]) if names else None


def tuned_on(path: Path) -> str:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("tuned_on"), str):
        raise MimidiarError(
            f"{path}: does not name the set that it was tuned on; write it again with `mimidiar eval tune`"
        )
    return values["tuned_on"]


def texts(path: Path, *names: str) -> dict[str, str]:
    """These entries of a JSON file, as text."""
    document = read_json(path)
    if missing := [name for name in names if not isinstance(document, dict) or name not in document]:
        raise MimidiarError(f"{path}: no entry '{missing[0]}'; remove the folder and run its stage again")
    return {name: str(document[name]) for name in names}
