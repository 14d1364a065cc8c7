"""Sounds for augmentation: manifests without speakers, and checks against the corpus' own lists."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lhotse import CutSet, Recording, SupervisionSegment

from mimidiar.corpora.preparation import Preparation
from mimidiar.corpora.utterances import refuse_or_skip
from mimidiar.data.jsonl import RECORDINGS, SUPERVISIONS, write_jsonl
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json
from mimidiar.log import log


def write_sounds(folder: Path, recordings: Iterable[Recording], supervisions: Iterable[SupervisionSegment]) -> None:
    """Write recordings and cuts (what lhotse's augmentation takes), and supervisions where there are any.

    No reference and no UEM: nothing of it is ever scored.
    """
    rows = sorted(recordings, key=lambda recording: recording.id)
    (folder / RECORDINGS).unlink(missing_ok=True)
    notes = sorted(supervisions, key=lambda segment: segment.id)
    if notes:
        write_jsonl(folder / SUPERVISIONS, (segment.to_dict() for segment in notes))
    by_recording: dict[str, list[SupervisionSegment]] = defaultdict(list)
    for segment in notes:
        by_recording[segment.recording_id].append(segment)
    cuts = [recording.to_cut() for recording in rows]
    for cut, recording in zip(cuts, rows, strict=True):
        cut.id, cut.supervisions = recording.id, by_recording[recording.id]
    write_jsonl(folder / "cuts.jsonl.gz", (cut.to_dict() for cut in CutSet.from_cuts(cuts)))
    write_jsonl(folder / RECORDINGS, (recording.to_dict() for recording in rows))


def write_all(
    work: Preparation, corpus: str, manifests: Mapping[str, Mapping[str, Iterable]], origin: str
) -> list[Path]:
    """Write <corpus>_<part> for each of lhotse's manifests; a limit keeps the first sounds of each."""
    folders = []
    for part, manifest in manifests.items():
        recordings = sorted(manifest["recordings"], key=lambda recording: recording.id)[: work.limit]
        if not recordings:
            raise MimidiarError(f"{corpus}: no audio in the part {part}; unpack it again")
        kept = {recording.id for recording in recordings}
        notes = [segment for segment in manifest.get("supervisions", ()) if segment.recording_id in kept]
        folders.append(work.out / f"{corpus}_{part}")
        write_sounds(folders[-1], recordings, notes)
        hours = sum(recording.duration for recording in recordings) / 3600
        log.info(f"{folders[-1].name:18s} {len(recordings):6d} sounds {hours:7.2f} h")
    write_json(work.out / f"{corpus}.json", {"origin": origin})
    return folders


def check_listed(corpus: str, root: Path, named: Sequence[Path], skip: bool) -> None:
    """Refuse or log missing files of the corpus' own lists."""
    missing = [str(path.relative_to(root)) for path in named if not path.is_file()]
    refuse_or_skip(corpus, missing, len(named), "listed sounds are", skip)


def check_counts(corpus: str, counts: Mapping[str, tuple[int, int]], skip: bool) -> None:
    """Refuse or log parts with another number of sounds than published (found, wanted)."""
    differing = [f"{part}: {found} sounds of {wanted}" for part, (found, wanted) in counts.items() if found != wanted]
    if differing:
        text = f"{corpus}: {'; '.join(differing)}"
        if not skip:
            raise MimidiarError(f"{text}. Unpack it again, or take what is there: --set skip_missing=true")
        log.info(f"{text}. Taken as it is.")
