"""Posteriors to turns: threshold, median filter, minimum durations."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import median_filter

from mimidiar.annotation.activity import runs
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.diarize.pipeline import Frames
from mimidiar.diarize.state import State, still_rows


@dataclass(frozen=True)
class Binarization:
    """How posteriors become turns; kept in tuned.yaml with the name of the set it was tuned on."""

    threshold: float = 0.5
    median_frames: int = 5  # odd; 1: no filter
    min_turn_sec: float = 0.0  # shorter turns are removed
    min_pause_sec: float = 0.0  # shorter pauses within a speaker are filled

    def check(self) -> None:
        """Raise ValueError for numbers out of range."""
        if not 0 <= self.threshold <= 1 or min(self.min_turn_sec, self.min_pause_sec) < 0:
            raise ValueError(f"threshold {self.threshold} must lie in 0 ... 1, durations must not be negative")
        if self.median_frames < 1 or self.median_frames % 2 == 0:
            raise ValueError(f"median_frames is {self.median_frames}; an odd number is meant")


def binarize(posteriors: np.ndarray, frame_hz: float, how: Binarization) -> np.ndarray:
    """Bool (T, K) from posteriors (T, K): median filter, threshold, pauses filled, then short turns removed."""
    smooth = posteriors
    if how.median_frames > 1 and posteriors.size:
        smooth = median_filter(posteriors, size=(how.median_frames, 1), mode="nearest")
    active = smooth > how.threshold
    for column in active.T:
        _fill_pauses(column, round(how.min_pause_sec * frame_hz))
        _drop_short(column, round(how.min_turn_sec * frame_hz))
    return active


class Binarize:
    """The last step: posteriors (B, T, S) -> active (B, T, S). It looks equally far back and ahead."""

    consumes: tuple[str, ...] = ()

    def __init__(self, how: Binarization):
        self._how = how
        durations = round(how.min_turn_sec * LABEL_HZ) + round(how.min_pause_sec * LABEL_HZ)
        self.lookahead_frames = how.median_frames // 2 + durations

    def init_state(self, batch: int) -> State:
        """The posteriors of the frames around those that come next, and which of them are of the recording."""
        around = 2 * self.lookahead_frames
        return {"posteriors": np.zeros((batch, around, 0), np.float32), "valid": np.zeros((batch, around), bool)}

    def step(self, frames: Frames, state: State, mask: np.ndarray | None = None) -> tuple[Frames, State]:
        """See `Step`; speakers may be added from one call to the next."""
        late, count, new = self.lookahead_frames, len(frames), frames.posteriors
        more = ((0, 0), (0, 0), (0, new.shape[2] - state["posteriors"].shape[2]))
        posteriors = np.concatenate([np.pad(state["posteriors"], more), new], axis=1)
        valid = np.concatenate([state["valid"], frames.valid], axis=1)
        active = np.zeros(posteriors.shape, bool)
        for row, inside in enumerate(valid):
            active[row, inside] = binarize(posteriors[row, inside], LABEL_HZ, self._how)
        given = Frames(valid[:, late : late + count], active=active[:, late : late + count])
        kept = slice(count, count + 2 * late)
        return given, still_rows(state, {"posteriors": posteriors[:, kept], "valid": valid[:, kept]}, mask)


def _fill_pauses(column: np.ndarray, min_frames: int) -> None:
    """In place: gaps between two runs that are shorter than `min_frames` become active."""
    spans = runs(column)
    for (_, end), (start, _) in pairwise(spans):
        if start - end < min_frames:
            column[end:start] = True


def _drop_short(column: np.ndarray, min_frames: int) -> None:
    """In place: runs shorter than `min_frames` become silent."""
    for first, last in runs(column):
        if last - first < min_frames:
            column[first:last] = False
