"""From a tap's frame rate to the rate of the labels, without losing frames."""

import numpy as np

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.errors import MimidiarError


def stacking_factor(frame_hz: float) -> int:
    """How many frames at `frame_hz` make one label frame. MimidiarError unless it is a whole number."""
    factor = round(frame_hz / LABEL_HZ)
    if factor < 1 or abs(factor * LABEL_HZ - frame_hz) > 1e-6:
        raise MimidiarError(
            f"features at {frame_hz} Hz; labels are at {LABEL_HZ} Hz, so the rate must be a multiple of it"
        )
    return factor


def stack_frames(features: np.ndarray, factor: int) -> np.ndarray:
    """(T, D) -> (ceil(T / factor), factor * D): consecutive frames side by side; the last repeats to fill a stack."""
    missing = -len(features) % factor
    if missing:
        features = np.concatenate([features, np.repeat(features[-1:], missing, axis=0)])
    return features.reshape(-1, factor * features.shape[1])
