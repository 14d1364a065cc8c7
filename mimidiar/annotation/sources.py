"""Turns from what holds them, RTTM or lhotse supervisions; and the hash of what was read."""

from pathlib import Path

from mimidiar.annotation.reading import PLAIN, Reading
from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.supervisions import FILE_NAMES, read_supervisions, supervisions_file
from mimidiar.annotation.text_file import sha256_lines, sha256_source
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError


def read_turns(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns of each recording by start time, from RTTM (`read_rttm`) or supervisions (`read_supervisions`).

    Raises MimidiarError with file and line.
    """
    return read_supervisions(path, reading) if holds_supervisions(path) else read_rttm(path, reading)


def holds_supervisions(path: str | Path) -> bool:
    """Whether `path` is a *.jsonl or *.jsonl.gz, or a folder with a supervisions.jsonl.gz and without *.rttm[.gz].

    Of a data folder that has both, the RTTM is read. Raises MimidiarError for a folder that has neither.
    """
    path = Path(path)
    if not path.is_dir():
        return path.name.endswith((".jsonl", ".jsonl.gz"))
    names = {entry.name for entry in path.iterdir()}
    if any(name.endswith((".rttm", ".rttm.gz")) for name in names):
        return False
    if names.isdisjoint(FILE_NAMES):
        have = f"no *.rttm and no {FILE_NAMES[0]} in this folder"
        raise MimidiarError(f"{path}: {have}; name a file, or the folder that holds them")
    return True


def sha256_turns(path: str | Path) -> str:
    """The sha256 of what `read_turns` reads, as unpacked."""
    if holds_supervisions(path):
        return sha256_lines(supervisions_file(path))
    return sha256_source(path, ".rttm")
