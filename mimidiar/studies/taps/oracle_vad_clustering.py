"""A small diarizer for probing: clustering of windows in a probe's space, with oracle speech activity.

Only the speech activity is that of the reference, so that speaker information alone is measured, beside the trivial
baseline `oracle-vad-one` with the same activity. Average linkage of cosine distances; the distance threshold is the one
tuned value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.turns import LABEL_HZ, Region, Turn
from mimidiar.evaluation.tune import frame_errors

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 31))


@dataclass(frozen=True)
class Windows:
    """Windows of one recording with speech: `centers` (W,) in seconds, and the regions with speech."""

    recording: str
    centers: np.ndarray
    speech: list[Region]


def linkage_of(vectors: np.ndarray) -> np.ndarray:
    """The linkage of vectors (W, D); empty for fewer than two."""
    if len(vectors) < 2:
        return np.zeros((0, 4))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return linkage(np.maximum(pdist(unit, "cosine"), 0.0), "average")


def clusters_at(merges: np.ndarray, threshold: float) -> np.ndarray:
    """(W,): the cluster of each window, from 0 in order of appearance."""
    if not len(merges):
        return np.zeros(1, int)
    found = fcluster(merges, threshold, "distance")
    order = {cluster: number for number, cluster in enumerate(dict.fromkeys(found.tolist()))}
    return np.array([order[cluster] for cluster in found.tolist()])


def to_turns(windows: Windows, clusters: np.ndarray) -> list[Turn]:
    """All speech, each time assigned to the cluster of the window with the nearest center."""
    edges = (windows.centers[:-1] + windows.centers[1:]) / 2 if len(windows.centers) > 1 else np.zeros(0)
    turns: list[Turn] = []
    for start, end in windows.speech:
        times = [start, *edges[(edges > start) & (edges < end)].tolist(), end]
        for first, last in pairwise(times):
            name = f"spk{clusters[np.searchsorted(edges, (first + last) / 2)]}"
            if turns and turns[-1].end == first and turns[-1].speaker == name:
                first = turns.pop().start
            turns.append(Turn(windows.recording, first, last, name))
    return turns


def tune_threshold(
    windows: Sequence[Windows], linkages: Sequence[np.ndarray], references: Sequence[Sequence[Turn]]
) -> tuple[float, float]:
    """The threshold with the least frame DER over the recordings, and that DER in %; the lower threshold in a tie."""
    truths = [_active(turns) for turns in references]
    ders = []
    for threshold in THRESHOLDS:
        errors = [
            frame_errors(_active(to_turns(own, clusters_at(merges, threshold))), truth)
            for own, merges, truth in zip(windows, linkages, truths, strict=True)
        ]
        wrong, speech = np.sum(errors, axis=0)
        ders.append(100 * float(wrong) / max(float(speech), 1.0))
    best = int(np.argmin(ders))
    return THRESHOLDS[best], ders[best]


def _active(turns: Sequence[Turn]) -> np.ndarray:
    """Bool (T, S) up to the last turn's end."""
    speakers = sorted({turn.speaker for turn in turns})
    frames = round(max((turn.end for turn in turns), default=0.0) * LABEL_HZ)
    return activity_matrix(turns, speakers, frames, LABEL_HZ)
