"""Speaker embeddings of windows, brought to the time axis of the labels: one unit vector for each 80 ms.

Windows of all recordings of a batch go through the embedder together, sorted by length and never padded, so that a
window's vector is that of the window alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch

from mimidiar.annotation.activity import frame_count, region_frames
from mimidiar.annotation.regions import Region
from mimidiar.encoders.speaker.grid import Grid, neighbours
from mimidiar.encoders.speaker.windowing import LABEL_HZ, Cut

BATCH_WINDOWS = 32
FILLED_FRAMES = 10_000  # at once: of hours the embeddings alone are large enough
# Under one step of 16-bit audio: digital silence, of which an embedding says nothing. Louder pauses are for `speech` to
# mask: at -75 dBFS already a fortieth of the speech in AMI's headset mixes would be lost.
SILENCE_DBFS = -90.0


class Embedder(Protocol):
    """A model that makes vectors (N, dim) of windows (N, T) of one length."""

    sample_rate: int
    dim: int

    def __call__(self, windows: torch.Tensor) -> torch.Tensor: ...


def embed_recordings(
    embedder: Embedder,
    recordings: Sequence[torch.Tensor],
    cut: Cut,
    speech: Sequence[Sequence[Region]] | None = None,
    num_frames: Sequence[int] | None = None,
) -> list[torch.Tensor]:
    """Recordings (T,) -> for each its embeddings (frames, D): of unit length, and 0 in silence.

    Silence is what lies outside of the `speech` regions (seconds) where they are given, and frames under SILENCE_DBFS.
    `num_frames` says how many label frames each recording has, else as many as cover it. Windows that no frame needs
    are not computed.
    """
    rate = embedder.sample_rate
    grid, plans, pieces = Grid.of(cut, rate), [], []
    for i, audio in enumerate(recordings):
        frames = num_frames[i] if num_frames else frame_count(len(audio) / rate, LABEL_HZ)
        heard = audible(audio, frames, rate)
        if speech is not None:
            heard &= in_regions(speech[i], frames)
        plan = plan_windows(grid.centres(len(audio)), frame_times(frames, rate), heard, cut.interpolation)
        plans.append(plan)
        pieces += [audio[slice(*grid.span(centre, len(audio)))] for centre in plan.centres]
    vectors = embed_pieces(embedder, pieces).to(recordings[0].device)
    shares = vectors.split([len(plan.centres) for plan in plans])
    return [plan.fill(vectors) for plan, vectors in zip(plans, shares, strict=True)]


def embed_chunks(
    embedder: Embedder, read: Callable[[], Iterable[np.ndarray]], cut: Cut, heard: np.ndarray, device: Any = "cpu"
) -> torch.Tensor:
    """The same (frames, D) for one recording that is never whole in memory, of whole label frames.

    `read()` gives its audio in chunks; `heard` (frames,) says in which label frames there is something to embed.
    """
    rate, frames = embedder.sample_rate, len(heard)
    grid, samples = Grid.of(cut, rate), round(frames * rate / LABEL_HZ)
    plan = plan_windows(grid.centres(samples), frame_times(frames, rate), heard, cut.interpolation)
    pieces = cut_pieces(read(), (grid.span(int(centre), samples) for centre in plan.centres))
    vectors = [torch.zeros(0, embedder.dim)]
    while group := [torch.from_numpy(piece).to(device) for piece in islice(pieces, BATCH_WINDOWS)]:
        vectors.append(embed_pieces(embedder, group).cpu())
    return plan.fill(torch.cat(vectors))


def cut_pieces(chunks: Iterable[np.ndarray], spans: Iterable[tuple[int, int]]) -> Iterator[np.ndarray]:
    """The samples [first, last) of each span, both ascending, of a signal that comes in chunks."""
    coming, audio, begin = iter(chunks), np.zeros(0, np.float32), 0
    for first, last in spans:
        while begin + len(audio) < last:
            passed = min(first - begin, len(audio))
            audio, begin = np.concatenate([audio[passed:], next(coming)]), begin + passed
        yield audio[first - begin : last - begin]


@dataclass(frozen=True)
class WindowPlan:
    """The `centres` of the windows that a recording's audible frames need; of each frame (F,) the windows before and
    after it (places in `centres`), the share of the one after, and whether it is `heard`."""

    centres: np.ndarray
    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    heard: np.ndarray

    def fill(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors (N, D) of the windows -> embeddings (F, D) of the frames."""
        filled = vectors.new_zeros(len(self.heard), vectors.shape[1])
        if len(vectors):
            for start in range(0, len(filled), FILLED_FRAMES):
                part = slice(start, start + FILLED_FRAMES)
                before, after = vectors[self.before[part]], vectors[self.after[part]]
                filled[part] = mix(before, after, self.share[part], self.heard[part])
        return filled


def plan_windows(centres: np.ndarray, times: np.ndarray, heard: np.ndarray, interpolation: str) -> WindowPlan:
    before, after, share = neighbours(centres, times, interpolation)
    needed = np.union1d(before[heard & (share < 1)], after[heard & (share > 0)])
    last = max(len(needed) - 1, 0)  # frames that are not heard may have no window; theirs is multiplied by 0
    before, after = (np.searchsorted(needed, each).clip(max=last) for each in (before, after))
    return WindowPlan(centres[needed], before, after, share, heard)


def mix(before: torch.Tensor, after: torch.Tensor, share: np.ndarray, heard: np.ndarray) -> torch.Tensor:
    """(..., F, D) twice -> (..., F, D): `share` (F,) of `after`, unit length again, 0 where not `heard` (..., F)."""
    weight = torch.from_numpy(share).to(before)[:, None]
    mixed = torch.nn.functional.normalize(torch.lerp(before, after, weight), dim=-1)
    return mixed * torch.as_tensor(heard).to(mixed)[..., None]


def embed_pieces(
    embedder: Embedder, pieces: Sequence[torch.Tensor], batch_windows: int = BATCH_WINDOWS
) -> torch.Tensor:
    """Pieces (T_i,) of any lengths -> their embeddings (N, D) of unit length, in order. No piece is padded."""
    if not pieces:
        return torch.zeros(0, embedder.dim)
    rows = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))
    found: dict[int, torch.Tensor] = {}
    while rows:
        length = len(pieces[rows[0]])
        group = [i for i in rows[:batch_windows] if len(pieces[i]) == length]
        del rows[: len(group)]
        vectors = embedder(torch.stack([pieces[i] for i in group]))
        found.update(zip(group, torch.nn.functional.normalize(vectors, dim=-1), strict=True))
    return torch.stack([found[i] for i in range(len(pieces))])


def frame_times(frames: int, sample_rate: int, first: int = 0) -> np.ndarray:
    """(frames,): the middles of label frames `first`, first + 1, ..., in samples."""
    return (np.arange(first, first + frames) + 0.5) / LABEL_HZ * sample_rate


def audible(audio: torch.Tensor, frames: int, sample_rate: int) -> np.ndarray:
    """Bool (..., frames): which label frames of audio (..., T) are louder than SILENCE_DBFS; past its end none is."""
    size = round(sample_rate / LABEL_HZ)
    missing = frames * size - audio.shape[-1]
    whole = torch.nn.functional.pad(audio, (0, missing))  # a negative number cuts
    power = whole.unflatten(-1, (frames, size)).square().mean(-1) if frames else whole.new_zeros(*audio.shape[:-1], 0)
    return (power > 10 ** (SILENCE_DBFS / 10)).cpu().numpy()


def in_regions(regions: Sequence[Region], frames: int) -> np.ndarray:
    """Bool (frames,): label frames whose middle lies in one of `regions`."""
    return region_frames(regions, frames, LABEL_HZ)
