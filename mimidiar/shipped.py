"""Weights in the package, each with its record beside it (`mimidiar model ship` puts them there)."""

from pathlib import Path

from mimidiar.errors import MimidiarError, listed, meant
from mimidiar.files import read_json, sha256_file

ASSETS = Path(__file__).parent / "assets"
WEIGHTS, RECORD, CARD = ".safetensors", ".json", ".md"
DIARIZER = "mimidiar-diarizer-1"  # the format of a diarizer in one file


def shipped_file(name: str, format_name: str | None = None) -> Path:
    """The file of the weights `name`, after a check of its sha256 against its record.

    MimidiarError for an unknown name, with a list of those in the format; and for a wrong sha256.
    """
    path, record = ASSETS / f"{name}{WEIGHTS}", ASSETS / f"{name}{RECORD}"
    if name not in (names := shipped_names(format_name)):
        there = listed(names) or "none"
        raise MimidiarError(
            f"mimidiar comes with no weights called '{name}' (with {there}){meant(name, names) or '; name a file'}"
        )
    wanted, found = read_json(record).get("sha256"), sha256_file(path)
    if found != wanted:
        raise MimidiarError(
            f"{path}: its sha256 is {found}, and {record.name} beside it says {wanted}; the file was damaged or "
            "replaced: install mimidiar again, or check both files out again"
        )
    return path


def diarizer_file(model: str | Path) -> Path:
    """The file of a diarizer, from its path, or from the name of one that comes with the package.

    MimidiarError for an unknown name and a path where there is no file.
    """
    # Names of diarizers that are shipped have neither suffix nor folder.
    if not isinstance(model, Path) and Path(model).name == model and Path(model).suffix == "":
        return shipped_file(model, DIARIZER)
    if not Path(model).is_file():
        raise MimidiarError(f"{model}: no such model file; name another, or one of {listed(shipped_names(DIARIZER))}")
    return Path(model)


def shipped_names(format_name: str | None = None) -> list[str]:
    """The names of all weights that come with the package, or of those of a format (`mimidiar-diarizer-1`, ...)."""
    names = sorted(file.stem for file in ASSETS.glob(f"*{WEIGHTS}"))
    if format_name is None:
        return names
    return [name for name in names if read_json(ASSETS / f"{name}{RECORD}")["header"]["format"] == format_name]
