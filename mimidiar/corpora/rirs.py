"""Room impulse responses and noises (Ko et al. 2017, OpenSLR 28) to augment with.

Layout: RIRS_NOISES/{simulated_rirs,real_rirs_isotropic_noises,pointsource_noises}, with lists (rir_list, noise_list)
that end each line with a file's name, and name the room of a response (--room-id). The manifests are lhotse's; a file
`rooms` beside them has lines `recording room`. Parts: sim_rir (60,000 by the image method), real_rir
(some of several channels), iso_noise (recorded with them), point_noise, which are noises of MUSAN: with both corpora
the same noises come twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from mimidiar.annotation.lines import numbered_fields
from mimidiar.corpora.download import Archive, bring
from mimidiar.corpora.preparation import Preparation, no_settings
from mimidiar.corpora.sounds import check_counts, check_listed, write_all
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

TOP = "RIRS_NOISES"
MD5 = "e6f48e257286e05de56413b4779d8ffb"
ROOMS = "rooms"
PARTS = ("sim_rir", "real_rir", "iso_noise", "point_noise")
PUBLISHED = {"sim_rir": 60_000, "point_noise": 843}  # files; the other two have complete lists


@dataclass
class RirsSettings:
    """What `--set KEY=VALUE` can set."""

    parts: list[str] = field(default_factory=lambda: list(PARTS))
    skip_missing: bool = False  # take what is there


def download_rirs(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download and unpack RIRS_NOISES into `downloads`/rirs; an interrupted one continues."""
    from lhotse.recipes.rir_noise import RIR_NOISE_ZIP_URL

    no_settings("rirs", settings)
    target = Path(downloads) / "rirs"
    archive = Archive(((RIR_NOISE_ZIP_URL, MD5),), f"{TOP}/.completed", 1.4e9, 6.5e9)
    bring([archive], target, f"{TOP} from openslr.org (Apache 2.0)")
    return target


def prepare_rirs(work: Preparation) -> list[Path]:
    """Write the folders rirs_<part>; a limit keeps the first sounds of each."""
    from lhotse.recipes.rir_noise import PARTS as FOLDERS
    from lhotse.recipes.rir_noise import prepare_rir_noise

    options = work.options(RirsSettings)
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown or not options.parts:
        raise MimidiarError(f"--set parts=[{','.join(options.parts)}]: choose of {', '.join(PARTS)}")
    root = work.find_root("rirs").resolve()
    root = root / TOP if (root / TOP).is_dir() else root
    for folder in sorted({FOLDERS[part] for part in options.parts}):
        if not (root / folder).is_dir():
            raise MimidiarError(f"{root / folder}: no such folder; is {root} {TOP}? Unpack it again (stage 0)")
    named = [path for folder in sorted({FOLDERS[part] for part in options.parts}) for path in _listed(root, folder)]
    check_listed("rirs", root, named, options.skip_missing)
    manifests = prepare_rir_noise(root, parts=options.parts)
    counts = {
        part: (len(manifests[part]["recordings"]), PUBLISHED[part]) for part in options.parts if part in PUBLISHED
    }
    check_counts("rirs", counts, options.skip_missing)
    folders = write_all(work, "rirs", manifests, f"{TOP} (OpenSLR 28)")
    _write_rooms(folders, manifests.values(), dict(_known_rooms(root)))
    return folders


def _write_rooms(folders: Sequence[Path], manifests: Iterable[Mapping[str, Any]], room_of: Mapping[Path, str]) -> None:
    """The file `rooms` of each set with known rooms."""
    for folder, manifest in zip(folders, manifests, strict=True):
        paths = {recording.id: Path(recording.sources[0].source) for recording in manifest["recordings"]}
        lines = [f"{name} {room_of[path]}\n" for name, path in sorted(paths.items()) if path in room_of]
        if lines:
            write_text(folder / ROOMS, "".join(lines))


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
                file = root / fields[-1].removeprefix(f"{TOP}/")
                yield file, f"{path.parent.relative_to(root)}/{options['--room-id']}"


def _listed(root: Path, folder: str) -> Iterator[Path]:
    """The files that the lists in a folder name, from RIRS_NOISES/ on."""
    for name in ("rir_list", "noise_list"):
        for path in sorted((root / folder).rglob(name)):
            for line, fields in numbered_fields(path):
                if not fields[-1].startswith(f"{TOP}/"):
                    raise MimidiarError(f"{path}, line {line}: {fields[-1]!r} is no file below {TOP}; unpack it again")
                yield root / fields[-1].removeprefix(f"{TOP}/")
