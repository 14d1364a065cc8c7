"""MUSAN (Snyder et al. 2015, OpenSLR 17): music, speech and noise to augment with, 109 hours at 16 kHz.

Layout: musan/{music,speech,noise}/<source>/<name>.wav with an ANNOTATIONS file per source, whose lines begin with
names. The recordings are lhotse's. Speech is babble at most: some is LibriVox, whose readers may be LibriSpeech's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mimidiar.annotation.lines import numbered_fields
from mimidiar.corpora.download import Archive, bring
from mimidiar.corpora.preparation import Preparation, no_settings
from mimidiar.corpora.sounds import check_counts, check_listed, write_all
from mimidiar.errors import MimidiarError

PARTS = {"music": 660, "speech": 426, "noise": 930}  # files of each
MD5 = "0c472d4fc0c5141eca47ad1ffeb2a7df"


@dataclass
class MusanSettings:
    """What `--set KEY=VALUE` can set."""

    skip_missing: bool = False  # take what is there


def download_musan(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download and unpack MUSAN into `downloads`/musan; an interrupted one continues."""
    from lhotse.recipes.musan import MUSAN_URL

    no_settings("musan", settings)
    target = Path(downloads) / "musan"
    archive = Archive(((MUSAN_URL, MD5),), ".musan_completed", 11.1e9, 12.6e9)
    bring([archive], target, "MUSAN from openslr.org (CC BY 4.0 and public domain)")
    return target


def prepare_musan(work: Preparation) -> list[Path]:
    """Write the folders musan_music, musan_speech and musan_noise; a limit keeps the first sounds of each."""
    options = work.options(MusanSettings)
    root = work.find_root("musan").resolve()
    root = root / "musan" if (root / "musan").is_dir() else root
    named = [path for part in PARTS for path in _annotated(root, part)]
    check_listed("musan", root, named, options.skip_missing)
    manifests = {part: _read_part(root, part) for part in PARTS}
    counts = {part: (len(manifest["recordings"]), PARTS[part]) for part, manifest in manifests.items()}
    check_counts("musan", counts, options.skip_missing)
    return write_all(work, "musan", manifests, "MUSAN (OpenSLR 17)")


def _annotated(root: Path, part: str) -> Iterator[Path]:
    """The files that the annotations of a part name. Raises MimidiarError when the part is not there."""
    if not (root / part).is_dir():
        raise MimidiarError(f"{root / part}: no such folder; is {root} MUSAN? Unpack it again (stage 0)")
    for notes in sorted((root / part).rglob("ANNOTATIONS")):
        for _, fields in numbered_fields(notes):
            if fields[0].startswith(f"{part}-"):
                yield notes.with_name(f"{fields[0]}.wav")


def _read_part(root: Path, part: str) -> dict[str, list]:
    """lhotse's recordings of a part; of music also who plays, which kind, and whether somebody sings."""
    from lhotse import SupervisionSegment
    from lhotse.recipes.musan import read_annotations, scan_recordings

    recordings = scan_recordings(root / part)
    if part != "music":
        return {"recordings": list(recordings)}
    lengths = {recording.id: recording.duration for recording in recordings}
    notes = [
        SupervisionSegment(
            name, name, 0, lengths[name], speaker=artist, custom={"genres": genres.split(","), "vocals": vocals == "Y"}
        )
        for file in (root / part).rglob("ANNOTATIONS")
        for name, genres, vocals, artist in read_annotations(file, max_fields=4)
        if name in lengths
    ]
    return {"recordings": list(recordings), "supervisions": notes}
