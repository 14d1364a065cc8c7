"""The recordings of a data folder, read from lhotse's `recordings.jsonl.gz` as the JSON lines that it is.

lhotse itself takes two seconds to import, and torch with it; a finished extraction must be able to say so at once.
"""

import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from mimidiar.errors import MimidiarError

MANIFEST = "recordings.jsonl.gz"


@dataclass(frozen=True)
class RecordingFile:
    """One recording that is one audio file: its id, the file, and what the manifest promises of it."""

    id: str
    path: Path
    sample_rate: int
    samples: int

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate


def read_recordings(data_dir: str | Path) -> list[RecordingFile]:
    """All recordings of a data folder, in manifest order.

    Raises MimidiarError for a missing, damaged or empty manifest, an id that stands twice, and a recording that is
    not one plain audio file.
    """
    manifest = Path(data_dir) / MANIFEST
    if not manifest.is_file():
        raise MimidiarError(f"{manifest}: no such manifest; run stages 1 and 2, or check the data folder's name")
    recordings: dict[str, RecordingFile] = {}
    for number, line in enumerate(_lines(manifest), 1):
        recording = _parse(line, f"{manifest}: line {number}")
        if recording.id in recordings:
            raise MimidiarError(f"{manifest}: line {number}: recording {recording.id} stands there twice")
        recordings[recording.id] = recording
    if not recordings:
        raise MimidiarError(f"{manifest}: holds no recordings; run stages 1 and 2 again")
    return list(recordings.values())


def _lines(manifest: Path) -> list[str]:
    try:
        with gzip.open(manifest, "rt", encoding="utf-8") as stream:
            return [line for line in stream if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise MimidiarError(f"{manifest}: cannot be read to its end ({error}); prepare the data again") from None


def _parse(line: str, where: str) -> RecordingFile:
    try:
        item = json.loads(line)
        name, sources = item["id"], item["sources"]
        rate, samples = int(item["sampling_rate"]), int(item["num_samples"])
        kind, path = sources[0]["type"], sources[0]["source"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise MimidiarError(f"{where}: no lhotse recording ({error!r}); prepare the data again") from None
    if len(sources) != 1 or kind != "file" or item.get("transforms"):
        raise MimidiarError(
            f"{where}: recording {name} must be one audio file as it is, found {len(sources)} source(s) of type {kind}"
            f"{' with transforms' if item.get('transforms') else ''}; write it to a file first"
        )
    return RecordingFile(name, Path(path), rate, samples)


def fingerprint(recordings: list[RecordingFile]) -> str:
    """A hash of ids and lengths, whatever the order and wherever the files lie: tells one set from another."""
    lines = sorted(f"{recording.id} {recording.sample_rate} {recording.samples}" for recording in recordings)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
