"""The Lightning task: loss, optimizer, schedule and what is logged; the model is independent of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import lightning as L
import torch
from torch import Tensor

from mimidiar.models.adapter import Adapter
from mimidiar.models.build import Model, model_header
from mimidiar.training.batches import Loader
from mimidiar.training.config import TrainConfig, learning_rate_factor
from mimidiar.training.crops import Batch, Conversations
from mimidiar.training.losses import DeepClustering, best_order, count_pairs, hybrid_loss
from mimidiar.training.processes import copy_from_first, per_process, rank, total


class Run(NamedTuple):
    """A run by a configuration: the completed configuration, data with the features of the model, the model, training
    batches, and a factory of the task from the number of steps.
    """

    config: TrainConfig
    data: Conversations
    model: Model
    batches: Loader
    new_task: Callable[[int], "DiarizationTask"]

    def header(self) -> dict[str, Any]:
        """The header of model.safetensors."""
        config, data = self.config, self.data
        top = self.model.top if config.unfreeze else None
        return model_header(config.model, data.frame_hz, config.crop_sec, data.meta, config.fusion, top)


class DiarizationTask(L.LightningModule):
    """Trains an adapter on crops with the hybrid of sort loss and permutation-invariant loss, and deep clustering.

    Of several processes each computes its share of the batch's loss (`training/processes.py`); logged values are of the
    whole batch, the same in each of them.
    """

    def __init__(self, model: Adapter, config: TrainConfig, total_steps: int):
        super().__init__()
        self.model, self.config, self.total_steps = model, config, total_steps
        weight = config.clustering_weight
        self.clustering = DeepClustering(model, config.clustering_layer, config.clustering_dim) if weight > 0 else None

    def on_fit_start(self) -> None:
        """Only the first process has read all features, and Lightning copies only the parameters of a model."""
        copy_from_first(self.buffers())

    def training_step(self, batch: Batch, index: int) -> Tensor:
        rows = self.trainer.train_dataloader.batch_sampler.rows(index)
        return self.total_loss(self.model(batch.features, batch.mask), batch, rows)

    def total_loss(self, logits: Tensor, batch: Batch, rows: int) -> Tensor:
        """The loss on outputs, and, with a weight, deep clustering on embeddings of the same pass.

        `rows` are those of the batch in all processes together.
        """
        counted = counted_frames(batch, rows)
        frames = per_process(counted.sum())
        loss = hybrid_loss(logits, batch.targets, counted, self.config.sort_weight, frames)
        self.log_training("train_loss", loss, rows, prog_bar=True)
        if self.clustering is None:
            return loss
        targets = batch.targets * counted.unsqueeze(-1)  # uncounted frames have no embedding
        clustering = self.clustering.loss(targets, batch.mask, per_process(count_pairs(targets, batch.mask)))
        self.log_training("train_clustering_loss", clustering, rows)
        return loss + self.config.clustering_weight * clustering

    def log_training(self, name: str, loss: Tensor, rows: int, prog_bar: bool = False) -> None:
        """Log the mean over an epoch of this loss; each process has its share."""
        self.log(name, per_process(loss), prog_bar=prog_bar, on_step=False, on_epoch=True, batch_size=rows)

    def validation_step(self, batch: Batch, index: int) -> None:
        counted = counted_frames(batch, self.trainer.val_dataloaders.batch_sampler.rows(index))
        logits = self.model(batch.features, batch.mask)
        frames = total(counted.sum())
        loss = hybrid_loss(logits, batch.targets, counted, self.config.sort_weight, per_process(counted.sum()))
        wrong, speech = map(total, count_errors(logits, batch.targets, counted))
        self.log("val_loss", per_process(loss), prog_bar=True, batch_size=int(frames))
        # A mean weighted by speech is the ratio of the sums, as a corpus DER is.
        self.log("val_der", 100 * wrong / speech.clamp(min=1), prog_bar=True, batch_size=max(int(speech), 1))

    def configure_optimizers(self) -> dict:
        optimizer = torch.optim.AdamW(self.parameter_groups(), weight_decay=self.config.weight_decay)
        kind, warmup = self.config.schedule, self.config.warmup_steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(step, warmup, self.total_steps, kind)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The optimizer's parameters, with a learning rate for each part."""
        return [{"params": [*self.model.parameters(), *self.head_parameters()], "lr": self.config.learning_rate}]

    def head_parameters(self) -> list[Tensor]:
        """Parameters that serve training alone."""
        return list(self.clustering.parameters()) if self.clustering else []


def counted_frames(batch: Batch, rows: int) -> Tensor:
    """(B, T): the batch's mask; nothing where this process has no row of its own among the `rows` of all processes."""
    return batch.mask if rank() < rows else torch.zeros_like(batch.mask)


@torch.no_grad()
def count_errors(logits: Tensor, targets: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Frame errors at threshold 0.5 in the best order of outputs, and active target frames: their ratio is a frame
    DER.

    An error frame counts max(reference, hypothesis) - correct speakers, as DER does with its three parts together.
    """
    order = best_order(logits, targets, mask)
    truth = targets.gather(2, order.unsqueeze(1).expand_as(targets)) * mask.unsqueeze(-1)
    guess = (logits > 0).float() * mask.unsqueeze(-1)
    correct = (truth * guess).sum(-1)
    return (torch.maximum(truth.sum(-1), guess.sum(-1)) - correct).sum(), truth.sum()
