"""The typed configuration of a training run, and what follows from it alone: learning rates, and shares of a batch."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mimidiar.config import Checked, Count, NotNegative, Positive, Rule, Share, Steps, one_of
from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.finetune import UnfreezeConfig
from mimidiar.models.fusion import FusionConfig
from mimidiar.simulation.augmentation import Augment
from mimidiar.simulation.mixtures import MixtureOptions
from mimidiar.simulation.turn_taking import ConversationOptions

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
SCHEDULES = ("cosine", "inverse_sqrt")


@dataclass
class TrainConfig(Checked):
    """`conf/train.yaml`. `model.input_dim` is taken from the features."""

    model: AdapterConfig = field(default_factory=AdapterConfig)
    fusion: FusionConfig | None = None  # speaker embeddings enter by similarity; without it, as features
    unfreeze: UnfreezeConfig | None = None  # also trains layers of the codec, on the tap below them
    mixtures: MixtureOptions | None = None  # trains on mixtures of utterances made on the fly
    augment: Augment | None = None  # augmentation of these mixtures, where sounds are given
    talks: ConversationOptions | None = None  # trains on conversations simulated on the fly
    # Epochs in which a simulated conversation is used, with other crops in each; every epoch replaces the oldest ones.
    talk_lives: Count = 4
    crop_sec: Positive = 30.0
    crops_per_recording: Count = 1  # random crops of each recording in an epoch
    # Weights of training sets by name or pattern ("ami_*"); 1 for a set without one. An epoch has
    # crops_per_recording x weight crops of each recording, on average where that is no whole number.
    set_weights: dict[str, float] = field(default_factory=dict)
    batch_size: Count = 8  # of all processes together
    epochs: Count = 40
    patience: Count = 10  # epochs without a better validation loss before training stops
    learning_rate: Positive = 1e-3
    weight_decay: float = 1e-3
    warmup_steps: Steps = 100
    schedule: one_of(SCHEDULES) = "cosine"  # cosine (to 0 at the last step) | inverse_sqrt
    clip_norm: Positive = 1.0
    precision: one_of(PRECISIONS) = "32-true"  # | bf16-mixed | 16-mixed (CUDA alone); weights have 32 bits in all
    sort_weight: Share = 0.5  # 1: sort loss alone, 0: permutation-invariant loss alone
    # Weight of deep clustering, on the output of the adapter's clustering_layer.
    clustering_weight: NotNegative = 0.0
    clustering_layer: int = 2  # from 1
    clustering_dim: Count = 32
    normalize_features: bool = True  # by mean and deviation of the training features

    def check(self, where: str, above: str = "") -> None:
        """As `Checked`, and MimidiarError for incompatible parts."""
        super().check(where, above)
        if self.fusion and self.unfreeze:
            raise MimidiarError(f"{where}: fusion and unfreeze in one run; choose one of them")
        if self.mixtures and (self.fusion or self.unfreeze):
            raise MimidiarError(f"{where}: mixtures need the frozen codec alone; leave out fusion and unfreeze")
        if self.talks and (self.mixtures or self.unfreeze):
            raise MimidiarError(f"{where}: talks are encoded by frozen encoders alone; leave out mixtures and unfreeze")

    def rules(self) -> Iterable[Rule]:
        """Rules that depend on the model, and for the weights."""
        layers, noise = self.model.num_layers, self.model.feature_noise
        fits = self.clustering_weight == 0 or 1 <= self.clustering_layer <= layers
        yield "clustering_layer", self.clustering_layer, fits, f"one of the model's layers, 1 to {layers}"
        fits = noise >= 0 and (noise == 0 or self.normalize_features)
        yield "model.feature_noise", noise, fits, "0, or above with normalize_features"
        for name, weight in self.set_weights.items():
            yield f"set_weights.{name}", weight, weight > 0, "above 0, or leave the set out"
        if self.talks:
            most = self.model.max_speakers
            fits = max(self.talks.speakers) <= most
            yield "talks.speakers", self.talks.speakers, fits, f"at most model.max_speakers, {most}"

    def check_run(self, source: str, processes: int, sets: Sequence[str]) -> None:
        """Raise MimidiarError unless it fits this number of processes and the names of the training sets."""
        check_shares(source, self.batch_size, processes)
        if self.set_weights and not sets:
            raise MimidiarError(f"{source}: set_weights need training sets, and there are none; leave them out")
        for name in self.set_weights:
            if not any(fnmatchcase(each, name) for each in sets):
                raise MimidiarError(f"{source}: set_weights.{name} fits no training set; there are {', '.join(sets)}")
        for name in sets:
            if len(own := self._names_of(name)) > 1:
                raise MimidiarError(f"{source}: set_weights has {' and '.join(own)} for {name}; leave one of them out")

    def weight_of(self, name: str) -> float:
        """The weight of the training set of this name."""
        return next((self.set_weights[own] for own in self._names_of(name)), 1.0)

    def _names_of(self, name: str) -> list[str]:
        return [own for own in self.set_weights if fnmatchcase(name, own)]


def learning_rate_factor(step: int, warmup_steps: int, total_steps: int, schedule: str = "cosine") -> float:
    """Linear warm-up, then half a cosine to 0 at the last step, or the inverse square root of the step."""
    warmup = max(warmup_steps, 1)
    if step < warmup:
        return (step + 1) / warmup
    if schedule == "inverse_sqrt":
        return math.sqrt(warmup / (step + 1))
    progress = min((step - warmup) / max(total_steps - warmup, 1), 1.0)
    return 0.5 * (1 + math.cos(math.pi * progress))


def check_shares(source: str, batch_size: int, processes: int) -> None:
    """Raise MimidiarError unless the processes can share a batch equally."""
    if batch_size % processes:
        raise MimidiarError(
            f"{source}: batch_size is {batch_size}, which {processes} processes cannot share equally; make it "
            f"a multiple of {processes}, or take another number of processes"
        )
