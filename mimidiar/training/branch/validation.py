"""How well a branch tells speakers apart: the equal error rate of pairs of windows within validation conversations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.encoders.branch.network import SpeakerBranch, aligned
from mimidiar.score.verification import equal_error_rate, operating_points
from mimidiar.training.branch.data import side_by_side
from mimidiar.training.crops import Conversations

WINDOW_FRAMES, HOP_FRAMES = 19, 10  # 1.5 s and 0.8 s
PURE = 0.9  # least share of a window in which its speaker is active; others are in the rest of the frames at most
MOST_PAIRS = 200  # of each kind, of a recording
MOST_SPEAKERS = 100


@dataclass(frozen=True)
class ValidationSet:
    """A set's features, in folders of one encoder each, and its turns."""

    data: Path
    features: Sequence[Path]

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Features (T, D) and activity (T, K) of each recording."""
        parts = [Conversations([(self.data, folder)], MOST_SPEAKERS) for folder in self.features]
        for recording in parts[0].recordings:
            streams = [part.store.read(recording) for part in parts]
            features = side_by_side(streams, [part.store.frame_hz for part in parts])
            turns = parts[0].turns[recording]
            yield features, activity_matrix(turns, sorted({t.speaker for t in turns}), len(features), LABEL_HZ)


@torch.inference_mode()
def pair_eer(model: SpeakerBranch, validation: ValidationSet) -> dict[int, float]:
    """The equal error rate in per cent by look-ahead, over all pairs of the set."""
    found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {lookahead: [] for lookahead in model.lookaheads}
    for number, (features, active) in enumerate(validation):
        output, _ = model(torch.from_numpy(features)[None])
        for place, lookahead in enumerate(model.lookaheads):
            vectors = aligned(output.embeddings[0, place], lookahead).numpy()
            found[lookahead].append(pair_scores(vectors, active[: len(vectors)], np.random.default_rng(number)))
    scored = {
        lookahead: [np.concatenate(column) for column in zip(*pairs, strict=True)] for lookahead, pairs in found.items()
    }
    return {lookahead: 100 * equal_error_rate(operating_points(*pairs)) for lookahead, pairs in scored.items()}


def pair_scores(vectors: np.ndarray, active: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cosines (N,) of mean vectors of windows, and whether they are of one speaker (N,): as many pairs of one as of
    two, of windows that do not overlap; from the vectors (T, E) and the activity (T, K) of a recording."""
    starts, speakers = pure_windows(active)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), vectors.cumsum(0, dtype=np.float64)])
    means = sums[starts + WINDOW_FRAMES] - sums[starts]
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    first, second = np.triu_indices(len(starts), 1)
    apart = starts[second] - starts[first] >= WINDOW_FRAMES
    first, second = first[apart], second[apart]
    same = speakers[first] == speakers[second]
    count = min(same.sum(), (~same).sum(), MOST_PAIRS)
    chosen = np.concatenate([rng.choice(np.flatnonzero(kind), count, replace=False) for kind in (same, ~same)])
    return (means[first[chosen]] * means[second[chosen]]).sum(1), same[chosen]


def pure_windows(active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first frames (N,) and the speakers (N,) of windows in which one of the activity (T, K) speaks."""
    if len(active) < WINDOW_FRAMES or not active.shape[1]:
        return np.zeros(0, int), np.zeros(0, int)
    windows = np.lib.stride_tricks.sliding_window_view(active, WINDOW_FRAMES, axis=0)[::HOP_FRAMES]
    shares = windows.mean(-1)
    speakers = shares.argmax(1)
    others = np.arange(active.shape[1])[None] != speakers[:, None]
    disturbed = (windows.transpose(0, 2, 1) & others[:, None]).any(2).mean(1)
    kept = (shares.max(1) >= PURE) & (disturbed <= 1 - PURE)
    return np.flatnonzero(kept) * HOP_FRAMES, speakers[kept]
