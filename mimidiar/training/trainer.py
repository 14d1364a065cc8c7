"""The common part of all runs in Lightning: trainer, resuming, and the contents of the folder."""

import os
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import click
import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import SIGTERMException

from mimidiar.config import load_config, save_config
from mimidiar.errors import MimidiarError
from mimidiar.files import make_folder, read_json, write_json
from mimidiar.torch_setup import pick_device, use_one_thread
from mimidiar.training.batches import Loader
from mimidiar.training.checkpoints import AtomicCheckpointIO, KeepBest, ReseedEachEpoch
from mimidiar.training.processes import Machine, disconnect, end_with_launcher, processes_here, rank, take_gpu

FINISHED = "finished.json"
# The others wait for the first process to compute mean and deviation of the training features.
PATIENCE = timedelta(hours=2)
MUCH = 0.05  # of the time of training, spent waiting for data


class Schedule(Protocol):
    """The fields of a run's configuration that the trainer reads."""

    epochs: int
    precision: str
    clip_norm: float


class WaitingTime(Callback):
    """Prints at the end of training the share of its time in which it waited for batches; validation does not count.

    Of several processes, the largest share. On a GPU, which computes while the loop waits, it is an upper bound of the
    cost of loading.
    """

    def __init__(self) -> None:
        self.last = self.training_sec = 0.0

    def on_train_epoch_start(self, *_: Any) -> None:
        self.last = time.monotonic()

    def on_train_batch_end(self, *_: Any) -> None:
        now = time.monotonic()
        self.training_sec, self.last = self.training_sec + now - self.last, now

    def on_train_end(self, trainer: L.Trainer, task: L.LightningModule) -> None:
        loader: Loader = trainer.train_dataloader
        waited = trainer.strategy.reduce(torch.tensor(loader.waited_sec, device=task.device), reduce_op="max")
        if trainer.is_global_zero and self.training_sec:
            share = float(waited) / self.training_sec
            advice = f"; more than {loader.num_workers} --num-workers may help" if share > MUCH else ""
            click.echo(f"waited for data in {100 * share:.1f} % of {self.training_sec:.1f} s of training{advice}")


def begin(machine: Machine, precision: str, seed: int) -> Machine:
    """Prepare this process for a run and seed it; returns the machine with a known device.

    Raises MimidiarError for a missing device, or one without this precision.
    """
    machine = replace(machine, device=pick_device(machine.device).type)
    if machine.device == "cuda":
        take_gpu(machine.processes)
    check_precision(precision, machine.device)
    end_with_launcher()
    use_one_thread()
    L.seed_everything(seed, verbose=False)
    return machine


def make_trainer(
    config: Schedule, seed: int, keep_best: KeepBest, machine: Machine, callbacks: Sequence[Callback] = ()
) -> L.Trainer:
    """A trainer that writes to the folder of `keep_best`, with `callbacks` besides the common ones."""
    here = processes_here(machine.processes)
    plugins, strategy = [AtomicCheckpointIO()], "auto"
    if machine.processes > 1:
        # Lightning would take the settings of a Slurm job as those of a launcher.
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
        logger=TensorBoardLogger(keep_best.folder, name="tensorboard", version=""),
        plugins=plugins,
        callbacks=[TQDMProgressBar(refresh_rate=10), WaitingTime(), ReseedEachEpoch(seed), *callbacks, keep_best],
        enable_checkpointing=True,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        deterministic=True,
    )


def fit_from_last(
    trainer: L.Trainer, task: L.LightningModule, batches: Loader, validation: Loader, folder: Path
) -> None:
    """Train to the end, from the last checkpoint in `folder` if there is one. On TERM, the process exits with 143."""
    last = folder / "last.ckpt"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*number of training batches.*")
        # Logged values are of all processes already.
        warnings.filterwarnings("ignore", message=".*sync_dist=True.*")
        try:
            trainer.fit(task, batches, validation, ckpt_path=last if last.exists() else None)
        except SIGTERMException:  # otherwise an exit with code 0, as if finished
            sys.exit(128 + signal.SIGTERM)


def finish(keep_best: KeepBest) -> None:
    """Mark the run as finished, and release other processes. MimidiarError for one without a best epoch."""
    if rank() == 0:
        _write_finished(keep_best)
    disconnect()


def _write_finished(keep_best: KeepBest) -> None:
    if keep_best.best_epoch < 0:
        raise MimidiarError(
            f"{keep_best.folder}: the validation loss was no number from the start; lower the learning rate"
        )
    report = {"best_epoch": keep_best.best_epoch, "best_loss": keep_best.best_loss}
    write_json(keep_best.folder / FINISHED, report)


def keep_configuration(config: Any, seed: int, folder: Path) -> None:
    """Write config.yaml and seed.json, or refuse to continue with others than those of the folder."""
    if rank() > 0:
        return
    make_folder(folder)
    path, seed_path = folder / "config.yaml", folder / "seed.json"
    if not path.exists():
        write_json(seed_path, {"seed": seed})
        save_config(config, path)
    if load_config(type(config), path) != config or read_json(seed_path)["seed"] != seed:
        raise MimidiarError(
            f"{path}: the run in this folder was begun with another configuration or seed; choose another folder"
        )


def check_precision(precision: str, device: str) -> None:
    """MimidiarError for a precision that the device lacks."""
    if precision == "16-mixed" and device == "cpu":
        raise MimidiarError("precision is 16-mixed, which a CPU lacks; set bf16-mixed or 32-true, or --device cuda")
