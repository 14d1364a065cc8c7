"""Conversion between turns in seconds and speaker activity in frames, and the arrival order of speakers.

Rounding rule, the same everywhere: frame f of a stream at `frame_hz` covers [f, f + 1) / frame_hz seconds, and a
speaker is active in it when the frame's center lies inside one of the speaker's turns [start, end). A turn that covers
no center (shorter than one frame, at most) leaves no label.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from mimidiar.annotation.turns import Region, Turn

# Times on disk have a precision of 1 ms; float noise far below that must not move a boundary.
_FRAME_DIGITS = 6


def frame_at(seconds: float, frame_hz: float) -> int:
    """The first frame whose center is at or after `seconds`."""
    return math.ceil(round(seconds * frame_hz - 0.5, _FRAME_DIGITS))


def frame_count(seconds: float, frame_hz: float) -> int:
    """Frames needed to cover `seconds`; the last one may be partly empty."""
    return math.ceil(round(seconds * frame_hz, _FRAME_DIGITS))


def activity_matrix(turns: Iterable[Turn], speakers: Sequence[str], num_frames: int, frame_hz: float) -> np.ndarray:
    """Bool (num_frames, len(speakers)): column k is speaker k, by the rounding rule above.

    Raises KeyError for a turn of another speaker.
    """
    column = {speaker: k for k, speaker in enumerate(speakers)}
    active = np.zeros((num_frames, len(column)), dtype=bool)
    for turn in turns:
        active[_frames(turn.start, turn.end, frame_hz), column[turn.speaker]] = True
    return active


def region_frames(regions: Iterable[Region], num_frames: int, frame_hz: float) -> np.ndarray:
    """Bool (num_frames,): the frames whose center lies inside one of `regions`."""
    inside = np.zeros(num_frames, dtype=bool)
    for start, end in regions:
        inside[_frames(start, end, frame_hz)] = True
    return inside


def _frames(start: float, end: float, frame_hz: float) -> slice:
    return slice(max(frame_at(start, frame_hz), 0), max(frame_at(end, frame_hz), 0))


def active_turns(active: np.ndarray, frame_hz: float, speakers: Sequence[str], recording: str = "") -> list[Turn]:
    """The turns of a bool matrix (T, K) by start; the inverse of `activity_matrix` on whole frames."""
    turns = [
        Turn(recording, first / frame_hz, last / frame_hz, speaker)
        for k, speaker in enumerate(speakers)
        for first, last in runs(active[:, k])
    ]
    return sorted(turns)


def runs(active: np.ndarray) -> list[tuple[int, int]]:
    """[first, last) of every run of true values in a bool vector (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], active.astype(bool), [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def arrival_order(active: np.ndarray) -> list[int]:
    """Columns of (T, K) in order of arrival: at the first frame in which two differ, the active one comes first.

    So the earlier first activity wins; speakers who start together are ordered by the next activity. Columns that never
    differ keep their order; silent columns come last.
    """
    return sorted(range(active.shape[1]), key=lambda k: (~active[:, k].astype(bool)).tobytes())


def arrival_targets(turns: Iterable[Turn], start: int, stop: int, frame_hz: float, outputs: int) -> np.ndarray:
    """Float32 (stop - start, outputs): speaker activity in frames [start, stop), in order of arrival there.

    Speakers who are silent there, and those who arrive when all outputs are taken, have none; empty outputs are last.
    """
    turns = list(turns)
    speakers = sorted({turn.speaker for turn in turns})
    active = activity_matrix(turns, speakers, stop, frame_hz)[start:]
    order = arrival_order(active)[:outputs]
    targets = np.zeros((len(active), outputs), dtype=np.float32)
    targets[:, : len(order)] = active[:, order]
    return targets
