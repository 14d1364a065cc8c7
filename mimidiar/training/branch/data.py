"""Crops of simulated conversations for a branch: cached features of its encoders, and for each frame who speaks."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.models.frame_stacking import stack_frames, stacking_factor
from mimidiar.simulation.turn_taking import DrawnConversation
from mimidiar.training.conversations import ConversationPool, SimulatedCrop

MOST = 2  # voices that a frame is labeled with
NEAR_FRAMES = 3  # of a change
KEPT_LABELS = 5000  # conversations


class FrameLabels(NamedTuple):
    """Of T frames: the numbers of up to two voices (T, 2), -1 for none; how many speak (T,); whether it is near the
    beginning or end of somebody's speech (T,)."""

    voices: np.ndarray
    speaking: np.ndarray
    near_change: np.ndarray


class BranchBatch(NamedTuple):
    """features (B, T, D), and the labels of `FrameLabels` (B, T, ...)."""

    features: Tensor
    voices: Tensor
    speaking: Tensor
    near_change: Tensor


class BranchCrops(Dataset[tuple[np.ndarray, FrameLabels]]):
    """Features and labels of crops, at places by `seed`. `numbers`: of the voices that the teacher knows."""

    def __init__(self, pool: ConversationPool, numbers: Mapping[str, int], crop_sec: float, seed: int):
        self.pool, self.numbers, self.length, self.seed = pool, numbers, round(crop_sec * LABEL_HZ), seed
        self.labels = lru_cache(KEPT_LABELS)(self._labels)

    def features(self, born: int, index: int) -> np.ndarray:
        """Float32 (T, D) of a whole conversation: those of all encoders side by side."""
        return side_by_side(self.pool.streams(born, index), [pool.spec.frame_hz for pool in self.pool.pools])

    def _labels(self, born: int, index: int) -> FrameLabels:
        return frame_labels(self.pool.conversation(born, index), self.numbers)

    def __getitem__(self, crop: SimulatedCrop) -> tuple[np.ndarray, FrameLabels]:
        """Features (T, D), and the labels of these frames."""
        features, labels = self.features(crop.born, crop.index), self.labels(crop.born, crop.index)
        start, stop = crop.place(self.seed, len(labels.speaking), self.length)
        return features[start:stop], FrameLabels(*(each[start:stop] for each in labels))


def side_by_side(streams: Sequence[np.ndarray], rates_hz: Sequence[float]) -> np.ndarray:
    """Streams (F, D) at their rates -> (T, sum of D), with all frames of a label frame stacked."""
    stacked = [stack_frames(own, stacking_factor(hz)) for own, hz in zip(streams, rates_hz, strict=True)]
    length = min(map(len, stacked))
    return np.concatenate([own[:length] for own in stacked], axis=1)


def frame_labels(drawn: DrawnConversation, numbers: Mapping[str, int]) -> FrameLabels:
    """By the speech itself, with its pauses; a voice without a number counts as speech alone."""
    turns = [turn for each in drawn.placements for turn in each.turns()]
    speakers = sorted({turn.speaker for turn in turns})
    active = activity_matrix(turns, speakers, drawn.num_frames, LABEL_HZ)
    voices = np.full((drawn.num_frames, MOST), -1, np.int64)
    for speaker, frames in zip(speakers, active.T, strict=True):
        free = (voices < 0).argmax(1)
        rows = np.flatnonzero(frames & (voices < 0).any(1))
        voices[rows, free[rows]] = numbers.get(speaker, -1)
    return FrameLabels(voices, active.sum(1).astype(np.int64), near_changes(active))


def near_changes(active: np.ndarray) -> np.ndarray:
    """Bool (T,): frames up to NEAR_FRAMES from one in which somebody of `active` (T, K) begins or has ended."""
    changes = np.zeros(len(active), bool)
    changes[1:] = (active[1:] != active[:-1]).any(1)
    return np.convolve(changes, np.ones(2 * NEAR_FRAMES + 1), "same") > 0.5


def collate(items: list[tuple[np.ndarray, FrameLabels]]) -> BranchBatch:
    """A batch of the length of the shortest crop."""
    length = min(len(features) for features, _ in items)
    columns = zip(*((features, *labels) for features, labels in items), strict=True)
    return BranchBatch(*(torch.from_numpy(np.stack([each[:length] for each in column])) for column in columns))
