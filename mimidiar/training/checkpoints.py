"""Checkpoints, from which a run resumes after any interruption, and the model file."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping

from mimidiar.files import atomic_path
from mimidiar.models.weights import save_weights


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
