"""Where the windows of a recording lie, and which of them speak for a label frame.

A window stands for the moment in its middle. Windows are centred on a regular grid and are `window_sec` long; towards
either end of a recording they become shorter on both sides alike, so that the middle stays the middle: a speaker change
at t is a change at t in the embeddings, and not half a window late. No window is shorter than SHORTEST_SEC (its
recording may be); label frames before the first and after the last centre take the nearest window.
"""

from dataclasses import dataclass

import numpy as np

from mimidiar.encoders.speaker.windowing import SHORTEST_SEC, Cut


@dataclass(frozen=True)
class Grid:
    """A cut in samples: half a window, the hop, and the distance of the first and last centre from the ends."""

    half: int
    hop: int
    edge: int

    @classmethod
    def of(cls, cut: Cut, sample_rate: int) -> "Grid":
        half = round(cut.window_sec * sample_rate / 2)
        return cls(half, max(1, round(cut.hop_sec * sample_rate)), min(half, round(SHORTEST_SEC * sample_rate / 2)))

    def centres(self, samples: int) -> np.ndarray:
        """Int64 (N,), N >= 1: where the windows of a recording of `samples` are centred; the last is `edge` from its
        end, whether or not it lies on the grid."""
        last = samples - self.edge
        if last <= self.edge:
            return np.array([samples // 2])
        grid = np.arange(self.edge, last + 1, self.hop)
        return grid if grid[-1] == last else np.append(grid, last)

    def span(self, centre: int, samples: int) -> tuple[int, int]:
        """[first, last) sample of the window around `centre`: symmetric, and inside the recording."""
        half = min(self.half, centre, samples - centre)
        return centre - half, centre + max(half, 1)


def neighbours(centres: np.ndarray, times: np.ndarray, interpolation: str) -> tuple[np.ndarray, ...]:
    """For each time (F,) the windows before and after it, (F,) and (F,), and the share (F,) of the one after.

    `centres` (N,) and `times` are in the same unit, both ascending.
    """
    after = np.searchsorted(centres, times, side="right")
    before, after = (after - 1).clip(min=0), after.clip(max=len(centres) - 1)
    distance = np.maximum(centres[after] - centres[before], 1e-9)
    share = ((times - centres[before]) / distance).clip(0, 1)
    share = np.where(before == after, 0.0, share)
    return before, after, share if interpolation == "linear" else np.round(share)
