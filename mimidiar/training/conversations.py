"""Training on conversations that are simulated on the fly (`simulation.turn_taking`): no two epochs are alike.

Encoding a conversation takes longer than training on it. So each one is reused for `talk_lives` epochs, with other
crops in each; every epoch replaces the oldest ones. Conversations and crops follow from seed and epoch, so that a
resumed run, or one with other workers, gets the same.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset
from tqdm import tqdm

from mimidiar.annotation.activity import arrival_targets
from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.signal import resample
from mimidiar.encoders.registry import Encoder, EncoderSpec, describe_makers
from mimidiar.features.fused_store import on_time_axis
from mimidiar.files import atomic_path
from mimidiar.models.frame_stacking import stack_frames, stacking_factor
from mimidiar.simulation.drawn_sets import read_speakers
from mimidiar.simulation.placement import Source
from mimidiar.simulation.turn_statistics import TurnStatistics, read_statistics
from mimidiar.simulation.turn_taking import ConversationOptions, DrawnConversation, draw_conversation
from mimidiar.training.batches import EpochSampler, Loader
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Conversations, collate, statistics
from mimidiar.training.new_model import completed, new_model
from mimidiar.training.processes import Machine
from mimidiar.training.task import DiarizationTask, Run

VERSION = 1  # of the cached features: raised when simulation or encoding changes
STATISTICS_CONVERSATIONS = 60  # conversations for the mean and deviation of features


class SimulatedCrop(NamedTuple):
    """A crop of conversation `index` of those new in epoch `born`; `epoch` and `number` determine its place."""

    born: int
    index: int
    epoch: int
    number: int

    def place(self, seed: int, frames: int, length: int) -> tuple[int, int]:
        """[first, last) of up to `length` of a conversation's frames."""
        start = int(np.random.default_rng([seed, *self]).integers(max(frames - length, 0) + 1))
        return start, min(start + length, frames)


class Pool:
    """One encoder's features of conversations: `folder`/<encoder>.<tap>.<hash>/<born>.<index>.npy, half precision.

    The hash is of all that determines a conversation's audio and its encoding. A file is complete or absent.
    """

    def __init__(self, folder: Path, spec: EncoderSpec, identity: dict[str, Any], device: str = "cpu"):
        decisive = [VERSION, identity, spec.meta()]
        digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
        self.folder = folder / f"{spec.name}.{spec.tap}.{digest[:12]}"
        self.spec, self.device = spec, device
        self._encoder: Encoder | None = None  # built at first use, in each process that reads data

    def read(self, name: str, samples: Callable[[], np.ndarray]) -> np.ndarray:
        """Float32 (F, D) of the conversation of this name, at the encoder's rate; `samples` makes its audio (T,), at 16
        kHz, if the features are not cached yet.
        """
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            features = self._encode(samples()).astype(np.float16)
            with atomic_path(path) as partial, partial.open("wb") as file:
                np.save(file, features)
            return features.astype(np.float32)
        return np.load(path).astype(np.float32)

    def _encode(self, samples: np.ndarray) -> np.ndarray:
        if self._encoder is None:
            self._encoder = self.spec.build(self.device)
        audio = resample(samples, SAMPLE_RATE, self.spec.sample_rate)
        found, frames = self._encoder.encode(torch.from_numpy(audio)[None], torch.tensor([len(audio)]))
        return found[0, : int(frames[0])].cpu().numpy()


class ConversationPool:
    """Simulated conversations of a source's speakers, and their features, cached for each encoder."""

    def __init__(
        self,
        source: Source,
        options: ConversationOptions,
        kinds: Mapping[str, TurnStatistics],
        specs: Sequence[EncoderSpec],
        folder: Path,
        seed: int,
        device: str,
        sequences: Mapping[str, Sequence[Turn]] | None = None,
    ):
        """`kinds`: turn statistics by name; `folder` of cached features, which models can share; `sequences`: real
        turns by recording, to be replayed."""
        self.source, self.options, self.kinds, self.seed, self.sequences = source, options, kinds, seed, sequences
        self.pools = [Pool(folder, spec, self._identity(), device) for spec in specs]

    def _identity(self) -> dict:
        """All that determines a conversation's audio."""
        options = {key: value for key, value in asdict(self.options).items() if key != "count"}
        own = (u for utterances in self.source.values() for u in utterances)
        rows = [[u.id, u.speaker, u.gender, u.corpus, u.seconds, u.speech, u.formants] for u in own]
        kinds = {name: asdict(kind) for name, kind in self.kinds.items()}
        turns = (turn for own in (self.sequences or {}).values() for turn in own)
        replayed = [[turn.recording, turn.start, turn.end, turn.speaker] for turn in turns]
        return {"options": options, "source": rows, "turns": kinds, "sequences": replayed, "seed": self.seed}

    def conversation(self, born: int, index: int) -> DrawnConversation:
        """Conversation `index` of those new in epoch `born`; no audio is read."""
        return draw_conversation(self.source, self.options, self.kinds, (self.seed, born, index), self.sequences)

    def streams(self, born: int, index: int) -> list[np.ndarray]:
        """Float32 (F, D) of a whole conversation, for each encoder at its own rate."""

        @lru_cache(1)
        def samples() -> np.ndarray:
            return self.conversation(born, index).samples()

        return [pool.read(f"{born}.{index}", samples) for pool in self.pools]

    def fused(self, born: int, index: int) -> np.ndarray:
        """Float32 (T, D) at the labels' rate, as from a `FusedStore` of the encoders' features."""
        first, *others = self.streams(born, index)
        rates = (pool.spec.frame_hz / self.pools[0].spec.frame_hz for pool in self.pools[1:])
        aligned = (on_time_axis(own, rate, 0, len(first)) for own, rate in zip(others, rates, strict=True))
        factor = stacking_factor(self.pools[0].spec.frame_hz)
        return stack_frames(np.concatenate([first, *aligned], axis=1), factor)


class SimulatedConversations(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Features and targets of crops of simulated conversations."""

    def __init__(self, pool: ConversationPool, max_speakers: int, crop_sec: float):
        self.pool, self.max_speakers, self.length = pool, max_speakers, round(crop_sec * LABEL_HZ)

    def __getitem__(self, crop: SimulatedCrop) -> tuple[np.ndarray, np.ndarray]:
        """Features (T, D) and targets (T, K), columns in order of arrival inside the crop, empty ones last."""
        drawn, features = self.pool.conversation(crop.born, crop.index), self.pool.fused(crop.born, crop.index)
        start, stop = crop.place(self.pool.seed, drawn.num_frames, self.length)
        return features[start:stop], arrival_targets(drawn.turns, start, stop, LABEL_HZ, self.max_speakers)


class SimulatedCrops(EpochSampler):
    """The crops of an epoch in random order: `crops` of each of the `count` x `lives` conversations in use, of which
    each epoch replaces the oldest `count`, or, unless they are `replaced`, none."""

    def __init__(self, count: int, lives: int, crops: int, seed: int, replaced: bool = True):
        self.count, self.lives, self.crops, self.seed, self.replaced = count, lives, crops, seed, replaced

    def __len__(self) -> int:
        return self.count * self.lives * self.crops

    def __iter__(self) -> Iterator[SimulatedCrop]:
        first = self.epoch if self.replaced else 0
        born = range(first, first + self.lives)  # those of number n are new in epoch n - lives + 1
        crops = [SimulatedCrop(b, i, self.epoch, n) for b in born for i in range(self.count) for n in range(self.crops)]
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(crops))
        return (crops[k] for k in order)


def on_simulated(
    config: TrainConfig,
    dev_data: Conversations,
    checkpoint: Path | None,
    machine: Machine,
    seed: int,
    data: Path,
    turns: Path,
    pool: Path,
) -> Run:
    """A run on conversations of the utterances of `data`, on a machine with a known device.

    The encoders are those that made the features of `dev_data`, with the codec's weights in `checkpoint` if they are a
    file. Values that `fusion` leaves open are estimated on `dev_data`.
    """
    specs = describe_makers(dev_data.meta, checkpoint)
    kinds = read_statistics(turns)
    simulated = ConversationPool(read_speakers(data), config.talks, kinds, specs, pool, seed, machine.device)
    conversations = SimulatedConversations(simulated, config.model.max_speakers, config.crop_sec)
    config = completed(config, dev_data)
    model = new_model(config, lambda: statistics(first_conversations(simulated, simulated.fused)))
    crops = SimulatedCrops(config.talks.count, config.talk_lives, config.crops_per_recording, seed)
    batches = Loader(conversations, crops, config.batch_size, collate, machine.num_workers)
    return Run(config, dev_data, model, batches, lambda steps: DiarizationTask(model, config, steps))


def first_conversations(pool: ConversationPool, features: Callable[[int, int], np.ndarray]) -> Iterator[np.ndarray]:
    """The features of the first conversations, for the mean and deviation of all."""
    count = min(STATISTICS_CONVERSATIONS, pool.options.count)
    for index in tqdm(range(count), desc="statistics", unit="conversation", disable=None):
        yield features(0, index)
