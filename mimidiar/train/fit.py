"""One training run: data, model, trainer; finished, continued or started anew by what lies in the model folder."""

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.utils.data import Sampler

from mimidiar.config import load_config, save_config
from mimidiar.errors import MimidiarError
from mimidiar.features.streams import open_features
from mimidiar.files import make_folder, read_json, write_json
from mimidiar.models.build import Model, build_model, model_header
from mimidiar.models.rate import LABEL_HZ
from mimidiar.simulate.augment import Augmenter
from mimidiar.torch_setup import pick_device, use_one_thread
from mimidiar.train.batches import Loader
from mimidiar.train.checkpoints import AtomicCheckpointIO, KeepBest, ReseedEachEpoch, best_so_far, stopped_early
from mimidiar.train.config import TrainConfig
from mimidiar.train.data import (
    ConsecutiveCrops,
    Conversations,
    RandomCrops,
    SetFolders,
    check_alike,
    collate,
    feature_statistics,
)
from mimidiar.train.likeness import fit_likeness
from mimidiar.train.mixtures import on_mixtures
from mimidiar.train.processes import Machine, disconnect, end_with_launcher, processes_here, rank, take_gpu
from mimidiar.train.progress import Progress
from mimidiar.train.task import DiarizationTask, Run

FINISHED = "finished.json"
# The others wait until the first process knows mean and deviation of the training features.
PATIENCE = timedelta(hours=2)


def train(
    config: TrainConfig,
    train_sets: Sequence[SetFolders],
    dev_sets: Sequence[SetFolders],
    folder: Path,
    seed: int,
    machine: Machine = Machine(),  # noqa: B008 (frozen)
    checkpoint: Path | None = None,
    start_from: Path | None = None,
    mixtures: Path | None = None,
    augmenter: Augmenter | None = None,
) -> None:
    """Train a model on one or more sets, as (data, feats) folders, into a model folder.

    With `config.unfreeze` the codec's weights are read again, from `checkpoint` where they are a file, and the adapter
    begins as that of the trained model `start_from`, if given. With `config.mixtures` there are no training sets but
    the data folder `mixtures`, whose utterances are mixed on the fly and pass the codec that made the dev features,
    some of the mixtures with a noise behind them or in a room by the `augmenter`, if given.

    With `machine.processes` above 1 each of them calls this with the same arguments: torchrun has started them all, or
    the first one does so, by starting the command that it was started by again. Batches are those of one process, and
    losses, but for rounding and dropout; a run may be continued by another number of processes.

    The folder gets model.safetensors (best epoch, with its configuration in the header), last.ckpt, config.yaml,
    seed.json, log.jsonl, TensorBoard events and, at the end, finished.json. Killed at any moment and called again, it
    goes on from the last whole epoch and ends in the weights of an undisturbed run (on CPU); a finished run is left
    as it is. Raises MimidiarError for sets that do not fit each other or the model, for a folder begun with another
    configuration or seed, and when the validation loss is no number from the first epoch on.
    """
    machine = replace(machine, device=pick_device(machine.device).type)
    if machine.device == "cuda":
        take_gpu(machine.processes)
    _check_precision(config.precision, machine.device)
    end_with_launcher()
    use_one_thread()
    L.seed_everything(seed, verbose=False)
    history = round(config.unfreeze.history_sec * LABEL_HZ) if config.unfreeze else 0
    dev_data = Conversations(dev_sets, config.model.max_speakers, history)
    if start_from is not None and not config.unfreeze:
        raise MimidiarError(f"{start_from}: a model to start from is for configurations with unfreeze alone")
    if mixtures is None:
        data = Conversations(train_sets, config.model.max_speakers, history)
        check_alike(open_features(dev_sets[0][1]), open_features(train_sets[0][1]))
        run = _on_features(config, data, _new_model(config, data, checkpoint, start_from), machine, seed)
    else:
        data = dev_data  # mixtures have no features of their own
        run = on_mixtures(config, mixtures, data, checkpoint, machine, seed, augmenter)
    if rank() == 0:
        _keep_configuration(config, seed, folder)
    if (folder / FINISHED).exists():
        return
    header = (config.model, data.frame_hz, config.crop_sec, data.meta, config.fusion)
    keep_best = KeepBest(folder, model_header(*header, top=run.model.top if config.unfreeze else None))
    watched = _loader(dev_data, ConsecutiveCrops(dev_data, config.crop_sec), config.batch_size, machine)
    _fit(run, watched, keep_best, _trainer(config, folder, seed, keep_best, machine), config.epochs)
    if rank() == 0:
        _finish(folder, keep_best)
    disconnect()


def _fit(run: Run, watched: Loader, keep_best: KeepBest, trainer: L.Trainer, epochs: int) -> None:
    """Train to the end, from the last checkpoint on where there is one. Ended by TERM, the process exits with 143."""
    last = keep_best.folder / "last.ckpt"
    if last.exists() and stopped_early(last):
        keep_best.load_state_dict(best_so_far(last))
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*number of training batches.*")
        task = run.new_task(len(run.batches) * epochs)
        try:
            trainer.fit(task, run.batches, watched, ckpt_path=last if last.exists() else None)
        except SIGTERMException:  # in itself an exit with code 0, as if all were done
            sys.exit(128 + signal.SIGTERM)


def _finish(folder: Path, keep_best: KeepBest) -> None:
    if keep_best.best_epoch < 0:
        raise MimidiarError(f"{folder}: the validation loss was no number from the start; lower the learning rate")
    write_json(folder / FINISHED, {"best_epoch": keep_best.best_epoch, "best_loss": keep_best.best_loss})


def _new_model(
    config: TrainConfig, train_data: Conversations, checkpoint: Path | None, start_from: Path | None
) -> Model:
    config.model.input_dim = train_data.input_dim
    if config.fusion:
        config.fusion = fit_likeness(config.fusion, train_data)
    try:
        if config.unfreeze:
            from mimidiar.train.unfreeze import frozen_top, new_unfrozen  # moshi takes a second

            top = frozen_top(config, train_data.meta, checkpoint)
            config.model.input_dim = top.size.dimension
            return new_unfrozen(config, top, train_data, start_from)
        model = build_model(config.model, config.fusion)
    except ValueError as error:
        raise MimidiarError(f"model: {error}; mend the configuration") from None
    if config.normalize_features and rank() == 0:  # which the others get it from
        model.features.set_statistics(*feature_statistics(train_data))
    return model


def _on_features(config: TrainConfig, data: Conversations, model: Model, machine: Machine, seed: int) -> Run:
    """A run on crops of conversations whose features are stored."""
    weights = [config.weight_of(folder.name) for folder in data.sets]
    crops = RandomCrops(data, config.crop_sec, config.crops_per_recording, seed, weights)
    return Run(model, _loader(data, crops, config.batch_size, machine), partial(_new_task, model, config))


def _new_task(model: Model, config: TrainConfig, total_steps: int) -> DiarizationTask:
    if not config.unfreeze:
        return DiarizationTask(model, config, total_steps)
    from mimidiar.train.unfreeze import UnfreezeTask

    return UnfreezeTask(model, config, total_steps)


def _loader(data: Conversations, crops: Sampler, batch_size: int, machine: Machine) -> Loader:
    return Loader(data, crops, batch_size, collate, machine.num_workers, pin_memory=machine.device == "cuda")


def _trainer(config: TrainConfig, folder: Path, seed: int, keep_best: KeepBest, machine: Machine) -> L.Trainer:
    here = processes_here(machine.processes)
    plugins, strategy = [AtomicCheckpointIO()], "auto"
    if machine.processes > 1:
        # Lightning would take the settings of a Slurm job for those of a launcher.
        plugins.append(TorchElasticEnvironment() if TorchElasticEnvironment.detect() else LightningEnvironment())
        strategy = DDPStrategy(broadcast_buffers=False, timeout=PATIENCE)
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # or Lightning gives each process several
    return L.Trainer(
        max_epochs=config.epochs,
        accelerator="cpu" if machine.device == "cpu" else "gpu",
        devices=here,
        num_nodes=machine.processes // here,
        strategy=strategy,
        use_distributed_sampler=False,  # SharedBatches shares
        precision=config.precision,
        gradient_clip_val=config.clip_norm,
        logger=TensorBoardLogger(folder, name="tensorboard", version=""),
        plugins=plugins,
        callbacks=[
            Progress(),
            ReseedEachEpoch(seed),
            EarlyStopping("val_loss", patience=config.patience),
            keep_best,
        ],
        enable_checkpointing=True,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        deterministic=True,
    )


def _check_precision(precision: str, device: str) -> None:
    if precision == "16-mixed" and device == "cpu":
        raise MimidiarError("precision is 16-mixed, which a CPU has not; set bf16-mixed or 32-true, or --device cuda")


def _keep_configuration(config: TrainConfig, seed: int, folder: Path) -> None:
    """Write config.yaml and seed.json, or refuse to go on with others than those the folder was begun with."""
    make_folder(folder)
    path, seed_path = folder / "config.yaml", folder / "seed.json"
    if not path.exists():
        write_json(seed_path, {"seed": seed})
        save_config(config, path)
    if load_config(TrainConfig, path) != config or read_json(seed_path)["seed"] != seed:
        raise MimidiarError(
            f"{path}: the run in this folder was begun with another configuration or seed; choose another folder"
        )
