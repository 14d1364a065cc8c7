"""Where the model is believed: near speech alone. One place for stored features and for audio."""

import numpy as np

from mimidiar.annotation.activity import runs
from mimidiar.diarize.pipeline import Frames
from mimidiar.diarize.state import State
from mimidiar.models.frame_stacking import LABEL_HZ

# Farther than the first from all other speech, less than the second, or than that share of a recording, is none.
ALONE_GAP_SEC, ALONE_SEC, ALONE_SHARE = 1.0, 0.6, 0.05


class SpeechGate:
    """Posteriors are 0 farther than `margin_sec` from speech, and embeddings are 0 outside of it."""

    lookahead_frames = None  # how much speech is enough depends on the recording's length
    consumes = ("activity",)

    def __init__(self, margin_sec: float):
        self._margin = int(margin_sec * LABEL_HZ)

    def init_state(self, batch: int) -> State:
        """None."""
        return {}

    def step(self, frames: Frames, state: State, mask: np.ndarray | None = None) -> tuple[Frames, State]:
        """See `Step`."""
        trusted = np.stack([trust(row) for row in frames.activity])
        near = np.stack([widened(row, self._margin) for row in trusted])
        lanes = frames.lanes * near[..., None, None]
        return Frames(frames.valid, lanes=lanes, embeddings=_masked(frames.embeddings, trusted)), state


def _masked(embeddings: np.ndarray | None, trusted: np.ndarray) -> np.ndarray | None:
    return None if embeddings is None else embeddings * trusted[..., None]


def trust(activity: np.ndarray) -> np.ndarray:
    """Bool (T,) -> the same without speech that is alone and very short: a moment of music is now and then like a
    voice. In a short recording, where a word may be all there is, less is enough.
    """
    stretches: list[list[tuple[int, int]]] = []
    for first, last in runs(activity):
        if stretches and first - stretches[-1][-1][1] <= ALONE_GAP_SEC * LABEL_HZ:
            stretches[-1].append((first, last))
        else:
            stretches.append([(first, last)])
    enough = min(ALONE_SEC * LABEL_HZ, ALONE_SHARE * len(activity))
    trusted = np.zeros(len(activity), bool)
    for stretch in stretches:
        if sum(last - first for first, last in stretch) >= enough:
            for first, last in stretch:
                trusted[first:last] = True
    return trusted


def widened(active: np.ndarray, frames: int) -> np.ndarray:
    """Bool (T,): true runs with `frames` more on both sides."""
    wide = active.copy()
    for first, last in runs(active):
        wide[max(first - frames, 0) : last + frames] = True
    return wide
