"""Crops of conversations: features read by offset, labels in order of arrival inside the crop, batches with a mask."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mimidiar.corpora.manifests import read_set
from mimidiar.errors import MimidiarError
from mimidiar.features.store import FeatureStore
from mimidiar.labels import Interval, activity_matrix, arrival_order
from mimidiar.models.rate import LABEL_HZ, stack_frames, stacking_factor


@dataclass(frozen=True)
class Crop:
    """Label frames [start, stop) of a recording."""

    recording: str
    start: int
    stop: int


class Batch(NamedTuple):
    """features (B, T, D), targets (B, T, K), mask (B, T) true on frames that exist."""

    features: Tensor
    targets: Tensor
    mask: Tensor


class Conversations(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Features and speaker activity of the recordings of one set, by crop."""

    def __init__(self, data_dir: str | Path, feats_dir: str | Path, max_speakers: int):
        self.store = FeatureStore(feats_dir)
        self.factor = stacking_factor(self.store.frame_hz)
        self.max_speakers = max_speakers
        self.turns: dict[str, list[Interval]] = {}
        conversations = read_set(data_dir)
        for recording in conversations.recordings:
            self.turns[recording.id] = []
        for turn in conversations.supervisions:
            self.turns[turn.recording_id].append(Interval(turn.start, turn.end, turn.speaker))
        self._check(data_dir, feats_dir)
        self.recordings = sorted(self.turns)

    @property
    def input_dim(self) -> int:
        return self.store.dim * self.factor

    def num_frames(self, recording: str) -> int:
        """Length in label frames."""
        return -(-self.store.num_frames(recording) // self.factor)

    def __getitem__(self, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
        """Features (T, D) and targets (T, K), columns in order of arrival inside the crop, empty channels last."""
        # At twice the label rate the last label frame may have half its features; stack_frames repeats them.
        stop = min(crop.stop * self.factor, self.store.num_frames(crop.recording))
        features = self.store.read(crop.recording, crop.start * self.factor, stop)
        turns = self.turns[crop.recording]
        speakers = sorted({turn.speaker for turn in turns})
        active = activity_matrix(turns, speakers, crop.stop, LABEL_HZ)[crop.start :]
        order = arrival_order(active)[: self.max_speakers]
        targets = np.zeros((len(active), self.max_speakers), dtype=np.float32)
        targets[:, : len(order)] = active[:, order]
        return stack_frames(features, self.factor), targets

    def _check(self, data_dir: str | Path, feats_dir: str | Path) -> None:
        missing = sorted(set(self.turns) - set(self.store.keys()))
        if missing:
            raise MimidiarError(
                f"{feats_dir}: no features for {len(missing)} of {len(self.turns)} recordings of {data_dir}, first "
                f"'{missing[0]}'; run the feature stage for this set again"
            )
        for recording, turns in self.turns.items():
            count = len({turn.speaker for turn in turns})
            if count > self.max_speakers:
                raise MimidiarError(
                    f"{data_dir}: recording '{recording}' has {count} speakers, the model {self.max_speakers} channels"
                    "; raise model.max_speakers or leave the recording out"
                )


class RandomCrops(Sampler[Crop]):
    """`per_recording` crops of each recording in random order, another set at each epoch, the same for the same seed
    and epoch.
    """

    def __init__(self, conversations: Conversations, crop_sec: float, per_recording: int, seed: int):
        self.conversations, self.per_recording, self.seed = conversations, per_recording, seed
        self.length = round(crop_sec * LABEL_HZ)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning at the start of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.conversations.recordings) * self.per_recording

    def __iter__(self) -> Iterator[Crop]:
        random = np.random.default_rng([self.seed, self.epoch])
        for recording in random.permutation(np.repeat(self.conversations.recordings, self.per_recording)).tolist():
            total = self.conversations.num_frames(recording)
            start = int(random.integers(max(total - self.length, 0) + 1))
            yield Crop(recording, start, min(start + self.length, total))


class ConsecutiveCrops(Sampler[Crop]):
    """Every recording cut into crops without gap or overlap, always the same: for validation."""

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
    """Pad to the longest crop; the mask tells what is real."""
    longest = max(len(features) for features, _ in items)
    features = torch.zeros(len(items), longest, items[0][0].shape[1])
    targets = torch.zeros(len(items), longest, items[0][1].shape[1])
    mask = torch.zeros(len(items), longest, dtype=torch.bool)
    for row, (x, y) in enumerate(items):
        features[row, : len(x)], targets[row, : len(y)], mask[row, : len(x)] = (
            torch.from_numpy(x),
            torch.from_numpy(y),
            True,
        )
    return Batch(features, targets, mask)


def feature_statistics(conversations: Conversations) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (D,) over all frames of a set, in double precision."""
    total, square, count = 0.0, 0.0, 0
    for recording in conversations.recordings:
        features = stack_frames(conversations.store.read(recording), conversations.factor).astype(np.float64)
        total, square, count = total + features.sum(0), square + (features**2).sum(0), count + len(features)
    mean = total / count
    std = np.sqrt(np.maximum(square / count - mean**2, 0))
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()
