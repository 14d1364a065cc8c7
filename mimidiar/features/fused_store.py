"""Two feature stores as one, without a copy: a small file names them, and reading concatenates their columns.

The second store is aligned in time: a frame of the result covers the same time in all its columns, at any rates of the
two stores. Nothing is stretched to equal lengths.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.features.store import FeatureStore
from mimidiar.files import read_json, write_json

STREAMS = "streams.json"
LENGTH_TOLERANCE_SEC = 0.17  # encoders fill the last frame in their own ways; two label frames and rounding
# The keys of a store's origin; in a fused store the two values are joined.
_JOINED = ("encoder", "tap", "weights", "weights_sha256")


class FusedStore:
    """The columns of `first`, then those of `second`, on the time axis of `first`; read as a `FeatureStore` is."""

    def __init__(self, folder: str | Path, first: FeatureStore, second: FeatureStore):
        """Raises MimidiarError when a recording of one store is not in the other."""
        self.folder, self.first, self.second = Path(folder), first, second
        if odd := sorted(set(first.keys()) ^ set(second.keys())):
            raise MimidiarError(
                f"{self.folder}: {len(odd)} recordings are in only one of {first.folder} and {second.folder}, first "
                f"'{odd[0]}'; extract both from one set"
            )
        self.frame_hz, self.dim = first.frame_hz, first.dim + second.dim
        self.meta = {key: f"{first.meta.get(key)}+{second.meta.get(key)}" for key in _JOINED}
        self.meta |= {"frame_hz": self.frame_hz, "dim": self.dim, "streams": [first.dim, second.dim]}

    def keys(self) -> list[str]:
        """All keys, in the order of the first store."""
        return self.first.keys()

    def __len__(self) -> int:
        return len(self.first)

    def __contains__(self, key: str) -> bool:
        return key in self.first

    def num_frames(self, key: str) -> int:
        """Rows of a matrix: those of the first store. MimidiarError where the second store differs."""
        frames, others = self.first.num_frames(key), self.second.num_frames(key)
        lengths = frames / self.frame_hz, others / self.second.frame_hz
        if abs(lengths[0] - lengths[1]) > LENGTH_TOLERANCE_SEC or (others == 0) != (frames == 0):
            raise MimidiarError(
                f"{self.folder}: {key} is {lengths[0]:.2f} s long in {self.first.folder}, {lengths[1]:.2f} s in "
                f"{self.second.folder}; extract both from one set"
            )
        return frames

    def num_columns(self, key: str) -> int:
        """Columns of a matrix."""
        return self.first.num_columns(key) + self.second.num_columns(key)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Frames [start, stop) of both, float32 (stop - start, D); to the end without `stop`.

        Raises MimidiarError for an unknown key, missing frames, and lengths that do not fit.
        """
        stop = self.num_frames(key) if stop is None else stop
        own = self.first.read(key, start, stop)
        rate, total = self.second.frame_hz / self.frame_hz, self.second.num_frames(key)
        if not len(own):
            return np.zeros((0, self.dim), np.float32)
        earliest = min(int(start * rate + 1e-6), total - 1)
        latest = max(min(int(np.ceil(stop * rate - 1e-6)), total), earliest + 1)
        other = self.second.read(key, earliest, latest)
        return np.concatenate([own, on_time_axis(other, rate, start, stop, earliest)], axis=1)


def on_time_axis(frames: np.ndarray, rate: float, start: int, stop: int, offset: int = 0) -> np.ndarray:
    """Frames (T', D) of one stream -> (stop - start, D): its mean over each frame start ... stop - 1 of another axis.

    `rate` is the stream's frame rate over that of the axis, `offset` the number of its first frame here. A frame of the
    axis that overlaps several frames weights them by the shared time; past the end the last frame is repeated.
    """
    if rate == 1:
        places = np.arange(start, stop) - offset
        return frames[places.clip(max=len(frames) - 1)]
    edges = np.arange(start, stop + 1) * rate - offset
    held = np.concatenate([frames, np.repeat(frames[-1:], max(0, int(np.ceil(edges[-1])) - len(frames)), axis=0)])
    sums = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(held, axis=0, dtype=np.float64)])
    whole = np.minimum(np.floor(edges + 1e-9).astype(int), len(held) - 1)
    until = sums[whole] + (edges - whole)[:, None] * held[whole]
    return (np.diff(until, axis=0) / rate).astype(np.float32)


def split_meta(meta: dict[str, Any]) -> list[dict[str, Any]]:
    """The meta of each encoder behind features: of one encoder, itself; of fused features, the two that were joined.

    Raises KeyError and ValueError for missing entries.
    """
    if "streams" not in meta:
        return [meta]
    named = {key: meta[key].split("+") for key in ("encoder", "tap", "weights_sha256")}
    pairs = zip(*named.values(), meta["streams"], strict=True)
    return [dict(zip((*named, "dim", "weights"), (*pair, meta["weights"]), strict=True)) for pair in pairs]


Features = FeatureStore | FusedStore


def embedding_dim(store: Features) -> int:
    """How many of the first columns are a speaker embedding, where a part of them is one; else all."""
    return store.meta.get("embedding_dim") or store.dim


def open_features(folder: str | Path) -> Features:
    """The features in a folder, of one encoder or fused. MimidiarError when there are none."""
    path = Path(folder) / STREAMS
    if not path.is_file():
        return FeatureStore(folder)
    names = read_json(path)
    if not isinstance(names, list) or len(names) != 2 or not all(isinstance(name, str) for name in names):
        raise MimidiarError(f"{path}: not the names of two feature folders; fuse them again")
    first, second = (FeatureStore(path.parent / name) for name in names)
    return FusedStore(folder, first, second)


def fuse(folders: Sequence[str | Path], out_dir: str | Path) -> FusedStore:
    """Name two feature folders in OUT/streams.json, relative to OUT, so that they can be moved together.

    Raises MimidiarError, writing nothing, unless both are finished, are not fused themselves, and hold the same
    recordings in the same lengths.
    """
    out_dir = Path(out_dir)
    if (out_dir / "feats.scp").exists():
        raise MimidiarError(f"{out_dir}: holds features of its own; name another folder")
    fused = FusedStore(out_dir, *map(FeatureStore, folders))
    for key in fused.keys():  # noqa: SIM118 (not a dict)
        fused.num_frames(key)
    base = out_dir.resolve()
    write_json(out_dir / STREAMS, [os.path.relpath(Path(folder).resolve(), base) for folder in folders])
    return fused
