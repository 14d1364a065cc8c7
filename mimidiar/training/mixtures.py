"""Training on mixtures made on the fly: audio, the frozen codec and the adapter in one loop, without storage.

A mixture depends on the seed, the epoch and its index alone, so that a resumed run, or one with other workers, gets the
same ones.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mimidiar.annotation.activity import arrival_targets
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.signal import resample
from mimidiar.encoders.registry import Encoder, describe_maker
from mimidiar.errors import MimidiarError
from mimidiar.models.build import Model
from mimidiar.models.frame_stacking import stacking_factor
from mimidiar.simulation.acoustics import to_int16
from mimidiar.simulation.augmentation import Augmenter, impulse_responses
from mimidiar.simulation.mixtures import Mixture, MixtureOptions, draw_mixture, read_mixture_source
from mimidiar.training.batches import Draw, EpochDraws, Loader
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Batch, Conversations, statistics
from mimidiar.training.new_model import completed, new_model
from mimidiar.training.processes import Machine
from mimidiar.training.task import DiarizationTask, Run

STATISTICS_MIXTURES = 200  # of the first epoch, for the mean and deviation of features


class AudioBatch(NamedTuple):
    """audio (B, S) at the codec's rate, lengths (B,) in samples, targets (B, T, K), mask (B, T) true on real frames."""

    audio: Tensor
    lengths: Tensor
    targets: Tensor
    mask: Tensor


class Mixtures(Dataset[tuple[np.ndarray, np.ndarray]]):
    """The mixtures of a set's utterances, by `Draw`."""

    def __init__(
        self,
        data: Path,
        options: MixtureOptions,
        sample_rate: int,
        max_speakers: int,
        seed: int,
        augmenter: Augmenter | None = None,
    ):
        """Raises MimidiarError as `read_mixture_source` does, and for a model without an output for each speaker."""
        if max_speakers < 2:
            raise MimidiarError(f"model.max_speakers is {max_speakers}; a mixture has 2 speakers")
        self.source, self.options = read_mixture_source(data, options), options
        self.sample_rate, self.max_speakers, self.seed, self.augmenter = sample_rate, max_speakers, seed, augmenter

    def __getitem__(self, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
        """Audio (S,) at the codec's rate and targets (T, K), columns in order of arrival, empty ones last."""
        seeds = (self.seed, draw.epoch, draw.index)
        mixture = draw_mixture(self.source, self.options, seeds)
        samples = mixture.samples() if self.augmenter is None else self._augmented(mixture, seeds, self.augmenter)
        audio = resample(samples, SAMPLE_RATE, self.sample_rate)
        targets = arrival_targets(mixture.turns, 0, mixture.num_frames, LABEL_HZ, self.max_speakers)
        return audio, targets

    def _augmented(self, mixture: Mixture, seeds: tuple[int, ...], augmenter: Augmenter) -> np.ndarray:
        """Float32 (S,) at 16 kHz: the mixture in its surroundings."""
        around = augmenter.draw(mixture.speakers, seeds)
        samples = to_int16(mixture.samples(impulse_responses(around)) * 32767)
        spoken = [(turn.start, turn.end) for turn in mixture.turns]
        return augmenter.add_noise(samples, spoken, around, seeds).astype(np.float32) / 32767


def collate_audio(items: list[tuple[np.ndarray, np.ndarray]]) -> AudioBatch:
    """Pad to the longest mixture."""
    lengths = torch.tensor([len(audio) for audio, _ in items])
    audio = torch.zeros(len(items), int(lengths.max()))
    frames, channels = max(len(targets) for _, targets in items), items[0][1].shape[1]
    targets, mask = torch.zeros(len(items), frames, channels), torch.zeros(len(items), frames, dtype=torch.bool)
    for row, (samples, active) in enumerate(items):
        audio[row, : len(samples)] = torch.from_numpy(samples)
        targets[row, : len(active)], mask[row, : len(active)] = torch.from_numpy(active), True
    return AudioBatch(audio, lengths, targets, mask)


def encode_batch(encoder: Encoder, batch: AudioBatch) -> Batch:
    """The adapter's input for the audio: features (B, T, D) at the labels' rate."""
    found, _ = encoder.encode(batch.audio, batch.lengths)
    features = found.clone()  # an inference tensor cannot be trained on
    factor, frames = stacking_factor(encoder.frame_hz), batch.mask.shape[1]
    features = features[:, : frames * factor].reshape(len(features), frames, -1)
    return Batch(features, batch.targets, batch.mask)


def mixture_statistics(data: Mixtures, encoder: Encoder, batch_size: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (D,) of the features of the first mixtures."""
    draws = [Draw(0, index) for index in range(min(STATISTICS_MIXTURES, data.options.count))]
    return statistics(
        batch.features[batch.mask].cpu().numpy()
        for first in range(0, len(draws), batch_size)
        for batch in [encode_batch(encoder, collate_audio([data[each] for each in draws[first : first + batch_size]]))]
    )


class MixtureTask(DiarizationTask):
    """Training batches are audio and pass the frozen codec first; those of validation are features."""

    def __init__(self, model: Model, config: TrainConfig, total_steps: int, encoder: Encoder):
        super().__init__(model, config, total_steps)
        self.encoder = encoder  # no Module: neither trained nor kept in checkpoints

    def on_after_batch_transfer(self, batch: AudioBatch | Batch, dataloader_idx: int) -> Any:
        return encode_batch(self.encoder, batch) if isinstance(batch, AudioBatch) else batch


def on_mixtures(
    config: TrainConfig,
    dev_data: Conversations,
    checkpoint: Path | None,
    machine: Machine,
    seed: int,
    data: Path,
    augmenter: Augmenter | None = None,
) -> Run:
    """A run on mixtures of the utterances of `data`, on a machine with a known device.

    The codec is the one that made the features of `dev_data`, from `checkpoint` if its weights are a file. The
    `augmenter`, if given, adds noise to some of the mixtures or places them in a room.
    """
    encoder = describe_maker(dev_data.meta, checkpoint).build(machine.device)
    mixtures = Mixtures(data, config.mixtures, encoder.sample_rate, config.model.max_speakers, seed, augmenter)
    config = completed(config, dev_data)
    model = new_model(config, lambda: mixture_statistics(mixtures, encoder, config.batch_size))
    draws = EpochDraws(config.mixtures.count)
    batches = Loader(mixtures, draws, config.batch_size, collate_audio, machine.num_workers)
    return Run(config, dev_data, model, batches, lambda steps: MixtureTask(model, config, steps, encoder))
