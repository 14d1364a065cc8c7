"""What lies in a folder that a stage made or reads: sets and their recordings, and what small files name."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mimidiar.data.origins import corpus_of_speaker, describe_corpus
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json, sha256_file
from mimidiar.report.stage_state import place

MANIFEST, SUPERVISIONS = "recordings.jsonl.gz", "supervisions.jsonl.gz"


def ids_hash(folder: Path) -> str:
    return hashlib.sha256("\n".join(sorted(recording_ids(folder))).encode()).hexdigest()


def recording_ids(folder: Path) -> frozenset[str]:
    """The ids of a set's recordings."""
    return frozenset(_each_row(folder / MANIFEST, lambda row: row["id"]))


def _each_row(path: Path, take: Callable[[dict[str, Any]], Any]) -> list[Any]:
    """What `take` takes of each row of a manifest. Raises MimidiarError for one that cannot be read."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            return [take(json.loads(line)) for line in stream]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MimidiarError(f"{path}: cannot be read ({error}); prepare the set again") from None


def describe_set(folder: Path) -> dict[str, Any]:
    """How much speech of how many speakers of which corpora is in a set."""
    seconds = sum(_each_row(folder / MANIFEST, lambda row: row["duration"]))
    speakers: dict[str, set[str]] = {}
    for corpus, speaker in _each_row(folder / SUPERVISIONS, lambda row: (row.get("custom") or {}, row["speaker"])):
        name = corpus.get("corpus") or corpus_of_speaker(speaker, folder.name)
        speakers.setdefault(name, set()).add(speaker)
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
        raise MimidiarError(f"{path}: does not name the set that it was tuned on; write it again with `mimidiar tune`")
    return values["tuned_on"]


def texts(path: Path, *names: str) -> dict[str, str]:
    """These entries of a JSON file, as text."""
    document = read_json(path)
    if missing := [name for name in names if not isinstance(document, dict) or name not in document]:
        raise MimidiarError(f"{path}: does not say '{missing[0]}'; remove the folder and run its stage again")
    return {name: str(document[name]) for name in names}
