"""A set folder on disk: lhotse manifests with the RTTM, UEM and trials that belong to them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lhotse import AudioSource, CutSet, MonoCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet

import mimidiar.score.trials as score_trials
from mimidiar.annotation.rttm import write_rttm
from mimidiar.annotation.turns import Region, Turn
from mimidiar.annotation.uem import read_uem, write_uem
from mimidiar.data.jsonl import RECORDINGS, REMEDY, SUPERVISIONS, read_jsonl, write_jsonl
from mimidiar.data.utterances_manifest import stretches
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

Record = TypeVar("Record", Recording, SupervisionSegment)
Trial = tuple[int, str, str]  # label (1 = same speaker), enrolment id, test id


@dataclass(frozen=True)
class SetFolder:
    """What a set folder holds. `trials` is None for a set that has none."""

    recordings: RecordingSet
    supervisions: SupervisionSet
    uem: dict[str, list[Region]]
    trials: list[Trial] | None


def file_recording(
    recording_id: str, path: str | Path, sample_rate: int, samples: int, channel: int = 0, channels: int = 1
) -> Recording:
    """A lhotse Recording of one channel of an audio file that has `channels` (its absolute path is kept)."""
    source = AudioSource(type="file", channels=list(range(channels)), source=str(Path(path).resolve()))
    return Recording(recording_id, [source], sample_rate, samples, samples / sample_rate, channel_ids=[channel])


def write_set(
    directory: str | Path,
    recordings: Iterable[Recording],
    supervisions: Iterable[SupervisionSegment],
    uem: Mapping[str, list[Region]] | None = None,
    trials: Iterable[Trial] | None = None,
) -> None:
    """Write a set folder; the same arguments give the same bytes, and every file appears whole.

    `uem` (recording id -> scored regions in seconds) is the whole of every recording when it is None.
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
    cuts = [MonoCut(r.id, 0, r.duration, r.channel_ids[0], turns[r.id], recording=r) for r in recordings]
    return CutSet.from_cuts(cuts)


def speech_turns(supervisions: Iterable[SupervisionSegment]) -> Iterator[Turn]:
    """The turns of a set; a supervision with speech segments or words in it gives a turn for each stretch of speech."""
    for segment in supervisions:
        items = segment.alignment or {}
        regions = [(item.start, item.start + item.duration) for item in items.get("vad", [])]
        for start, end in (
            regions or stretches(items.get("word", [])) or [(segment.start, segment.start + segment.duration)]
        ):
            yield Turn(segment.recording_id, start, end, segment.speaker)


def read_set(directory: str | Path) -> SetFolder:
    """Read a set folder. Raises MimidiarError naming the file that is missing or the line that is not understood."""
    directory = Path(directory)
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


def read_trials(path: str | Path) -> list[Trial]:
    """Trials, one a line (`score.trials`). Raises MimidiarError naming the line."""
    trials = score_trials.read_trials(path)
    return [(int(same), enrol, test) for same, (enrol, test) in zip(trials.target, trials.pairs, strict=True)]
