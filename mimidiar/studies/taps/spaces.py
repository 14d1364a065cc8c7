"""The spaces to compare vectors of taps in: minus the mean of a set, or outputs of probes trained on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.studies.taps.pooled_store import PooledTaps, utterances_in


class TapSpace(Protocol):
    """`TapMeans` or `TapProbes`.

    `protocol`: name of its scores; `taps` of its encoder, and `names` of the compared taps, which may include a sum;
    `speakers` of its training set, and the `source` of that, a file or folder.
    """

    protocol: str
    source: Path
    taps: list[str]
    speakers: list[str]

    @property
    def names(self) -> list[str]: ...

    def place(self, vectors: np.ndarray, name: str) -> np.ndarray:
        """Vectors (N, taps, D) -> (N, S), to compare by cosine, at the tap `name`."""


@dataclass(frozen=True)
class TapMeans:
    """Every tap minus the mean of the training set: `mean` (taps, D). Nothing is learned, without a seed."""

    source: Path
    taps: list[str]
    speakers: list[str]
    mean: np.ndarray
    protocol = "cosine"

    @property
    def names(self) -> list[str]:
        return self.taps

    def place(self, vectors: np.ndarray, name: str) -> np.ndarray:
        """Vectors (N, taps, D) -> (N, D) of one tap, centered."""
        tap = self.taps.index(name)
        return vectors[:, tap] - self.mean[tap]


def find_means(data_dir: Path, pooled_dir: Path) -> TapMeans:
    """The mean of every tap over the pooled utterances of a set. MimidiarError for windows, or where there are none."""
    pooled = PooledTaps(pooled_dir)
    if pooled.pooling.window_sec:
        raise MimidiarError(f"{pooled_dir}: taps of windows; the mean is one of utterances: pool without --window-sec")
    rows = utterances_in(data_dir, pooled)
    total = np.zeros((len(pooled.taps), pooled.meta["dim"]))
    for row in rows:
        total += pooled.read(row.recording)[0]
    mean = (total / len(rows)).astype(np.float32)
    return TapMeans(Path(pooled_dir), pooled.taps, sorted({row.speaker for row in rows}), mean)
