"""The common part of all runs in Lightning: checkpoints, from which a run resumes after any interruption, the model
file, the trainer, and the contents of the folder.
"""

import hashlib
import io
import json
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
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import SIGTERMException

from mimidiar.config import load_config, save_config
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path, make_folder, read_json, write_json
from mimidiar.torch_setup import pick_device, use_one_thread
from mimidiar.training.batches import Loader
from mimidiar.training.processes import Machine, disconnect, end_with_launcher, processes_here, rank, take_gpu
from mimidiar.weight_files import save_weights

FINISHED = "finished.json"
# The others wait for the first process to compute mean and deviation of the training features.
PATIENCE = timedelta(hours=2)
MUCH = 0.05  # of the time of training, spent waiting for data


class AtomicCheckpointIO(CheckpointIO):
    """A checkpoint is complete or absent, and is read without unpickling code."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        # Through memory: torch reports a full disk as an error of its own type, plain writing as OSError.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with atomic_path(path) as partial:
            partial.write_bytes(content.getbuffer())

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: bool | None = True) -> dict:
        return torch.load(path, map_location=map_location or "cpu", weights_only=True)

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


class ReseedEachEpoch(Callback):
    """Dropout in epoch n depends on the seed and n alone: a resumed run draws the same as an undisturbed one.

    Of several processes each draws its own, or their rows would have the same noise.
    """

    def __init__(self, seed: int):
        self.seed = seed

    def on_train_epoch_start(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        own = f" {trainer.global_rank}" if trainer.global_rank else ""
        digest = hashlib.sha256(f"{self.seed} {trainer.current_epoch}{own}".encode()).digest()
        L.seed_everything(int.from_bytes(digest[:4]), verbose=False)


class KeepBest(Checkpoint):
    """After each epoch: a line in log.jsonl, model.safetensors when the validation loss is the best so far, last.ckpt.

    last.ckpt comes last. Files of an epoch that was interrupted before it are written again, identically, by the
    resumed run. Of several processes the first one writes.
    """

    def __init__(self, folder: Path, header: dict[str, Any]):
        self.folder, self.header = folder, header
        self.best_loss = float("inf")
        self.best_epoch = -1

    def state_dict(self) -> dict[str, Any]:
        return {"best_loss": self.best_loss, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_loss, self.best_epoch = state_dict["best_loss"], state_dict["best_epoch"]

    def on_train_epoch_end(self, trainer: L.Trainer, task: L.LightningModule) -> None:
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        is_best = values["val_loss"] < self.best_loss
        if is_best:
            self.best_loss, self.best_epoch = values["val_loss"], trainer.current_epoch
        if trainer.is_global_zero:
            if is_best:
                save_weights(task.model, self.folder / "model.safetensors", self.header)
            self._log(trainer, values)
        trainer.save_checkpoint(self.folder / "last.ckpt")

    def _log(self, trainer: L.Trainer, values: dict[str, float]) -> None:
        """Append this epoch's line, in place of lines of an interrupted run."""
        path = self.folder / "log.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        epoch = trainer.current_epoch
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        entry = {"epoch": epoch, "step": trainer.global_step, "learning_rate": rate, "best_epoch": self.best_epoch}
        lines = [line for line in lines if json.loads(line)["epoch"] < epoch]
        lines.append(json.dumps(entry | values, sort_keys=True))
        with atomic_path(path) as partial:
            partial.write_text("\n".join(lines) + "\n")


def best_so_far(path: Path) -> dict[str, Any]:
    """The state of `KeepBest` in the checkpoint."""
    return _callback_state(path, KeepBest.__name__)


def stopped_early(path: Path) -> bool:
    """Whether early stopping had ended the run that wrote this checkpoint; Lightning itself forgets it."""
    state = _callback_state(path, EarlyStopping.__name__)
    return state["wait_count"] >= state["patience"]


def _callback_state(path: Path, name: str) -> dict[str, Any]:
    states = torch.load(path, map_location="cpu", weights_only=True)["callbacks"]
    return next(state for key, state in states.items() if key.startswith(name))


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
        if keep_best.best_epoch < 0:
            raise MimidiarError(
                f"{keep_best.folder}: the validation loss was no number from the start; lower the learning rate"
            )
        report = {"best_epoch": keep_best.best_epoch, "best_loss": keep_best.best_loss}
        write_json(keep_best.folder / FINISHED, report)
    disconnect()


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
