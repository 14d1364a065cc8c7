"""One training run of a speaker branch: data, teacher, model, trainer."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn

from mimidiar.encoders.branch.network import SpeakerBranch
from mimidiar.encoders.branch.spec import FORMAT
from mimidiar.encoders.protocol import EncoderSpec
from mimidiar.simulation.drawn_sets import read_speakers
from mimidiar.simulation.turn_taking import read_statistics
from mimidiar.simulation.voices import more_voices
from mimidiar.training.batches import Loader
from mimidiar.training.branch.config import BranchTraining
from mimidiar.training.branch.data import BranchBatch, BranchCrops, collate
from mimidiar.training.branch.losses import branch_losses
from mimidiar.training.branch.teacher import voice_embeddings
from mimidiar.training.branch.validation import ValidationSet, pair_eer
from mimidiar.training.config import learning_rate_factor
from mimidiar.training.conversations import ConversationPool, SimulatedCrops, first_conversations
from mimidiar.training.crops import statistics
from mimidiar.training.processes import Machine, per_process
from mimidiar.training.trainer import FINISHED, KeepBest, begin, finish, fit_from_last, keep_configuration, make_trainer


def train_branch(
    config: BranchTraining,
    data: Path,
    turns: Path,
    pool_folder: Path,
    validation: ValidationSet,
    specs: Sequence[EncoderSpec],
    folder: Path,
    seed: int,
    machine: Machine = Machine(),  # noqa: B008 (frozen)
) -> None:
    """Train a branch on the features of `specs` into a model folder, with the files of `training.fit.train`.

    Conversations of the speakers of `data` are simulated by the turn statistics in `turns`; their features and the
    teacher's vectors are kept in `pool_folder`, for all runs. The epoch with the least equal error rate of
    `validation` is kept. A run is resumed as other trainings are.
    """
    machine = begin(machine, config.precision, seed)
    source = more_voices(read_speakers(data), config.voices, seed=0)
    names, teacher = voice_embeddings(source, pool_folder)
    pool = ConversationPool(source, config.conversations, read_statistics(turns), specs, pool_folder, 1, machine.device)
    crops = BranchCrops(pool, {name: number for number, name in enumerate(names)}, config.crop_sec)
    config = replace(config, model=replace(config.model, input_dim=crops.features(0, 0).shape[1]))
    keep_configuration(config, seed, folder)
    if (folder / FINISHED).exists():
        return
    model = SpeakerBranch(**asdict(config.model))
    model.features.set_statistics(*statistics(first_conversations(pool, crops.features)))
    order = SimulatedCrops(config.conversations.count, 1, config.crops_per_conversation, seed, replaced=False)
    batches = Loader(crops, order, config.batch_size, collate, machine.num_workers)
    keep_best = KeepBest(folder, branch_header(config, specs))
    task = BranchTask(model, config, torch.from_numpy(teacher), len(batches) * config.epochs, validation)
    nothing = Loader([torch.zeros(1)], [0], 1, torch.stack, 0)
    fit_from_last(make_trainer(config, seed, keep_best, machine), task, batches, nothing, folder)
    finish(keep_best)


def branch_header(config: BranchTraining, specs: Sequence[EncoderSpec]) -> dict[str, Any]:
    """The header of model.safetensors: the arguments of the branch, and the encoders whose features it reads."""
    return {"format": FORMAT, "model": asdict(config.model), "encoders": [spec.meta() for spec in specs]}


class BranchTask(L.LightningModule):
    """Trains `model` by the losses of `branch_losses`."""

    def __init__(
        self, model: nn.Module, config: BranchTraining, teacher: Tensor, total_steps: int, validation: ValidationSet
    ):
        super().__init__()
        self.model, self.config, self.total_steps, self.validation = model, config, total_steps, validation
        self.register_buffer("teacher", teacher, persistent=False)

    def training_step(self, batch: BranchBatch, _: int) -> Tensor:
        output, _ = self.model(batch.features)
        losses = branch_losses(output, batch, self.teacher, self.model.lookaheads, self.config)
        config = self.config
        loss = losses["voice"] + config.teacher_weight * losses["teacher"] + config.activity_weight * losses["activity"]
        for name, value in {"train_loss": loss} | {
            f"train_{name}_loss": value for name, value in losses.items()
        }.items():
            self.log(
                name,
                per_process(value),
                name == "train_loss",
                on_step=False,
                on_epoch=True,
                batch_size=len(batch.features),
            )
        return loss

    def validation_step(self, *_: Any) -> None:
        """`val_loss` is the mean of the equal error rates of all look-aheads."""
        rates = pair_eer(self.model, self.validation)
        for lookahead, rate in rates.items():
            self.log(f"val_eer_lookahead{lookahead}", rate, batch_size=1)
        self.log("val_loss", float(np.mean(list(rates.values()))), prog_bar=True, batch_size=1)

    def configure_optimizers(self) -> dict:
        config = self.config
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, config.learning_rate, fused=config.precision == "32-true")
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(step, config.warmup_steps, self.total_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
