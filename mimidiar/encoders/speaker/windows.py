"""Speaker embeddings of windows, brought to the time axis of the labels: one unit vector for each 80 ms.

A window represents the time of its center. Windows are centered on a regular grid and are `window_sec` long; towards
either end of a recording they become shorter symmetrically: a speaker change at t is a change at t in the embeddings,
and not half a window late. No window is shorter than SHORTEST_SEC, unless its recording is; label frames before the
first and after the last center take the nearest window.

Windows of all recordings of a batch go through the embedder together, sorted by length and never padded, so that a
window's vector is that of the window alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from mimidiar.annotation.activity import frame_count
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.encoders.speaker.windowing import SHORTEST_SEC, EmbeddingWindows

BATCH_WINDOWS = 32
# Under one step of 16-bit audio: digital silence, whose embedding is meaningless. Louder pauses are masked by `speech`:
# a threshold of -75 dBFS would already lose a fortieth of the speech in AMI's headset mixes.
SILENCE_DBFS = -90.0


class Embedder(Protocol):
    """A model from windows (N, T) of one length to vectors (N, dim)."""

    sample_rate: int
    dim: int

    def __call__(self, windows: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True)
class Grid:
    """Windows in samples: half a window, the hop, and the distance of the first and last center from the ends."""

    half: int
    hop: int
    edge: int

    @classmethod
    def of(cls, windowing: EmbeddingWindows, sample_rate: int) -> "Grid":
        half = round(windowing.window_sec * sample_rate / 2)
        return cls(
            half, max(1, round(windowing.hop_sec * sample_rate)), min(half, round(SHORTEST_SEC * sample_rate / 2))
        )

    def centers(self, samples: int) -> np.ndarray:
        """Int64 (N,), N >= 1: the window centers of a recording of `samples`; the last is `edge` from its end, on the
        grid or not."""
        last = samples - self.edge
        if last <= self.edge:
            return np.array([samples // 2])
        grid = np.arange(self.edge, last + 1, self.hop)
        return grid if grid[-1] == last else np.append(grid, last)

    def bounds(self, center: int, samples: int) -> tuple[int, int]:
        """[first, last) sample of the window around `center`, symmetric and inside the recording."""
        half = min(self.half, center, samples - center)
        return center - half, center + max(half, 1)


def neighbors(centers: np.ndarray, times: np.ndarray, interpolation: str) -> tuple[np.ndarray, ...]:
    """For each time (F,) the windows before and after it, (F,) and (F,), and the share (F,) of the one after.

    `centers` (N,) and `times` are in the same unit, both ascending.
    """
    after = np.searchsorted(centers, times, side="right")
    before, after = (after - 1).clip(min=0), after.clip(max=len(centers) - 1)
    distance = np.maximum(centers[after] - centers[before], 1e-9)
    share = ((times - centers[before]) / distance).clip(0, 1)
    share = np.where(before == after, 0.0, share)
    return before, after, share if interpolation == "linear" else np.round(share)


def embed_recordings(
    embedder: Embedder,
    recordings: Sequence[torch.Tensor],
    windowing: EmbeddingWindows,
    speech: Sequence[np.ndarray] | None = None,
) -> list[torch.Tensor]:
    """Recordings (T,) -> for each its embeddings (frames, D): of unit length, and 0 in silence.

    Silent are the frames below SILENCE_DBFS and those where `speech` (frames,), if given, is false. Windows that no
    frame needs are not computed.
    """
    rate = embedder.sample_rate
    grid, plans, segments = Grid.of(windowing, rate), [], []
    for i, audio in enumerate(recordings):
        frames = frame_count(len(audio) / rate, LABEL_HZ)
        active = audible(audio, frames, rate)
        if speech is not None:
            active &= speech[i]
        plan = plan_windows(grid.centers(len(audio)), frame_times(frames, rate), active, windowing.interpolation)
        plans.append(plan)
        segments += [audio[slice(*grid.bounds(center, len(audio)))] for center in plan.centers]
    vectors = embed_segments(embedder, segments).to(recordings[0].device)
    shares = vectors.split([len(plan.centers) for plan in plans])
    return [plan.fill(vectors) for plan, vectors in zip(plans, shares, strict=True)]


@dataclass(frozen=True)
class WindowPlan:
    """The `centers` of the windows that a recording's frames need; for each frame (F,) the windows before and after it
    (indices into `centers`), the share of the one after, and whether it is `active` (..., F)."""

    centers: np.ndarray
    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    active: np.ndarray

    def fill(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors (..., N, D) of windows -> embeddings (..., F, D) of the frames: unit length, 0 where not active."""
        if not len(self.centers):
            return vectors.new_zeros(*self.active.shape, vectors.shape[-1])
        weight = torch.from_numpy(self.share).to(vectors)[:, None]
        mixed = torch.lerp(vectors[..., self.before, :], vectors[..., self.after, :], weight)
        return torch.nn.functional.normalize(mixed, dim=-1) * torch.as_tensor(self.active).to(mixed)[..., None]


def plan_windows(centers: np.ndarray, times: np.ndarray, active: np.ndarray, interpolation: str) -> WindowPlan:
    """The windows around `centers` (N,) that the frames at `times` (F,) need, as far as they are `active` (..., F)."""
    before, after, share = neighbors(centers, times, interpolation)
    anywhere = active.reshape(-1, len(times)).any(0)
    needed = np.union1d(before[anywhere & (share < 1)], after[anywhere & (share > 0)])
    last = max(len(needed) - 1, 0)  # inactive frames may have no window; theirs is multiplied by 0
    before, after = (np.searchsorted(needed, each).clip(max=last) for each in (before, after))
    return WindowPlan(centers[needed], before, after, share, active)


def embed_segments(embedder: Embedder, segments: Sequence[torch.Tensor]) -> torch.Tensor:
    """Segments (T_i,) of any lengths -> their embeddings (N, D) of unit length, in order. No segment is padded."""
    if not segments:
        return torch.zeros(0, embedder.dim)
    rows = sorted(range(len(segments)), key=lambda i: len(segments[i]))
    found: dict[int, torch.Tensor] = {}
    while rows:
        length = len(segments[rows[0]])
        group = [i for i in rows[:BATCH_WINDOWS] if len(segments[i]) == length]
        del rows[: len(group)]
        vectors = embedder(torch.stack([segments[i] for i in group]))
        found.update(zip(group, torch.nn.functional.normalize(vectors, dim=-1), strict=True))
    return torch.stack([found[i] for i in range(len(segments))])


def frame_times(frames: int, sample_rate: int, first: int = 0) -> np.ndarray:
    """(frames,): the middles of label frames `first`, first + 1, ..., in samples."""
    return (np.arange(first, first + frames) + 0.5) / LABEL_HZ * sample_rate


def audible(audio: torch.Tensor, frames: int, sample_rate: int) -> np.ndarray:
    """Bool (..., frames): which label frames of audio (..., T) are louder than SILENCE_DBFS; past its end none is."""
    size = round(sample_rate / LABEL_HZ)
    missing = frames * size - audio.shape[-1]
    whole = torch.nn.functional.pad(audio, (0, missing))  # a negative number crops
    power = whole.unflatten(-1, (frames, size)).square().mean(-1) if frames else whole.new_zeros(*audio.shape[:-1], 0)
    return (power > 10 ** (SILENCE_DBFS / 10)).cpu().numpy()
