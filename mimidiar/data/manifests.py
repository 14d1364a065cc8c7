"""A set folder on disk: lhotse manifests with the RTTM, UEM and trials that belong to them."""

import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lhotse import AudioSource, CutSet, MonoCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet

import mimidiar.score.trials as score_trials
from mimidiar.annotation.rttm import write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.annotation.uem import read_uem, write_uem
from mimidiar.data.utterances_manifest import stretches
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path, write_text

RECORDINGS, SUPERVISIONS = "recordings.jsonl.gz", "supervisions.jsonl.gz"
REMEDY = "delete the folder and prepare it again"

Record = TypeVar("Record", Recording, SupervisionSegment)
Trial = tuple[int, str, str]  # label (1 = same speaker), enrolment id, test id
Span = tuple[float, float]  # start and end in seconds


@dataclass(frozen=True)
class SetFolder:
    """What a set folder holds. `trials` is None for a set that has none."""

    recordings: RecordingSet
    supervisions: SupervisionSet
    uem: dict[str, list[Span]]
    trials: list[Trial] | None


def file_recording(recording_id: str, path: str | Path, sample_rate: int, samples: int) -> Recording:
    """A mono lhotse Recording of one audio file (its absolute path is kept)."""
    source = AudioSource(type="file", channels=[0], source=str(Path(path).resolve()))
    return Recording(recording_id, [source], sample_rate, samples, samples / sample_rate)


def write_set(
    directory: str | Path,
    recordings: Iterable[Recording],
    supervisions: Iterable[SupervisionSegment],
    uem: Mapping[str, list[Span]] | None = None,
    trials: Iterable[Trial] | None = None,
) -> None:
    """Write a set folder; the same arguments give the same bytes, and every file appears whole.

    `uem` (recording id -> scored spans in seconds) is the whole of every recording when it is None.
    """
    directory = Path(directory)
    recordings = sorted(recordings, key=lambda r: r.id)
    supervisions = sorted(supervisions, key=lambda s: (s.recording_id, s.start, s.id))
    if uem is None:
        uem = {r.id: [(0.0, r.duration)] for r in recordings}
    for left in [directory / RECORDINGS, *directory.glob(".*.partial*")]:  # of this set, and of a killed run
        left.unlink(missing_ok=True)
    write_jsonl(directory / SUPERVISIONS, (s.to_dict() for s in supervisions))
    write_jsonl(directory / "cuts.jsonl.gz", (c.to_dict() for c in _cuts(recordings, supervisions)))
    write_rttm(directory / "ref.rttm", speech_turns(supervisions))
    write_uem(directory / "all.uem", uem)
    if trials is not None:
        write_text(directory / "trials", "".join(f"{label} {a} {b}\n" for label, a, b in trials))
    # Last, and taken away before the first, so that a folder with recordings has everything else as well.
    write_jsonl(directory / RECORDINGS, (r.to_dict() for r in recordings))


def _cuts(recordings: Sequence[Recording], supervisions: Sequence[SupervisionSegment]) -> CutSet:
    """One cut per recording, named like it (lhotse's own maker would append the channel to the name)."""
    turns: dict[str, list[SupervisionSegment]] = {r.id: [] for r in recordings}
    for segment in supervisions:
        if segment.recording_id not in turns:
            raise MimidiarError(f"supervision {segment.id}: its recording {segment.recording_id} is not in the set")
        turns[segment.recording_id].append(segment)
    cuts = [MonoCut(r.id, 0, r.duration, 0, turns[r.id], recording=r) for r in recordings]
    return CutSet.from_cuts(cuts)


def write_jsonl(path: Path, rows: Iterable[dict]) -> None:
    """Write rows as gzipped JSON lines with no time stamp and no name inside, so that equal rows give equal bytes."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with atomic_path(path) as partial:
        partial.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))


def speech_turns(supervisions: Iterable[SupervisionSegment]) -> Iterator[Turn]:
    """The turns of a set; a supervision with speech segments or words in it gives a turn for each stretch of speech."""
    for segment in supervisions:
        items = segment.alignment or {}
        spans = [(item.start, item.start + item.duration) for item in items.get("vad", [])]
        for start, end in (
            spans or stretches(items.get("word", [])) or [(segment.start, segment.start + segment.duration)]
        ):
            yield Turn(segment.recording_id, start, end, segment.speaker)


def read_set(directory: str | Path) -> SetFolder:
    """Read a set folder. Raises MimidiarError naming the file that is missing or the line that is not understood."""
    directory = Path(directory)
    for name in (RECORDINGS, SUPERVISIONS, "all.uem"):
        if not (directory / name).is_file():
            raise MimidiarError(f"{directory / name}: no such file; run stage 1 (or `mimidiar prepare`) first")
    return SetFolder(
        RecordingSet.from_recordings(_records(Recording, directory / RECORDINGS)),
        SupervisionSet.from_segments(_records(SupervisionSegment, directory / SUPERVISIONS)),
        read_uem(directory / "all.uem"),
        read_trials(directory / "trials") if (directory / "trials").is_file() else None,
    )


def _records(kind: type[Record], path: Path) -> Iterator[Record]:
    """The rows of a manifest as lhotse objects. Raises MimidiarError naming the line that is none, or has no times."""
    for number, row in enumerate(read_jsonl(path), 1):
        try:
            record = kind.from_dict(row)
            finite = math.isfinite(record.duration) and math.isfinite(getattr(record, "start", 0.0))
        except (TypeError, KeyError, ValueError, AttributeError, AssertionError) as error:
            raise MimidiarError(f"{path}, line {number}: no {kind.__name__} of lhotse ({error!r}); {REMEDY}") from None
        if not finite:
            raise MimidiarError(f"{path}, line {number}: {record.id} has a time that is not finite; {REMEDY}")
        yield record


def read_jsonl(path: Path) -> list[dict]:
    """Rows of gzipped JSON lines. Raises MimidiarError naming the file and the line."""
    rows: list[dict] = []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            rows.extend(map(json.loads, stream))
    except (json.JSONDecodeError, OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise MimidiarError(f"{path}: broken after line {len(rows)} ({error}); {REMEDY}") from None
    return rows


def read_trials(path: str | Path) -> list[Trial]:
    """Trials, one 'label enrol test' a line. Raises MimidiarError naming the line."""
    trials = score_trials.read_trials(path)
    return [(int(same), enrol, test) for same, (enrol, test) in zip(trials.target, trials.pairs, strict=True)]
