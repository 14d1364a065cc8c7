"""The windows of a recording in one matrix, so that they can be kept in an archive and linked later.

Column 0 is the number of a row's frame, the other columns are the posteriors of the window's channels: a window ends
where the next row is not of the next frame.
"""

from collections.abc import Sequence

import numpy as np

from mimidiar.diarize.windows import Window

LOCAL = "local"  # of the archives and the scp file


def pack_windows(windows: Sequence[Window]) -> np.ndarray:
    """Windows of posteriors (T, K) -> float32 (rows, 1 + K)."""
    frames = [np.arange(window.start, window.stop) for window in windows]
    posteriors = np.concatenate([window.posteriors for window in windows])
    return np.column_stack([np.concatenate(frames), posteriors]).astype(np.float32)


def unpack_windows(matrix: np.ndarray) -> list[Window]:
    """The inverse. Raises ValueError where column 0 does not hold frames."""
    frames = matrix[:, 0].astype(np.int64)
    if not len(frames):
        return [Window(0, matrix[:, 1:])]  # of a recording without a frame
    if (frames != matrix[:, 0]).any() or frames[0] != 0:
        raise ValueError("column 0 does not hold the frames of windows from 0 on")
    starts = np.flatnonzero(np.diff(frames, prepend=frames[0] - 2) != 1)
    stops = [*starts[1:], len(frames)]
    return [Window(int(frames[a]), matrix[a:b, 1:]) for a, b in zip(starts, stops, strict=True)]
