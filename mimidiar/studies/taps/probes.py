"""Linear speaker probes of all taps of an encoder at once, and one of a learned weighted sum of its layers.

The probes share only the batches: each learns the same as it would alone. The sum is that of SUPERB (Yang
et al. 2021, section 2): weights by softmax, one for each layer, trained with the probe that reads the sum; each layer
is normalized first, so that weights show the use of layers and not their scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.models.weights import read_weight_file

FORMAT = "mimidiar-tap-probes-1"
MIX = "mix"  # the weighted sum, where taps are named


def mixed_taps(taps: Sequence[str]) -> list[str]:
    """The layers of the weighted sum: all before the quantizer; none where there is only one."""
    layers = [tap for tap in taps if not tap.startswith("quantized.")]
    return layers if len(layers) > 1 else []


@dataclass(frozen=True)
class TapProbes:
    """Trained probes: `mean` and `std` (taps, D), `weight` (taps, S, D); of the sum `mix` (layers,), which sums to 1,
    and `mix_weight` (S, D). `speakers`: the S speakers that they were trained on; `source`: their file. Numpy alone, as
    `Projection`. A `TapSpace` (spaces.py).
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


def load_tap_probes(path: str | Path) -> TapProbes:
    """Read the probes of a model.safetensors. MimidiarError for a file that is missing, damaged or of another kind."""
    tensors, header = read_weight_file(path, FORMAT, framework="numpy")
    try:
        logits = tensors["mix"].astype(np.float64)
        weights = np.exp(logits - logits.max()) if len(logits) else logits
        return TapProbes(
            Path(path),
            header["taps"],
            header["speakers"],
            tensors["features.mean"],
            tensors["features.std"],
            tensors["weight"],
            weights / weights.sum() if len(logits) else weights,
            tensors["mix_weight"],
        )
    except KeyError as error:
        raise MimidiarError(f"{path}: probes without {error}; train them again") from None
