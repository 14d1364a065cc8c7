"""Posteriors of overlapping windows of a recording, by a model that was trained on crops.

The order of the model's outputs differs between windows; the tracker assigns them to speakers. Windows are kept frame
by frame, on lanes: window w on lane w mod L, with at least one frame of nan before the next window of the lane. The
gate suppresses posteriors far from speech, for stored features and for audio alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mimidiar.annotation.activity import runs
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.diarize.pipeline import Frames
from mimidiar.diarize.state import State, still_rows
from mimidiar.errors import MimidiarError

if TYPE_CHECKING:
    from mimidiar.models.build import TrainedModel

# Speech that is farther than the first from all other speech, and shorter than the second or that share of the
# recording, is removed.
ALONE_GAP_SEC, ALONE_SEC, ALONE_SHARE = 1.0, 0.6, 0.05


@dataclass(frozen=True)
class Window:
    """Posteriors (T, K) of one window of a recording, and its first frame."""

    start: int
    posteriors: np.ndarray

    @property
    def stop(self) -> int:
        return self.start + len(self.posteriors)


def windows_of(lanes: np.ndarray) -> list[Window]:
    """The windows on the lanes (T, L, K) of a recording, by their beginning."""
    found = [
        Window(first, lanes[first:last, lane])
        for lane in range(lanes.shape[1])
        for first, last in runs(~np.isnan(lanes[:, lane, :1]).all(1))
    ]
    return sorted(found, key=lambda window: window.start) or [Window(0, np.zeros((0, lanes.shape[2]), np.float32))]


@dataclass(frozen=True)
class Windowing:
    """Windows of `length` frames, one every `hop`; the last of a recording ends with it, as long as it can be."""

    length: int
    hop: int

    @classmethod
    def of(cls, window_sec: float, hop_sec: float) -> "Windowing":
        """MimidiarError unless windows overlap and move on."""
        length, hop = round(window_sec * LABEL_HZ), round(hop_sec * LABEL_HZ)
        if not 1 <= hop < length:
            raise MimidiarError(
                f"a hop of {hop_sec:g} s does not fit windows of {window_sec:g} s: at least {1 / LABEL_HZ} s, and "
                "shorter than the window, since outputs are matched where windows overlap"
            )
        return cls(length, hop)

    @property
    def lanes(self) -> int:
        """The number of lanes, such that windows of one lane never touch."""
        return -(-self.length // self.hop) + 1

    def whole(self, before: int, now: int) -> Iterator[tuple[int, int]]:
        """(number, first frame) of the windows that are complete at `now` frames and were not at `before`."""
        number = max(0, -(-(before + 1 - self.length) // self.hop))
        while number * self.hop + self.length <= now:
            yield number, number * self.hop
            number += 1

    def last(self, total: int) -> tuple[int, int] | None:
        """(number, first frame) of the window at the end of a recording, if no other window ends there."""
        number = max(0, -(-(total - self.length) // self.hop))
        done = total >= self.length and number * self.hop + self.length == total
        return None if done or not total else (number, max(total - self.length, 0))


class WindowedAdapter:
    """The segmenter: features (B, T, D) -> lanes (B, T, L, K) of the windows' posteriors."""

    consumes = ("features",)

    def __init__(self, trained: "TrainedModel", windowing: Windowing):
        self._model, self._windowing = trained.model, windowing
        self.outputs = trained.model.max_speakers
        self.lookahead_frames = windowing.length  # a frame later than a window is long, it may be the recording's end

    def init_state(self, batch: int) -> State:
        """The number of frames read, the last `length` features, and the lanes of the frames that are not out yet."""
        late = self.lookahead_frames
        return {
            "seen": np.zeros(batch, np.int64),
            "ended": np.zeros(batch, bool),
            "features": np.zeros((batch, late, 0), np.float32),
            "lanes": np.full((batch, late, self._windowing.lanes, self.outputs), np.nan, np.float32),
            "valid": np.zeros((batch, late), bool),
        }

    def step(self, frames: Frames, state: State, mask: np.ndarray | None = None) -> tuple[Frames, State]:
        """Lanes of the frames `lookahead_frames` before; see `Step`."""
        count, late = len(frames), self.lookahead_frames
        batch, _, dim = frames.features.shape
        past = state["features"] if state["features"].shape[2] else np.zeros((batch, late, dim), np.float32)
        features = np.concatenate([past, frames.features], axis=1)
        empty = np.full((batch, count, *state["lanes"].shape[2:]), np.nan, np.float32)
        lanes = np.concatenate([state["lanes"], empty], axis=1)
        valid = np.concatenate([state["valid"], frames.valid], axis=1)
        stepped = {"seen": state["seen"].copy(), "ended": state["ended"].copy()}
        for row in range(batch) if mask is None else np.flatnonzero(mask):
            self._row(row, frames.valid[row], features[row], lanes[row], stepped)
        given = Frames(valid[:, :count], lanes=lanes[:, :count])
        stepped |= {"features": features[:, -late:], "lanes": lanes[:, -late:], "valid": valid[:, -late:]}
        return given, still_rows(state, stepped, mask)

    def _row(self, row: int, valid: np.ndarray, features: np.ndarray, lanes: np.ndarray, state: State) -> None:
        """Fill `lanes` (late + T, L, K) of one row with the windows that its new frames complete; count the frames."""
        before, new = int(state["seen"][row]), int(valid.sum())
        places = list(self._windowing.whole(before, before + new))
        if new < len(valid) and not state["ended"][row]:
            places += [last] if (last := self._windowing.last(before + new)) else []
            state["ended"][row] = True
        for number, first in places:
            begin, length = first - before, min(self._windowing.length, before + new - first)
            at = self.lookahead_frames + begin
            lanes[at : at + length, number % self._windowing.lanes] = self._posteriors(features[at : at + length])
        state["seen"][row] += new

    def _posteriors(self, features: np.ndarray) -> np.ndarray:
        """Features (T, D) of a window -> (T, K) in 0 ... 1."""
        import torch

        with torch.inference_mode():
            return self._model(torch.from_numpy(np.ascontiguousarray(features))[None]).sigmoid()[0].numpy()


class SpeechGate:
    """Posteriors are 0 farther than `margin_sec` from speech, and embeddings do not count outside of it."""

    lookahead_frames = None  # the minimum of speech depends on the recording's length
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
        return Frames(frames.valid, lanes=frames.lanes * near[..., None, None], embedded=trusted), state


def trust(activity: np.ndarray) -> np.ndarray:
    """Bool (T,) -> the same without isolated, very short speech: music is sometimes detected as speech. The minimum is
    shorter in short recordings, which may contain a single word.
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
