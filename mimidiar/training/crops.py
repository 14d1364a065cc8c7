"""Crops of conversations: features read by offset, labels in order of arrival inside the crop, batches with a mask."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mimidiar.annotation.activity import arrival_targets
from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.data.manifests import read_set
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import Features, open_features
from mimidiar.models.frame_stacking import stack_frames, stacking_factor
from mimidiar.training.batches import EpochSampler

SetFolders = tuple[Path, Path]  # of one set: data, features


@dataclass(frozen=True)
class Crop:
    """Label frames [start, stop) of a recording."""

    recording: str
    start: int
    stop: int


class Batch(NamedTuple):
    """features (B, T, D), targets (B, T, K), mask (B, T) true on the frames of each crop, which follow each other.

    In a row, context precedes them, and padding follows.
    """

    features: Tensor
    targets: Tensor
    mask: Tensor


class Conversations(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Features and speaker activity of the recordings of one or more sets, by crop."""

    def __init__(self, sets: Sequence[SetFolders], max_speakers: int, history_frames: int = 0):
        """`sets`: (data, feats) folders. `history_frames`: label frames of context before each crop, as far as the
        recording has them.

        Raises MimidiarError for recordings without features, with too many speakers or in two sets, and for sets whose
        features were made in different ways.
        """
        self.max_speakers, self.history_frames = max_speakers, history_frames
        self.turns: dict[str, list[Turn]] = {}
        self.sets: dict[Path, list[str]] = {}  # recordings by data folder
        self._stores: dict[str, Features] = {}
        stores = [self._add(Path(data), open_features(feats)) for data, feats in sets]
        for store in stores[1:]:
            check_same_encoder(store, stores[0])
        self.store = stores[0]
        self.meta, self.frame_hz = self.store.meta, self.store.frame_hz
        self.factor = stacking_factor(self.frame_hz)
        self.input_dim = self.store.dim * self.factor
        self.recordings = sorted(self.turns)

    def _add(self, data: Path, store: Features) -> Features:
        conversations = read_set(data)
        turns: dict[str, list[Turn]] = {recording.id: [] for recording in conversations.recordings}
        for turn in conversations.supervisions:
            turns[turn.recording_id].append(Turn(turn.recording_id, turn.start, turn.end, turn.speaker))
        self._check(data, store, turns)
        self.turns |= turns
        self.sets[data] = sorted(turns)
        self._stores |= dict.fromkeys(turns, store)
        return store

    def _check(self, data: Path, store: Features, turns: dict[str, list[Turn]]) -> None:
        if missing := sorted(set(turns) - set(store.keys())):
            raise MimidiarError(
                f"{store.folder}: no features for {len(missing)} of {len(turns)} recordings of {data}, first "
                f"'{missing[0]}'; run the feature stage for this set again"
            )
        if twice := sorted(set(turns) & set(self.turns)):
            raise MimidiarError(
                f"{data}: {len(twice)} recordings are in another of these sets as well, first '{twice[0]}'; name each "
                "set once"
            )
        for recording, spans in turns.items():
            if (count := len({turn.speaker for turn in spans})) > self.max_speakers:
                raise MimidiarError(
                    f"{data}: recording '{recording}' has {count} speakers, the model {self.max_speakers} outputs"
                    "; raise model.max_speakers or leave the recording out"
                )

    def num_frames(self, recording: str) -> int:
        """Length in label frames."""
        return -(-self._stores[recording].num_frames(recording) // self.factor)

    def features(self, recording: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Label frames [start, stop) of a recording, (stop - start, input_dim)."""
        store = self._stores[recording]
        # At twice the label rate the last label frame may lack half its features; stack_frames repeats them.
        last = store.num_frames(recording)
        stop = last if stop is None else min(stop * self.factor, last)
        return stack_frames(store.read(recording, start * self.factor, stop), self.factor)

    def __getitem__(self, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
        """Features (H + T, D), those of the H frames before the crop first, and targets (T, K), columns in order of
        arrival inside the crop, empty ones last.
        """
        turns = self.turns[crop.recording]
        targets = arrival_targets(turns, crop.start, crop.stop, LABEL_HZ, self.max_speakers)
        return self.features(crop.recording, max(crop.start - self.history_frames, 0), crop.stop), targets


def check_same_encoder(store: Features, first: Features) -> None:
    """MimidiarError unless both stores were made by the same encoder, tap and weights."""
    for key in ("encoder", "tap", "weights_sha256"):
        here, there = store.meta.get(key), first.meta.get(key)
        if here != there:
            raise MimidiarError(f"{store.folder}: {key} is {here}, that of {first.folder} {there}; extract both alike")


class RandomCrops(EpochSampler):
    """Random crops in random order, others in each epoch, the same for the same seed and epoch.

    In an epoch a set of n recordings and weight w gives round(n x per_recording x w) crops, of each of its recordings
    as many as of any other, or one more by a new draw.
    """

    def __init__(
        self,
        conversations: Conversations,
        crop_sec: float,
        per_recording: int,
        seed: int,
        weights: Sequence[float] | None = None,
    ):
        """`weights`: of the sets of `conversations`, in their order; all 1 unless given.

        Raises MimidiarError for a weight that leaves a set without crops.
        """
        self.conversations, self.seed = conversations, seed
        self.length = round(crop_sec * LABEL_HZ)
        self.shares: list[tuple[list[str], int]] = []  # recordings and crops of each set
        for number, (data, recordings) in enumerate(conversations.sets.items()):
            weight = weights[number] if weights else 1.0
            crops = round(len(recordings) * per_recording * weight)
            if recordings and not crops:
                raise MimidiarError(
                    f"{data}: {len(recordings)} recordings x {per_recording} crops x weight {weight:g} give no crop in "
                    "an epoch; raise its weight or leave the set out"
                )
            self.shares.append((recordings, crops))

    def __len__(self) -> int:
        return sum(count for _, count in self.shares)

    def __iter__(self) -> Iterator[Crop]:
        random = np.random.default_rng([self.seed, self.epoch])
        times: dict[str, int] = {}
        for recordings, count in self.shares:
            times |= divide_crops(recordings, count, random)
        names = self.conversations.recordings
        for recording in random.permutation(np.repeat(names, [times[name] for name in names])).tolist():
            total = self.conversations.num_frames(recording)
            start = int(random.integers(max(total - self.length, 0) + 1))
            yield Crop(recording, start, min(start + self.length, total))


def divide_crops(recordings: Sequence[str], count: int, random: np.random.Generator) -> dict[str, int]:
    """The number of crops by recording, `count` in all: the same for each, or one more at random."""
    each, more = divmod(count, max(len(recordings), 1))
    chosen = set(random.choice(len(recordings), more, replace=False).tolist()) if more else ()
    return {recording: each + (number in chosen) for number, recording in enumerate(recordings)}


class ConsecutiveCrops(Sampler[Crop]):
    """Every recording in crops without gap or overlap, always the same: for validation."""

    def __init__(self, conversations: Conversations, crop_sec: float):
        length = round(crop_sec * LABEL_HZ)
        self.crops = [
            Crop(recording, start, min(start + length, total))
            for recording in conversations.recordings
            for total in [conversations.num_frames(recording)]
            for start in range(0, total, length)
        ]

    def __len__(self) -> int:
        return len(self.crops)

    def __iter__(self) -> Iterator[Crop]:
        return iter(self.crops)


def collate(items: list[tuple[np.ndarray, np.ndarray]]) -> Batch:
    """Pad to the longest crop; the mask marks its frames."""
    longest = max(len(features) for features, _ in items)
    features = torch.zeros(len(items), longest, items[0][0].shape[1])
    targets = torch.zeros(len(items), longest, items[0][1].shape[1])
    mask = torch.zeros(len(items), longest, dtype=torch.bool)
    for row, (x, y) in enumerate(items):
        crop = slice(len(x) - len(y), len(x))
        features[row, : len(x)] = torch.from_numpy(x)
        targets[row, crop], mask[row, crop] = torch.from_numpy(y), True
    return Batch(features, targets, mask)


def feature_statistics(conversations: Conversations) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (D,) over all frames of the sets, in double precision."""
    return statistics(conversations.features(recording) for recording in conversations.recordings)


def statistics(matrices: Iterable[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (D,) over the rows of all matrices (T, D), in double precision."""
    total, square, count = 0.0, 0.0, 0
    for matrix in matrices:
        features = matrix.astype(np.float64)
        total, square, count = total + features.sum(0), square + (features**2).sum(0), count + len(features)
    mean = total / count
    std = np.sqrt(np.maximum(square / count - mean**2, 0))
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()
