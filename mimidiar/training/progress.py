"""The progress bar of a training run, and the time spent waiting for data."""

import time
from typing import Any

import click
import lightning as L
import torch
from lightning.pytorch.callbacks import TQDMProgressBar

from mimidiar.training.batches import Loader

MUCH = 0.05  # of the time


class Progress(TQDMProgressBar):
    """Lightning's bar, with the share of the epoch's time in which the training loop waited for its batches.

    Of several processes, the largest share counts; validation does not. On a GPU, which computes while the loop waits,
    it is an upper bound of the cost of loading. Shares of epochs are in the TensorBoard events as `waiting_share`, that
    of the whole run is printed at its end; none is in log.jsonl, which must be the same for a resumed run.
    """

    def __init__(self) -> None:
        super().__init__(refresh_rate=10)
        self.waited_sec = self.training_sec = 0.0  # of the epochs before this one
        self.began = self.last = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, *args: Any) -> None:
        super().on_train_epoch_start(trainer, *args)
        trainer.train_dataloader.waited_sec = 0.0
        self.began = self.last = time.monotonic()

    def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:
        self.last = time.monotonic()
        super().on_train_batch_end(*args, **kwargs)

    def get_metrics(self, trainer: L.Trainer, task: L.LightningModule) -> dict[str, Any]:
        share = _share(trainer.train_dataloader.waited_sec, self.last - self.began)
        return super().get_metrics(trainer, task) | {"waits": f"{100 * share:.0f}%"}

    def on_train_epoch_end(self, trainer: L.Trainer, task: L.LightningModule) -> None:
        super().on_train_epoch_end(trainer, task)
        loader: Loader = trainer.train_dataloader
        waited = torch.tensor(loader.waited_sec, device=task.device)
        waited_sec, training_sec = float(trainer.strategy.reduce(waited, reduce_op="max")), self.last - self.began
        trainer.logger.log_metrics({"waiting_share": _share(waited_sec, training_sec)}, step=trainer.global_step)
        self.waited_sec, self.training_sec = self.waited_sec + waited_sec, self.training_sec + training_sec

    def on_train_end(self, trainer: L.Trainer, task: L.LightningModule) -> None:
        super().on_train_end(trainer, task)
        if not trainer.is_global_zero or not self.training_sec:
            return
        share, workers = _share(self.waited_sec, self.training_sec), trainer.train_dataloader.num_workers
        advice = f"; more than {workers} --num-workers may help" if share > MUCH else ""
        click.echo(f"waited for data in {100 * share:.1f} % of {self.training_sec:.1f} s of training{advice}")


def _share(part_sec: float, whole_sec: float) -> float:
    return part_sec / whole_sec if whole_sec > 0 else 0.0
