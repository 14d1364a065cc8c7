"""Weights that come with the package, each beside the record of how it was made (`mimidiar ship` puts them there)."""

from pathlib import Path

from mimidiar.errors import MimidiarError, listed
from mimidiar.files import read_json, sha256_file

ASSETS = Path(__file__).parent / "assets"
WEIGHTS, RECORD, CARD = ".safetensors", ".json", ".md"


def shipped_file(name: str) -> Path:
    """The file of the weights of that name, whole: its sha256 is the one in its record.

    MimidiarError for an unknown name, listing what there is, and for other bytes than those of the record.
    """
    path, record = ASSETS / f"{name}{WEIGHTS}", ASSETS / f"{name}{RECORD}"
    if not path.is_file():
        there = listed(shipped_names()) or "none"
        raise MimidiarError(f"mimidiar comes with no weights called '{name}' (with {there}); name a file of weights")
    wanted, found = read_json(record).get("sha256"), sha256_file(path)
    if found != wanted:
        raise MimidiarError(
            f"{path}: its sha256 is {found}, and {record.name} beside it says {wanted}; the file was damaged or "
            "replaced: install mimidiar again, or check both files out again"
        )
    return path


def shipped_names() -> list[str]:
    """The names of all weights that come with the package."""
    return sorted(file.stem for file in ASSETS.glob(f"*{WEIGHTS}"))
