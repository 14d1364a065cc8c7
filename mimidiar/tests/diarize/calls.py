"""What calls of the command are about: two tones in turn, and files."""

from pathlib import Path

import numpy as np
import soundfile

from mimidiar.tests.diarizers import RATE

TALK = ((300, 8.0), (0, 2.0), (2500, 8.0))


def write(path: str | Path, signal: np.ndarray, rate: int = RATE, subtype: str | None = None) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, signal, rate, subtype=subtype)
    return Path(path)


def files(folder: Path) -> set[str]:
    """All files below, hidden ones and those that are half written as well."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
