"""How well a branch tells speakers apart: the equal error rate of pairs of windows within validation conversations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.encoders.branch.network import SpeakerBranch, aligned
from mimidiar.score.verification import equal_error_rate, operating_points
from mimidiar.training.branch.data import side_by_side
from mimidiar.training.crops import Conversations

WINDOW_FRAMES, HOP_FRAMES = 19, 10  # 1.5 s and 0.8 s
PURE = 0.9  # least share of a window in which its speaker is active; others speak in the rest at most
MOST_PAIRS = 30  # of each kind, of a recording
MOST_SPEAKERS = 100


class ValidationRecording(NamedTuple):
    """Features (T, D) and activity (T, K); `number` in the set."""

    features: torch.Tensor
    active: np.ndarray
    number: int


class ValidationSet(Dataset[ValidationRecording]):
    """A set's recordings, with features of several encoders in a folder each. MimidiarError where these do not fit the
    set."""

    def __init__(self, data: Path, feats: Sequence[Path]):
        self._parts = [Conversations([(data, folder)], MOST_SPEAKERS) for folder in feats]

    @property
    def metas(self) -> list[dict[str, Any]]:
        """What the features say about their encoders."""
        return [part.meta for part in self._parts]

    def __len__(self) -> int:
        return len(self._parts[0].recordings)

    def __getitem__(self, number: int) -> ValidationRecording:
        recording = self._parts[0].recordings[number]
        streams = [part.store.read(recording) for part in self._parts]
        features = side_by_side(streams, [part.frame_hz for part in self._parts])
        turns = self._parts[0].turns[recording]
        active = activity_matrix(turns, sorted({turn.speaker for turn in turns}), len(features), LABEL_HZ)
        return ValidationRecording(torch.from_numpy(features), active, number)


class WindowPairs(NamedTuple):
    """Cosines (N,) of pairs of windows, and which are of one speaker (N,)."""

    cosines: np.ndarray
    same: np.ndarray

    @classmethod
    def join(cls, parts: "Sequence[WindowPairs]") -> "WindowPairs":
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def eer(self) -> float:
        """The equal error rate, 0 to 1; 0.5 without pairs."""
        return equal_error_rate(operating_points(self.cosines, self.same)) if len(self.same) else 0.5


@torch.inference_mode()
def score_pairs(model: SpeakerBranch, recording: ValidationRecording) -> dict[int, WindowPairs]:
    """The pairs of a recording, by look-ahead."""
    output, _ = model(recording.features[None])
    found = {}
    for place, lookahead in enumerate(model.lookaheads):
        vectors = aligned(output.embeddings[0, place], lookahead).float().cpu().numpy()
        found[lookahead] = pair_windows(vectors, recording.active, np.random.default_rng(recording.number))
    return found


def pair_windows(vectors: np.ndarray, active: np.ndarray, rng: np.random.Generator) -> WindowPairs:
    """As many pairs of one speaker as of two, of mean vectors of windows that do not overlap; from vectors (T, E) and
    the activity (at least T, K) of a recording."""
    starts, speakers = pure_windows(active[: len(vectors)])
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), vectors.cumsum(0, dtype=np.float64)])
    means = sums[starts + WINDOW_FRAMES] - sums[starts]
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    first, second = np.triu_indices(len(starts), 1)
    apart = starts[second] - starts[first] >= WINDOW_FRAMES
    first, second = first[apart], second[apart]
    same = speakers[first] == speakers[second]
    count = min(same.sum(), (~same).sum(), MOST_PAIRS)
    chosen = np.concatenate([rng.choice(np.flatnonzero(kind), count, replace=False) for kind in (same, ~same)])
    return WindowPairs((means[first[chosen]] * means[second[chosen]]).sum(1), same[chosen])


def pure_windows(active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first frames (N,) and the speakers (N,) of windows in which one of the activity (T, K) speaks."""
    if len(active) < WINDOW_FRAMES or not active.shape[1]:
        return np.zeros(0, int), np.zeros(0, int)
    windows = np.lib.stride_tricks.sliding_window_view(active, WINDOW_FRAMES, axis=0)[::HOP_FRAMES]  # (N, K, W)
    shares = windows.mean(-1)
    speakers = shares.argmax(1)
    others = np.arange(active.shape[1]) != speakers[:, None]
    disturbed = (windows & others[..., None]).any(1).mean(1)
    kept = (shares.max(1) >= PURE) & (disturbed <= 1 - PURE)
    return np.flatnonzero(kept) * HOP_FRAMES, speakers[kept]
