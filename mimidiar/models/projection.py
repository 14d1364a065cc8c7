"""A trained speaker probe as the projection that trials are scored in; numpy alone, since torch takes two seconds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.weight_files import read_weight_file

PROBE_FORMAT = "mimidiar-probe-1"


@dataclass(frozen=True)
class Projection:
    """x (..., D) -> (x - mean) / std @ weight.T (..., speakers): the probe's layer without its bias.

    `pooling`: the frames over which the probe's features were averaged.
    """

    weight: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    pooling: str

    @property
    def dim(self) -> int:
        return self.weight.shape[1]

    def compact(self) -> "Projection":
        """The same angles and lengths in at most D dimensions: of a QR decomposition of the weight, R alone."""
        if len(self.weight) <= self.dim:
            return self
        return replace(self, weight=np.linalg.qr(self.weight.astype(np.float64), mode="r").astype(self.weight.dtype))

    def __call__(self, pooled: np.ndarray) -> np.ndarray:
        return (pooled - self.mean) / self.std @ self.weight.T


def load_projection(path: str | Path) -> Projection:
    """Read a probe's model.safetensors. MimidiarError for a file that is missing, damaged or no probe."""
    return build_projection(*read_weight_file(path, PROBE_FORMAT, framework="numpy"), path)


def build_projection(tensors: dict[str, np.ndarray], header: dict[str, Any], path: str | Path) -> Projection:
    """The probe of a header with these tensors; `path` names their file in MimidiarErrors."""
    names = ("linear.weight", "features.mean", "features.std")
    if missing := [name for name in names if name not in tensors]:
        raise MimidiarError(f"{path}: a probe without {missing[0]}; train it again")
    return Projection(*(tensors[name] for name in names), header.get("pooling"))
