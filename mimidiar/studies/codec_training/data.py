"""Crops of speech for a codec: places, levels and speakers follow from the seed alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from mimidiar.data.recordings import read_recordings
from mimidiar.data.splits import hash_order
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.encoders.mimi.sizes import SAMPLE_RATE
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import read_recording
from mimidiar.features.store import FeatureStore
from mimidiar.studies.codec_training.config import CodecConfig
from mimidiar.training.batches import Draw

Audio = dict[str, np.ndarray]  # recording -> int16 (T,)
Speakers = dict[str, list[SourceUtterance]]
FULL_SCALE = 32768
OVERLAP_DB = 10.0  # maximal level difference of a second speaker in a crop
MOST_GAIN_DB = 40.0  # so that a pause is not amplified to the level of speech


class CodecBatch(NamedTuple):
    """audio (B, 1, T) at 24 kHz; targets (B, D): the speaker's embedding, or 0 without a target."""

    audio: Tensor
    targets: Tensor


def read_all(data_dir: Path) -> Audio:
    """Every recording of a set at the codec's rate as int16 (T,): an hour takes 170 MB, and a second or two to read.

    Raises MimidiarError for audio that cannot be read, naming the recording.
    """
    audio = {}
    for recording in tqdm(read_recordings(data_dir), desc="audio", unit="rec", disable=None):
        samples = read_recording(recording, SAMPLE_RATE) * FULL_SCALE
        audio[recording.id] = np.round(samples).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return audio


def split_speakers(speakers: Speakers, share: float, seed: int) -> tuple[Speakers, Speakers]:
    """A random share of the speakers, at least one, as validation set, and the rest; (train, validation).

    Raises MimidiarError for fewer than two speakers.
    """
    if len(speakers) < 2:
        raise MimidiarError(f"{len(speakers)} speaker to train on; at least 2 are needed, one of them for validation")
    order = hash_order(speakers, seed)
    count = min(max(round(share * len(order)), 1), len(order) - 1)
    validation = set(order[:count])
    return tuple(
        {name: rows for name, rows in speakers.items() if (name in validation) == kept} for kept in (False, True)
    )


class CodecCrops(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Crops of the utterances of `speakers` by `Draw`, with equal probability for each speaker."""

    def __init__(self, audio: Audio, speakers: Speakers, config: CodecConfig, seed: int, targets: "Targets"):
        self.audio, self.config, self.seed, self.targets = audio, config, seed, targets
        self.speakers = list(speakers.values())
        self.seconds = [np.array([row.seconds for row in rows]) for rows in self.speakers]

    def __getitem__(self, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
        """A crop (T,), and the embedding of its speaker; 0 with two speakers."""
        random = np.random.default_rng([self.seed, draw.epoch, draw.index])
        level = random.uniform(*self.config.level_dbfs)
        utterance, crop = self._draw(random)
        target = self.targets(utterance)
        if random.random() < self.config.overlap_rate:
            _, other = self._draw(random)
            crop = with_level(crop, level) + with_level(other, level + random.uniform(-OVERLAP_DB, OVERLAP_DB))
            target = np.zeros_like(target)
        return with_level(crop, level), target

    def _draw(self, random: np.random.Generator) -> tuple[SourceUtterance, np.ndarray]:
        """An utterance, with probability proportional to its length within a speaker, and an excerpt with speech at its
        center."""
        speaker = int(random.integers(len(self.speakers)))
        chances = self.seconds[speaker] / self.seconds[speaker].sum()
        utterance = self.speakers[speaker][int(random.choice(len(chances), p=chances))]
        samples, length = self.audio[utterance.recording], self.config.crop_samples
        start = round(middle(utterance, random) * SAMPLE_RATE) - length // 2
        start = min(max(start, 0), max(len(samples) - length, 0))
        crop = samples[start : start + length] / np.float32(FULL_SCALE)
        return utterance, np.pad(crop, (0, length - len(crop)))


def middle(utterance: SourceUtterance, random: np.random.Generator) -> float:
    """A time (s) with speech in the utterance, uniformly distributed."""
    segments = np.array(utterance.speech or [(0.0, utterance.seconds)])
    lengths = segments[:, 1] - segments[:, 0]
    segment = int(random.choice(len(segments), p=lengths / lengths.sum()))
    return float(random.uniform(*segments[segment]))


def with_level(crop: np.ndarray, level_dbfs: float) -> np.ndarray:
    """The crop (T,) at this RMS level, as far as MOST_GAIN_DB and full scale allow."""
    rms, peak = np.sqrt(np.mean(crop**2)), np.abs(crop).max()
    if peak == 0:
        return crop
    gain = min(10 ** (level_dbfs / 20) / rms, 10 ** (MOST_GAIN_DB / 20), 1 / peak)
    return (crop * gain).astype(np.float32)


class Targets:
    """The speaker embedding of an utterance: the mean over its frames in a feature store, of unit length."""

    def __init__(self, feats: Path | None, utterances: Sequence[SourceUtterance]):
        """Without features `dim` is 0. Raises MimidiarError for utterances without features."""
        store = FeatureStore(feats) if feats else None
        self.dim = store.dim if store else 0
        self._vectors = {row.id: _embedding(store, row) for row in utterances} if store else {}

    def __call__(self, utterance: SourceUtterance) -> np.ndarray:
        """(dim,)"""
        return self._vectors.get(utterance.id, np.zeros(self.dim, np.float32))


def _embedding(store: FeatureStore, utterance: SourceUtterance) -> np.ndarray:
    mean = store.read(utterance.recording).mean(0)  # frames without speech are 0
    return (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)


def collate_crops(items: list[tuple[np.ndarray, np.ndarray]]) -> CodecBatch:
    audio, targets = (torch.from_numpy(np.stack(column)) for column in zip(*items, strict=True))
    return CodecBatch(audio[:, None], targets)
