"""Corpora that are published as archives: download, unpacking, and detection of finished ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mimidiar.corpora.download import fetch, require_space
from mimidiar.corpora.unpack import unpack_parts
from mimidiar.log import log


@dataclass(frozen=True)
class Archive:
    """One archive. `parts`: (address, published md5 or None) of each of its parts, mostly one.

    `done`: the file below the corpus' folder that marks it as unpacked. Sizes in bytes, rounded up.
    """

    parts: tuple[tuple[str, str | None], ...]
    done: str
    packed: float
    unpacked: float

    def paths(self, folder: Path) -> list[Path]:
        """The paths of the downloaded parts."""
        return [folder / address.partition("?")[0].rpartition("/")[2] for address, _ in self.parts]


def bring(
    archives: Sequence[Archive],
    folder: str | Path,
    what: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Download and unpack the missing `archives` into `folder`; each archive is deleted after unpacking.

    The disk space for all of them is checked first. Interrupted downloads are resumed. Raises MimidiarError.
    """
    folder = Path(folder)
    wanted = [archive for archive in archives if not (folder / archive.done).is_file()]
    if not wanted:
        log.info(f"{what}: already there, in {folder}")
        return
    there = sum(path.stat().st_size for archive in wanted for path in _begun(archive, folder))
    need = sum(archive.unpacked for archive in wanted) + max(archive.packed for archive in wanted) - there
    require_space(folder, max(need, 0), f"{what} (archives and what is in them)")
    for archive in wanted:
        paths = archive.paths(folder)
        for path, (address, md5) in zip(paths, archive.parts, strict=True):
            fetch(address, path, md5=md5, headers=headers)
        unpack_parts(paths, folder)
        mark = folder / archive.done
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _begun(archive: Archive, folder: Path) -> list[Path]:
    candidates = [place for path in archive.paths(folder) for place in (path, path.with_name(f"{path.name}.partial"))]
    return [path for path in candidates if path.is_file()]
