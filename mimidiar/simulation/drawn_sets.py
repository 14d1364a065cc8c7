"""Sets of recordings that are drawn one by one from their seeds, written once: to be watched, tuned on or scored."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from lhotse import SupervisionSegment
from tqdm import tqdm

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE, write_flac
from mimidiar.data.manifests import file_recording, write_set

# Seeds of written sets begin with it and those of training do not: nothing of the one is in the other.
WRITTEN = 2**31


class Drawn(Protocol):
    """A recording before it is made: its turns, and its audio, float32 (T,) at 16 kHz."""

    turns: Sequence[Turn]

    def samples(self) -> np.ndarray: ...


def write_drawn(folder: Path, seed: int, count: int, drawn: Iterable[Drawn], unit: str) -> float:
    """Write `count` recordings named by folder, seed and number, and their manifests; returns their seconds."""
    recordings, supervisions, seconds = [], [], 0.0
    for index, each in enumerate(tqdm(drawn, desc=folder.name, total=count, unit=unit, disable=None)):
        name = f"{folder.name}-{seed}-{index:05d}"
        samples = np.round(each.samples() * 32767).astype(np.int16)
        write_flac(path := folder / "wav" / f"{name}.flac", samples)
        recordings.append(file_recording(name, path, SAMPLE_RATE, len(samples)))
        seconds += recordings[-1].duration
        for number, turn in enumerate(each.turns):
            turn_id, length = f"{name}-{number:04d}", round(turn.duration, 3)
            supervisions.append(SupervisionSegment(turn_id, name, turn.start, length, speaker=turn.speaker))
    write_set(folder, recordings, supervisions)
    return seconds
