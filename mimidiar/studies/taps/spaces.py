"""The spaces to compare vectors of taps in: minus the mean of a set, or outputs of linear probes trained on it.

The probes of all taps share only their training batches: each learns the same as it would alone. One more probe reads
a learned weighted sum of the layers, as in SUPERB (Yang et al. 2021, section 2): weights by softmax, trained with the
probe; each layer is normalized first, so that weights show the use of layers and not their scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.studies.taps.pooled_store import PooledTaps, utterances_in
from mimidiar.weight_files import read_weight_file

FORMAT = "mimidiar-tap-probes-1"
MIX = "mix"  # the weighted sum, where taps are named


@dataclass(frozen=True)
class TapMeans:
    """Every tap minus the mean of the training set: `mean` (taps, D). Nothing is learned, without a seed.

    `protocol`: name of its scores; `taps` of its encoder; `speakers` of its training set, and the `source` of that.
    """

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


def mixed_taps(taps: Sequence[str]) -> list[str]:
    """The layers of the weighted sum: all before the quantizer; none where there is only one."""
    layers = [tap for tap in taps if not tap.startswith("quantized.")]
    return layers if len(layers) > 1 else []


@dataclass(frozen=True)
class TapProbes:
    """Trained probes: `mean` and `std` (taps, D), `weight` (taps, S, D); of the sum `mix` (layers,), which sums to 1,
    and `mix_weight` (S, D). `speakers`: the S speakers that they were trained on; `source`: their file.
    """

    source: Path
    taps: list[str]
    speakers: list[str]
    mean: np.ndarray
    std: np.ndarray
    weight: np.ndarray
    mix: np.ndarray
    mix_weight: np.ndarray
    protocol = "probe"

    @property
    def names(self) -> list[str]:
        """The taps, and the sum where there is one."""
        return [*self.taps, *([MIX] if len(self.mix) else [])]

    def place(self, vectors: np.ndarray, name: str) -> np.ndarray:
        """Vectors (N, taps, D) -> (N, S): the outputs of one probe, or of that of the sum, without the bias."""
        if name != MIX:
            tap = self.taps.index(name)
            return (vectors[:, tap] - self.mean[tap]) / self.std[tap] @ self.weight[tap].T
        layers = [self.taps.index(tap) for tap in mixed_taps(self.taps)]
        normal = (vectors[:, layers] - self.mean[layers]) / self.std[layers]
        return np.einsum("l,nld->nd", self.mix, normal) @ self.mix_weight.T


TapSpace = TapMeans | TapProbes


def load_tap_probes(path: str | Path) -> TapProbes:
    """Read the probes of a model.safetensors. MimidiarError for a file that is missing, damaged or of another kind."""
    tensors, header = read_weight_file(path, FORMAT, framework="numpy")
    names = ("features.mean", "features.std", "weight", "mix", "mix_weight")
    if missing := [name for name in (*names, "taps", "speakers") if name not in tensors and name not in header]:
        raise MimidiarError(f"{path}: probes without {missing[0]}; train them again")
    mean, std, weight, logits, mix_weight = (tensors[name] for name in names)
    mix = np.exp(logits.astype(np.float64) - logits.max(initial=-np.inf))
    return TapProbes(
        Path(path), header["taps"], header["speakers"], mean, std, weight, mix / max(mix.sum(), 1e-300), mix_weight
    )
