"""The recordings of a set folder: one audio file each, or one channel of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimidiar.data.jsonl import RECORDINGS, read_jsonl
from mimidiar.errors import MimidiarError


@dataclass(frozen=True)
class RecordingFile:
    """One recording: its id, its audio file, and the length stated in the manifest.

    `channel`: the channel of the recording in the file, from 0; None: the only one, or the mean of all.
    """

    id: str
    path: Path
    sample_rate: int
    samples: int
    channel: int | None = None

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate


def read_recordings(data_dir: str | Path) -> list[RecordingFile]:
    """All recordings of a set folder, in manifest order.

    Raises MimidiarError for a missing, damaged or empty manifest, an id that stands twice, and a recording that is
    not one plain audio file.
    """
    manifest = Path(data_dir) / RECORDINGS
    recordings: dict[str, RecordingFile] = {}
    for number, row in enumerate(read_jsonl(manifest), 1):
        recording = _recording(row, f"{manifest}: line {number}")
        if recording.id in recordings:
            raise MimidiarError(f"{manifest}: line {number}: recording {recording.id} stands there twice")
        recordings[recording.id] = recording
    if not recordings:
        raise MimidiarError(f"{manifest}: holds no recordings; run stages 1 and 2 again")
    return list(recordings.values())


def recording_ids(data_dir: str | Path) -> frozenset[str]:
    """The names of a set's recordings; no audio is read. Raises MimidiarError for a broken manifest."""
    try:
        return frozenset(row["id"] for row in read_jsonl(Path(data_dir) / RECORDINGS))
    except (KeyError, TypeError) as error:
        raise MimidiarError(f"{data_dir}: a recording has no id ({error!r}); prepare the set again") from None


def _recording(row: dict[str, Any], where: str) -> RecordingFile:
    try:
        name, sources = row["id"], row["sources"]
        rate, samples = int(row["sampling_rate"]), int(row["num_samples"])
        kind, path, channels = sources[0]["type"], sources[0]["source"], sources[0].get("channels") or [0]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise MimidiarError(f"{where}: no lhotse recording ({error!r}); prepare the data again") from None
    if len(sources) != 1 or kind != "file" or row.get("transforms"):
        raise MimidiarError(
            f"{where}: recording {name} must be one audio file as it is, found {len(sources)} source(s) of type {kind}"
            f"{' with transforms' if row.get('transforms') else ''}; write it to a file first"
        )
    return RecordingFile(name, Path(path), rate, samples, _channel(channels, row.get("channel_ids") or channels))


def _channel(of_file: Sequence[int], of_recording: Sequence[int]) -> int | None:
    """The channel of the recording in the file; None if the recording has all channels."""
    return of_file.index(of_recording[0]) if len(of_recording) == 1 < len(of_file) else None


def fingerprint(recordings: Sequence[RecordingFile]) -> str:
    """A hash of ids and lengths that identifies a set, independent of the order and of the paths."""
    return hashlib.sha256("\n".join(sorted(map(_print, recordings))).encode()).hexdigest()


def _print(recording: RecordingFile) -> str:
    channel = "" if recording.channel is None else f" channel {recording.channel}"
    return f"{recording.id} {recording.sample_rate} {recording.samples}{channel}"
