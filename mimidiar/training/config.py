"""The typed configuration of a training run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.finetune import UnfreezeConfig
from mimidiar.models.fusion import FusionConfig
from mimidiar.simulation.augmentation import Augment
from mimidiar.simulation.mixtures import MixtureOptions
from mimidiar.simulation.turn_taking import TalkOptions
from mimidiar.training.schedule import PRECISIONS, SCHEDULES


@dataclass
class TrainConfig:
    """`conf/train.yaml`. `model.input_dim` is taken from the features."""

    model: AdapterConfig = field(default_factory=AdapterConfig)
    fusion: FusionConfig | None = None  # speaker embeddings enter by their likeness; without it, as they are
    unfreeze: UnfreezeConfig | None = None  # layers of the codec are trained as well, over the tap below them
    mixtures: MixtureOptions | None = None  # trained on mixtures of utterances that are made on the fly
    augment: Augment | None = None  # how much is done to these mixtures where sounds are named
    talks: TalkOptions | None = None  # trained on talks that are drawn and heard on the fly
    talk_lives: int = (
        4  # epochs in which a talk is heard, other crops in each; in all but the first an epoch's share is new
    )
    crop_sec: float = 30.0
    crops_per_recording: int = 1  # random crops of each recording in an epoch
    # Of training sets by their names, or by patterns ("ami_*"); 1 for a set that is not named. An epoch has
    # crops_per_recording x weight crops of each recording, on average where that is no whole number.
    set_weights: dict[str, float] = field(default_factory=dict)
    batch_size: int = 8  # of all processes together
    epochs: int = 40
    patience: int = 10  # epochs without a better validation loss before training stops
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    warmup_steps: int = 100
    schedule: str = "cosine"  # cosine (to 0 at the last step) | inverse_sqrt
    clip_norm: float = 1.0
    precision: str = "32-true"  # | bf16-mixed | 16-mixed (CUDA alone); weights have 32 bits in all
    sort_weight: float = 0.5  # 1: sort loss alone, 0: permutation-invariant loss alone
    clustering_weight: float = 0.0  # of deep clustering beside them, on the output of the adapter's clustering_layer
    clustering_layer: int = 2  # from 1
    clustering_dim: int = 32
    normalize_features: bool = True  # by mean and deviation of the training features

    def check(self, source: str) -> None:
        """Raise MimidiarError naming the key, the value and what is possible."""
        sizes = ("crop_sec", "crops_per_recording", "batch_size", "epochs", "patience", "clustering_dim")
        for key in (*sizes, "learning_rate", "clip_norm"):
            if getattr(self, key) <= 0:
                raise MimidiarError(f"{source}: {key} is {getattr(self, key)}; it must be above 0")
        if self.unfreeze:
            self._check_unfreeze(self.unfreeze, source)
        if self.mixtures:
            self.mixtures.check(f"{source}: mixtures")
            if self.fusion or self.unfreeze:
                raise MimidiarError(f"{source}: mixtures pass the frozen codec alone; leave out fusion and unfreeze")
        if self.talks:
            self._check_talks(self.talks, source)
        if self.augment:
            self.augment.check(source)
        for key in ("clustering_weight", "warmup_steps"):
            if getattr(self, key) < 0:
                raise MimidiarError(f"{source}: {key} is {getattr(self, key)}; 0 or above")
        if self.clustering_weight > 0 and not 1 <= self.clustering_layer <= self.model.num_layers:
            raise MimidiarError(
                f"{source}: clustering_layer is {self.clustering_layer}; the model has layers 1 to "
                f"{self.model.num_layers}"
            )
        noise = self.model.feature_noise
        if noise < 0 or (noise > 0 and not self.normalize_features):
            raise MimidiarError(f"{source}: model.feature_noise is {noise}; 0, or above with normalize_features")
        if not 0 <= self.sort_weight <= 1:
            raise MimidiarError(f"{source}: sort_weight is {self.sort_weight}; it must lie in 0 ... 1")
        for name, weight in self.set_weights.items():
            if weight <= 0:
                raise MimidiarError(f"{source}: set_weights.{name} is {weight:g}; above 0, or leave the set out")
        if self.precision not in PRECISIONS:
            raise MimidiarError(f"{source}: precision is '{self.precision}'; choose {', '.join(PRECISIONS)}")
        if self.schedule not in SCHEDULES:
            raise MimidiarError(f"{source}: schedule is '{self.schedule}'; choose {' or '.join(SCHEDULES)}")

    def _check_talks(self, talks: TalkOptions, source: str) -> None:
        talks.check(f"{source}: talks")
        if self.mixtures or self.unfreeze:
            raise MimidiarError(f"{source}: talks are heard by frozen encoders alone; leave out mixtures and unfreeze")
        if self.talk_lives < 1:
            raise MimidiarError(f"{source}: talk_lives is {self.talk_lives}; at least 1")
        if max(talks.speakers) > self.model.max_speakers:
            raise MimidiarError(
                f"{source}: talks.speakers goes to {max(talks.speakers)}, the model has {self.model.max_speakers} "
                "channels; raise model.max_speakers or ask for fewer"
            )

    def check_run(self, source: str, processes: int, sets: Sequence[str]) -> None:
        """Raise MimidiarError unless it fits so many processes and training sets of these names."""
        if self.batch_size % processes:
            raise MimidiarError(
                f"{source}: batch_size is {self.batch_size}, which {processes} processes cannot share equally; make it "
                f"a multiple of {processes}, or take another number of processes"
            )
        if self.set_weights and not sets:
            raise MimidiarError(f"{source}: set_weights are of training sets, and there are none; leave them out")
        for name in self.set_weights:
            if not any(fnmatchcase(each, name) for each in sets):
                raise MimidiarError(f"{source}: set_weights.{name} is of no training set; there are {', '.join(sets)}")
        for name in sets:
            if len(own := self._names_of(name)) > 1:
                raise MimidiarError(f"{source}: set_weights has {' and '.join(own)} for {name}; leave one of them out")

    def weight_of(self, name: str) -> float:
        """The weight of the training set of this name."""
        return next((self.set_weights[own] for own in self._names_of(name)), 1.0)

    def _names_of(self, name: str) -> list[str]:
        return [own for own in self.set_weights if fnmatchcase(name, own)]

    def _check_unfreeze(self, unfreeze: UnfreezeConfig, source: str) -> None:
        if self.fusion:
            raise MimidiarError(f"{source}: fusion and unfreeze in one run; choose one of them")
        for key in ("learning_rate", "near_weight", "history_sec"):
            if getattr(unfreeze, key) < 0:
                raise MimidiarError(f"{source}: unfreeze.{key} is {getattr(unfreeze, key)}; 0 or above")
        for key in ("layers", "clip_norm"):
            if getattr(unfreeze, key) <= 0:
                raise MimidiarError(f"{source}: unfreeze.{key} is {getattr(unfreeze, key)}; it must be above 0")
