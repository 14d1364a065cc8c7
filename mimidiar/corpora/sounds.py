"""Sounds for augmentation: the corpora MUSAN and RIRS_NOISES as sets without speakers. The manifests are lhotse's.

MUSAN (Snyder et al. 2015, OpenSLR 17): music, speech and noise, 109 hours at 16 kHz, in
musan/{music,speech,noise}/<source>/<name>.wav with an ANNOTATIONS file per source, whose lines begin with names. Speech
is babble at most: some is LibriVox, whose readers may be LibriSpeech's.

RIRS_NOISES (Ko et al. 2017, OpenSLR 28): room impulse responses and noises, in {simulated_rirs,
real_rirs_isotropic_noises,pointsource_noises}, with lists (rir_list, noise_list) that end each line with a file's name,
and name the room of a response (--room-id). A file `rooms` beside the manifests has lines `recording room`. Parts:
sim_rir (60,000 by the image method), real_rir (some of several channels), iso_noise (recorded with them), point_noise,
which are noises of MUSAN: with both corpora the same noises come twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from lhotse import CutSet, Recording, SupervisionSegment

from mimidiar.annotation.text_file import numbered_fields
from mimidiar.corpora.download import Archive, bring
from mimidiar.corpora.preparation import Preparation, no_settings
from mimidiar.corpora.utterances import refuse_or_skip
from mimidiar.data.jsonl import RECORDINGS, SUPERVISIONS, write_jsonl
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json, write_text
from mimidiar.log import log

MUSAN_PARTS = {"music": 660, "speech": 426, "noise": 930}  # files of each
MUSAN_MD5 = "0c472d4fc0c5141eca47ad1ffeb2a7df"
RIRS = "RIRS_NOISES"
RIRS_MD5 = "e6f48e257286e05de56413b4779d8ffb"
RIRS_PARTS = ("sim_rir", "real_rir", "iso_noise", "point_noise")
RIRS_PUBLISHED = {"sim_rir": 60_000, "point_noise": 843}  # files; the other two have complete lists
ROOMS = "rooms"


@dataclass
class MusanSettings:
    """What `--set KEY=VALUE` can set."""

    skip_missing: bool = False  # take what is there


@dataclass
class RirsSettings(MusanSettings):
    """Likewise."""

    parts: list[str] = field(default_factory=lambda: list(RIRS_PARTS))


def download_musan(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download and unpack MUSAN into `downloads`/musan; an interrupted one continues."""
    from lhotse.recipes.musan import MUSAN_URL

    no_settings("musan", settings)
    target = Path(downloads) / "musan"
    archive = Archive(((MUSAN_URL, MUSAN_MD5),), ".musan_completed", 11.1e9, 12.6e9)
    bring([archive], target, "MUSAN from openslr.org (CC BY 4.0 and public domain)")
    return target


def prepare_musan(work: Preparation) -> list[Path]:
    """Write the folders musan_music, musan_speech and musan_noise; a limit keeps the first sounds of each."""
    options = work.options(MusanSettings)
    root = _below(work.find_root("musan"), "musan")
    named = [path for part in MUSAN_PARTS for path in _annotated(root, part)]
    check_listed("musan", root, named, options.skip_missing)
    manifests = {part: _read_part(root, part) for part in MUSAN_PARTS}
    check_counts("musan", manifests, MUSAN_PARTS, options.skip_missing)
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


def download_rirs(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download and unpack RIRS_NOISES into `downloads`/rirs; an interrupted one continues."""
    from lhotse.recipes.rir_noise import RIR_NOISE_ZIP_URL

    no_settings("rirs", settings)
    target = Path(downloads) / "rirs"
    archive = Archive(((RIR_NOISE_ZIP_URL, RIRS_MD5),), f"{RIRS}/.completed", 1.4e9, 6.5e9)
    bring([archive], target, f"{RIRS} from openslr.org (Apache 2.0)")
    return target


def prepare_rirs(work: Preparation) -> list[Path]:
    """Write the folders rirs_<part>; a limit keeps the first sounds of each."""
    from lhotse.recipes.rir_noise import PARTS as FOLDERS
    from lhotse.recipes.rir_noise import prepare_rir_noise

    options = work.options(RirsSettings)
    unknown = [part for part in options.parts if part not in RIRS_PARTS]
    if unknown or not options.parts:
        raise MimidiarError(f"--set parts=[{','.join(options.parts)}]: choose of {', '.join(RIRS_PARTS)}")
    root = _below(work.find_root("rirs"), RIRS)
    top = sorted({FOLDERS[part] for part in options.parts})
    for folder in top:
        if not (root / folder).is_dir():
            raise MimidiarError(f"{root / folder}: no such folder; is {root} {RIRS}? Unpack it again (stage 0)")
    named = [path for folder in top for path in _listed(root, folder)]
    check_listed("rirs", root, named, options.skip_missing)
    manifests = prepare_rir_noise(root, parts=options.parts)
    check_counts("rirs", manifests, RIRS_PUBLISHED, options.skip_missing)
    folders, room_of = write_all(work, "rirs", manifests, f"{RIRS} (OpenSLR 28)"), dict(_known_rooms(root))
    for folder, manifest in zip(folders, manifests.values(), strict=True):
        paths = {recording.id: Path(recording.sources[0].source) for recording in manifest["recordings"]}
        lines = [f"{name} {room_of[path]}\n" for name, path in sorted(paths.items()) if path in room_of]
        if lines:
            write_text(folder / ROOMS, "".join(lines))
    return folders


def read_rooms(folder: Path) -> dict[str, str]:
    """Recording -> room, of the responses in a set folder whose room is known."""
    path = folder / ROOMS
    return {fields[0]: fields[1] for _, fields in numbered_fields(path)} if path.is_file() else {}


def _known_rooms(root: Path) -> Iterator[tuple[Path, str]]:
    """File of a response -> its room. A room has the same name in one list alone: the list's folder is part of it."""
    for path in sorted(root.rglob("rir_list")):
        for _, fields in numbered_fields(path):
            options = dict(pairwise(fields))
            if "--room-id" in options:
                file = root / fields[-1].removeprefix(f"{RIRS}/")
                yield file, f"{path.parent.relative_to(root)}/{options['--room-id']}"


def _listed(root: Path, folder: str) -> Iterator[Path]:
    """The files that the lists in a folder name, from RIRS_NOISES/ on."""
    for name in ("rir_list", "noise_list"):
        for path in sorted((root / folder).rglob(name)):
            for line, fields in numbered_fields(path):
                if not fields[-1].startswith(f"{RIRS}/"):
                    raise MimidiarError(f"{path}, line {line}: {fields[-1]!r} is no file below {RIRS}; unpack it again")
                yield root / fields[-1].removeprefix(f"{RIRS}/")


def _below(root: Path, name: str) -> Path:
    """The folder `name` in the root of a corpus, or the root, where that folder's content is in it."""
    return (root / name if (root / name).is_dir() else root).resolve()


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


def check_counts(
    corpus: str, manifests: Mapping[str, Mapping[str, Iterable]], wanted: Mapping[str, int], skip: bool
) -> None:
    """Refuse or log parts with another number of sounds than the published one."""
    found = {part: len(manifest["recordings"]) for part, manifest in manifests.items() if part in wanted}
    differing = [f"{part}: {count} sounds of {wanted[part]}" for part, count in found.items() if count != wanted[part]]
    if differing:
        text = f"{corpus}: {'; '.join(differing)}"
        if not skip:
            raise MimidiarError(f"{text}. Unpack it again, or take what is there: --set skip_missing=true")
        log.info(f"{text}. Taken as it is.")
