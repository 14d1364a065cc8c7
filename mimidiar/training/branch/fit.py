"""One training run of a speaker branch: data, teacher, model, trainer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from mimidiar.annotation.rttm import read_rttm
from mimidiar.encoders.branch.network import SpeakerBranch
from mimidiar.encoders.branch.spec import FORMAT, check_inputs
from mimidiar.encoders.protocol import EncoderSpec
from mimidiar.encoders.registry import describe_maker
from mimidiar.errors import MimidiarError
from mimidiar.log import log
from mimidiar.simulation.drawn_sets import read_speakers
from mimidiar.simulation.turn_statistics import read_statistics
from mimidiar.simulation.voices import more_voices
from mimidiar.training.batches import Loader
from mimidiar.training.branch.config import BranchTraining
from mimidiar.training.branch.data import BranchBatch, BranchCrops, collate
from mimidiar.training.branch.losses import branch_losses
from mimidiar.training.branch.teacher import SHORTEST_SEC, voice_embeddings
from mimidiar.training.branch.validation import ValidationRecording, ValidationSet, WindowPairs, score_pairs
from mimidiar.training.config import learning_rate_factor
from mimidiar.training.conversations import ConversationPool, SimulatedCrops, first_conversations
from mimidiar.training.crops import statistics
from mimidiar.training.processes import Machine, copy_from_first, per_process, rank
from mimidiar.training.trainer import FINISHED, KeepBest, begin, finish, fit_from_last, keep_configuration, make_trainer

VOICE_SEED, POOL_SEED = 0, 1  # of voices and conversations, which are the same in all runs


@dataclass(frozen=True)
class BranchInputs:
    """Folders and files of a run: utterances of the training speakers, turn statistics, real turns (or None), the
    validation set and its features, the cache of features, and the codec's weights (or None)."""

    speech: Path
    turns: Path
    sequences: Path | None
    dev: Path
    feats: Sequence[Path]
    pool: Path
    checkpoint: Path | None


def train_branch(
    config: BranchTraining,
    inputs: BranchInputs,
    folder: Path,
    seed: int,
    machine: Machine = Machine(),  # noqa: B008 (frozen)
) -> None:
    """Train a branch into a model folder, with the files of `training.fit.train`; resumed as that is.

    Its encoders are those that made the features of the validation set. The epoch with the lowest equal error rate
    there is kept. MimidiarError for inputs that cannot be read or do not fit each other.
    """
    if machine.processes > 1:
        raise MimidiarError(f"{machine.processes} processes: a branch is trained by one; leave out --processes")
    machine = begin(machine, config.precision, seed)
    validation = ValidationSet(inputs.dev, inputs.feats)
    codec, *others = validation.metas
    specs = [describe_maker(codec, inputs.checkpoint), *map(describe_maker, others)]
    check_inputs(specs, inputs.dev)
    config = replace(config, model=replace(config.model, input_dim=validation[0].features.shape[1]))
    keep_configuration(config, seed, folder)
    if (folder / FINISHED).exists():
        return
    model = SpeakerBranch(**asdict(config.model))  # before anything else draws random numbers
    crops, teacher = _crops(config, inputs, specs, machine, seed)
    if rank() == 0:
        model.features.set_statistics(*statistics(first_conversations(crops.pool, crops.features)))
    order = SimulatedCrops(config.conversations.count, 1, config.crops_per_conversation, seed, replaced=False)
    batches = Loader(crops, order, config.batch_size, collate, machine.num_workers)
    keep_best = KeepBest(folder, branch_header(config, specs))
    task = BranchTask(model, config, teacher, len(batches) * config.epochs)
    recordings = Loader(validation, range(len(validation)), 1, lambda items: items[0])
    fit_from_last(make_trainer(config, seed, keep_best, machine), task, batches, recordings, folder)
    finish(keep_best)


def _crops(
    config: BranchTraining, inputs: BranchInputs, specs: Sequence[EncoderSpec], machine: Machine, seed: int
) -> tuple[BranchCrops, Tensor]:
    """The training data, and the teacher's vectors (V, E) of all voices."""
    source = more_voices(read_speakers(inputs.speech), config.voices, VOICE_SEED)
    teacher = voice_embeddings(source, inputs.pool)
    if not teacher:
        raise MimidiarError(f"{inputs.speech}: nobody has a clip of {SHORTEST_SEC} s of speech for the teacher")
    sequences = read_rttm(inputs.sequences) if inputs.sequences else None
    if config.conversations.replay_share > 0 and not sequences:
        log.warning("no --sequences: no real turns are replayed, whatever conversations.replay_share says")
    kinds, device = read_statistics(inputs.turns), machine.device
    pool = ConversationPool(source, config.conversations, kinds, specs, inputs.pool, POOL_SEED, device, sequences)
    numbers = {voice: number for number, voice in enumerate(teacher)}
    return BranchCrops(pool, numbers, config.crop_sec, seed), torch.from_numpy(np.stack(list(teacher.values())))


def branch_header(config: BranchTraining, specs: Sequence[EncoderSpec]) -> dict[str, Any]:
    """The header of model.safetensors: the arguments of the branch, and the encoders whose features it reads."""
    return {"format": FORMAT, "model": asdict(config.model), "encoders": [spec.meta() for spec in specs]}


class BranchTask(L.LightningModule):
    """Trains `model` by the losses of `branch_losses`; `teacher`: vectors (V, E) of all voices."""

    def __init__(self, model: SpeakerBranch, config: BranchTraining, teacher: Tensor, total_steps: int):
        super().__init__()
        self.model, self.config, self.total_steps = model, config, total_steps
        self.register_buffer("teacher", teacher, persistent=False)
        self.pairs: list[dict[int, WindowPairs]] = []

    def on_fit_start(self) -> None:
        """Only the first process has measured the features."""
        copy_from_first(self.buffers())

    def training_step(self, batch: BranchBatch, _: int) -> Tensor:
        output, _ = self.model(batch.features)
        losses, config = branch_losses(output, batch, self.teacher, self.model.lookaheads, self.config), self.config
        loss = losses.voice + config.teacher_weight * losses.teacher + config.activity_weight * losses.activity
        self._log_mean("train_loss", loss, batch, prog_bar=True)
        for name, value in losses._asdict().items():
            self._log_mean(f"train_{name}_loss", value, batch)
        return loss

    def _log_mean(self, name: str, value: Tensor, batch: BranchBatch, prog_bar: bool = False) -> None:
        rows = len(batch.features)
        self.log(name, per_process(value.detach()), prog_bar, on_step=False, on_epoch=True, batch_size=rows)

    def on_validation_epoch_start(self) -> None:
        self.pairs = []

    def validation_step(self, recording: ValidationRecording, _: int) -> None:
        self.pairs.append(score_pairs(self.model, recording))

    def on_validation_epoch_end(self) -> None:
        """`val_loss` is the mean of the equal error rates of all look-aheads, in per cent."""
        if not any(len(found[each].same) for found in self.pairs for each in found):
            log.warning("the validation set has no pair of windows: the first epoch is kept; take longer conversations")
        rates = {each: 100 * WindowPairs.join([found[each] for found in self.pairs]).eer() for each in self.pairs[0]}
        for lookahead, rate in rates.items():
            self.log(f"val_eer_lookahead{lookahead}", rate)
        self.log("val_loss", float(np.mean(list(rates.values()))), prog_bar=True)

    def configure_optimizers(self) -> dict:
        """AdamW, with decay of matrices alone."""
        config, parameters = self.config, list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        # Lightning clips no gradients of a fused optimizer in mixed precision.
        optimizer = torch.optim.AdamW(groups, config.learning_rate, fused=config.precision == "32-true")
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(step, config.warmup_steps, self.total_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
