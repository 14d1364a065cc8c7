"""Posteriors to turns: threshold, median filter, minimum durations."""

from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import median_filter

from mimidiar.annotation.activity import Interval, intervals, runs


@dataclass(frozen=True)
class Decision:
    """How posteriors become turns; kept in tuned.yaml with the name of the set it was tuned on."""

    threshold: float = 0.5
    median_frames: int = 5  # odd; 1 leaves the decisions as they are
    min_turn_sec: float = 0.0  # shorter turns are removed
    min_pause_sec: float = 0.0  # shorter pauses within a speaker are filled

    def check(self) -> None:
        """Raise ValueError unless all are numbers that can be meant."""
        if not 0 <= self.threshold <= 1 or min(self.min_turn_sec, self.min_pause_sec) < 0:
            raise ValueError(f"threshold {self.threshold} must lie in 0 ... 1, durations must not be negative")
        if self.median_frames < 1 or self.median_frames % 2 == 0:
            raise ValueError(f"median_frames is {self.median_frames}; an odd number is meant")

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def decide(posteriors: np.ndarray, frame_hz: float, decision: Decision) -> np.ndarray:
    """Bool (T, K) from posteriors (T, K): median filter, threshold, pauses filled, then short turns removed."""
    smooth = posteriors
    if decision.median_frames > 1:
        smooth = median_filter(posteriors, size=(decision.median_frames, 1), mode="nearest")
    active = smooth > decision.threshold
    for channel in active.T:
        _fill_pauses(channel, round(decision.min_pause_sec * frame_hz))
        _drop_short(channel, round(decision.min_turn_sec * frame_hz))
    return active


def to_turns(posteriors: np.ndarray, frame_hz: float, decision: Decision) -> list[Interval]:
    """Turns of speakers named spk0, spk1, ... by channel."""
    names = [f"spk{k}" for k in range(posteriors.shape[1])]
    return intervals(decide(posteriors, frame_hz, decision), frame_hz, names)


def _fill_pauses(channel: np.ndarray, min_frames: int) -> None:
    """In place: gaps between two runs that are shorter than `min_frames` become active."""
    spans = runs(channel)
    for (_, end), (start, _) in pairwise(spans):
        if start - end < min_frames:
            channel[end:start] = True


def _drop_short(channel: np.ndarray, min_frames: int) -> None:
    """In place: runs shorter than `min_frames` become silent."""
    for first, last in runs(channel):
        if last - first < min_frames:
            channel[first:last] = False
