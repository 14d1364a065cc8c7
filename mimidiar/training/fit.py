"""One training run: data, model, trainer; finished, continued or started by the contents of the model folder."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import EarlyStopping
from torch.utils.data import Sampler

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.errors import MimidiarError
from mimidiar.models.build import Model
from mimidiar.training.batches import Loader
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import (
    ConsecutiveCrops,
    Conversations,
    RandomCrops,
    SetFolders,
    check_same_encoder,
    collate,
    feature_statistics,
)
from mimidiar.training.new_model import completed, new_model
from mimidiar.training.processes import Machine
from mimidiar.training.task import DiarizationTask, Run
from mimidiar.training.trainer import (
    FINISHED,
    KeepBest,
    begin,
    best_so_far,
    finish,
    fit_from_last,
    keep_configuration,
    make_trainer,
    stopped_early,
)

# From the configuration, the validation set, the codec's weights (or None), the machine and the seed.
RunMaker = Callable[[TrainConfig, Conversations, Path | None, Machine, int], Run]


def train(
    config: TrainConfig,
    train_sets: Sequence[SetFolders],
    dev_sets: Sequence[SetFolders],
    folder: Path,
    seed: int,
    machine: Machine = Machine(),  # noqa: B008 (frozen)
    checkpoint: Path | None = None,
    start_from: Path | None = None,
    on_the_fly: RunMaker | None = None,
) -> None:
    """Train a model on one or more sets, as (data, feats) folders, into a model folder.

    With `config.unfreeze` the codec's weights are read again, from `checkpoint` if they are a file, and the adapter
    begins as that of the trained model `start_from`, if given. With training data made `on_the_fly`
    (`training.mixtures`, `training.conversations`) there are no training sets.

    With `machine.processes` above 1 each of them calls this with the same arguments: torchrun has started them all, or
    the first one starts the others with its own command. Batches are those of one process, and losses, but for rounding
    and dropout; a run may be continued by another number of processes.

    The folder gets model.safetensors (best epoch, with its configuration in the header), last.ckpt, config.yaml,
    seed.json, log.jsonl, TensorBoard events and, at the end, finished.json. Killed at any moment and called again, it
    continues from the last complete epoch and ends in the weights of an undisturbed run (on CPU); a finished run is
    kept. Raises MimidiarError for sets that do not fit each other or the model, for a folder begun with another
    configuration or seed, and when the validation loss is no number from the first epoch on.
    """
    if start_from is not None and not config.unfreeze:
        raise MimidiarError(f"{start_from}: a model to start from is for configurations with unfreeze alone")
    machine = begin(machine, config.precision, seed)
    dev_data = Conversations(dev_sets, config.model.max_speakers, _history(config))
    make = on_the_fly or partial(_on_sets, sets=train_sets, start_from=start_from)
    run = make(config, dev_data, checkpoint, machine, seed)
    keep_configuration(run.config, seed, folder)
    if (folder / FINISHED).exists():
        return
    keep_best = KeepBest(folder, run.header())
    validation = _loader(dev_data, ConsecutiveCrops(dev_data, config.crop_sec), config.batch_size, machine)
    trainer = make_trainer(config, seed, keep_best, machine, [EarlyStopping("val_loss", patience=config.patience)])
    _fit(run, validation, keep_best, trainer, config.epochs)
    finish(keep_best)


def _fit(run: Run, validation: Loader, keep_best: KeepBest, trainer: L.Trainer, epochs: int) -> None:
    """Train to the end; a run that has stopped early is kept."""
    last = keep_best.folder / "last.ckpt"
    if last.exists() and stopped_early(last):
        keep_best.load_state_dict(best_so_far(last))
        return
    fit_from_last(trainer, run.new_task(len(run.batches) * epochs), run.batches, validation, keep_best.folder)


def _on_sets(
    config: TrainConfig,
    dev_data: Conversations,
    checkpoint: Path | None,
    machine: Machine,
    seed: int,
    sets: Sequence[SetFolders],
    start_from: Path | None,
) -> Run:
    """A run on crops of conversations with stored features. MimidiarError for features other than those of
    `dev_data`."""
    data = Conversations(sets, config.model.max_speakers, _history(config))
    check_same_encoder(dev_data.store, data.store)
    config = completed(config, data)
    if config.unfreeze:
        from mimidiar.training.finetune import frozen_top, new_unfrozen  # moshi takes a second

        top = frozen_top(config, data.meta, checkpoint)
        config = replace(config, model=replace(config.model, input_dim=top.size.dimension))
        model = new_unfrozen(config, top, data, start_from)
    else:
        model = new_model(config, lambda: feature_statistics(data))
    weights = [config.weight_of(folder.name) for folder in data.sets]
    crops = RandomCrops(data, config.crop_sec, config.crops_per_recording, seed, weights)
    batches = _loader(data, crops, config.batch_size, machine)
    return Run(config, data, model, batches, partial(_new_task, model, config))


def _history(config: TrainConfig) -> int:
    """Label frames of context before each crop."""
    return round(config.unfreeze.history_sec * LABEL_HZ) if config.unfreeze else 0


def _new_task(model: Model, config: TrainConfig, total_steps: int) -> DiarizationTask:
    if not config.unfreeze:
        return DiarizationTask(model, config, total_steps)
    from mimidiar.training.finetune import UnfreezeTask

    return UnfreezeTask(model, config, total_steps)


def _loader(data: Conversations, crops: Sampler, batch_size: int, machine: Machine) -> Loader:
    return Loader(data, crops, batch_size, collate, machine.num_workers, pin_memory=machine.device == "cuda")
