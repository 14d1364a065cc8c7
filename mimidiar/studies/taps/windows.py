"""Speakers in the windows of pooled taps, by the reference: for the training of probes, and for clustering."""

from collections.abc import Sequence

import numpy as np

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.studies.taps.pooled_store import Pooling

ALONE = 0.8  # of a window that a speaker fills, alone, for an example of the speaker
SPEECH = 0.5  # of a window: with less, its embedding is poor


def window_shares(turns: Sequence[Turn], windows: int, pooling: Pooling) -> tuple[np.ndarray, list[str]]:
    """(windows, S): the share of each window with speech of each speaker, and the speakers."""
    speakers = sorted({turn.speaker for turn in turns})
    length, hop = round(pooling.window_sec * LABEL_HZ), round(pooling.hop_sec * LABEL_HZ)
    active = activity_matrix(turns, speakers, hop * (windows - 1) + length, LABEL_HZ)
    return np.stack([active[hop * w : hop * w + length].mean(0) for w in range(windows)]), speakers


def who_is_alone(shares: np.ndarray) -> np.ndarray:
    """(windows,): the number of the one speaker of a window, -1 where there are none or several."""
    if not shares.shape[1]:
        return np.full(len(shares), -1)
    alone = (shares.max(1) >= ALONE) & ((shares > 0).sum(1) == 1)
    return np.where(alone, shares.argmax(1), -1)


def window_centers(windows: int, pooling: Pooling) -> np.ndarray:
    """(windows,) in seconds."""
    return np.arange(windows) * pooling.hop_sec + pooling.window_sec / 2
