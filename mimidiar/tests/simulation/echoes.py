"""Sets of sounds as `prepare musan` and `prepare rirs` leave them, and responses whose echoes are known."""

from pathlib import Path

import numpy as np
import soundfile

from mimidiar.corpora.sounds import write_sounds
from mimidiar.data.manifests import file_recording

RATE = 16000


def write_folder(folder: Path, rooms: dict[str, str] | None = None, **sounds: np.ndarray) -> Path:
    """A set of sounds by name; `rooms`: the room of each, where it is told."""
    folder.mkdir(parents=True)
    recordings = []
    for name, samples in sounds.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="FLOAT")
        recordings.append(file_recording(name, folder / f"{name}.wav", RATE, len(samples)))
    write_sounds(folder, recordings, [])
    if rooms:
        (folder / "rooms").write_text("".join(f"{name} {room}\n" for name, room in rooms.items()))
    return folder


def response(delay: int, echoes: dict[int, float] | None = None, direct: float = 0.7) -> np.ndarray:
    """(4000,): the direct sound after `delay` samples, and echoes so many samples after it."""
    found = np.zeros(4000, np.float32)
    for late, height in ({0: direct} | (echoes or {})).items():
        found[delay + late] = height
    return found
