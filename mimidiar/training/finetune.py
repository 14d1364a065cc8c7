"""Training the upper layers of the codec with the adapter (Exp 2.5): initialization, two learning rates, and a term
that keeps the latent near the frozen codec's.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.encoders.mimi.sizes import layers_above
from mimidiar.encoders.mimi.upper_layers import MimiTop, top_of
from mimidiar.encoders.registry import describe_maker
from mimidiar.errors import MimidiarError
from mimidiar.models.build import load_model
from mimidiar.models.finetune import UnfrozenAdapter, latent
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Batch, Conversations, statistics
from mimidiar.training.new_model import new_model
from mimidiar.training.processes import per_process, total
from mimidiar.training.task import DiarizationTask, counted_frames
from mimidiar.weight_files import fill

STATISTICS_SEC = 36000.0  # of training audio for the latent's mean and deviation; more changes no third digit


def frozen_top(config: TrainConfig, meta: dict[str, Any], checkpoint: Path | None) -> MimiTop:
    """The layers to train, from the codec that made the features (by their meta.json).

    Raises MimidiarError for features of another tap than the one below these layers, naming it, and what
    `describe_maker` raises.
    """
    spec = describe_maker(meta, checkpoint)
    if not spec.build_codec:
        raise MimidiarError(f"unfreeze: {spec.name} is no Mimi; its layers cannot be trained")
    if (above := layers_above(spec.tap, spec.size)) != config.unfreeze.layers:
        raise MimidiarError(
            f"unfreeze.layers is {config.unfreeze.layers}, but {above} layers come after the features' tap {spec.tap}; "
            "extract the tap below the layers to train, or train all layers after this one"
        )
    return top_of(spec.build_codec("cpu"), spec.size, config.unfreeze.layers)


def new_unfrozen(config: TrainConfig, top: MimiTop, data: Conversations, start_from: Path | None) -> UnfrozenAdapter:
    """The model before training: the codec's layers, and an adapter with fresh weights or those of `start_from`, the
    model.safetensors of an adapter trained on this codec's latent.
    """
    model = new_model(config, None if start_from else lambda: statistics(_latents(top, data)), top)
    if start_from is not None:
        _copy_adapter(model, start_from, data.meta)
    return model


def _copy_adapter(model: UnfrozenAdapter, path: Path, meta: dict[str, Any]) -> None:
    trained = load_model(path)
    wanted = {"encoder": meta["encoder"], "tap": "latent", "weights_sha256": meta["weights_sha256"]}
    for key, value in wanted.items():
        if (found := trained.encoder.get(key)) != value:
            raise MimidiarError(f"{path}: was trained on features whose {key} is {found}, here it is {value}")
    fill(model.adapter, trained.model.state_dict(), path)


def _latents(top: MimiTop, data: Conversations) -> Iterator[np.ndarray]:
    """The latent of whole recordings, up to STATISTICS_SEC spread over the sets."""
    total = sum(data.num_frames(recording) for recording in data.recordings)
    every = -(-total // round(STATISTICS_SEC * LABEL_HZ))
    for recording in data.recordings[::every]:
        features = torch.from_numpy(data.features(recording))
        yield top.run(features.reshape(-1, features.shape[1] // 2)).numpy()


class UnfreezeTask(DiarizationTask):
    """The codec's layers and the adapter each have a learning rate and a gradient clip."""

    def __init__(self, model: UnfrozenAdapter, config: TrainConfig, total_steps: int):
        super().__init__(model, config, total_steps)
        self.settings = config.unfreeze
        model.top.requires_grad_(self.settings.learning_rate > 0)
        self.frozen = copy.deepcopy(model.top).requires_grad_(False) if self.settings.near_weight > 0 else None

    def training_step(self, batch: Batch, index: int) -> Tensor:
        if self.frozen is None:
            return super().training_step(batch, index)
        # In single precision: the two differ by less than half precision's rounding.
        with torch.autocast(self.device.type, enabled=False):
            x = latent(self.model.top, batch.features)
            with torch.no_grad():
                origin = latent(self.frozen, batch.features)
        rows = self.trainer.train_dataloader.batch_sampler.rows(index)
        loss = self.total_loss(self.model.adapt(x, batch.mask), batch, rows)
        distance = latent_distance(x, origin, counted_frames(batch, rows))
        self.log_training("train_latent_distance", distance, rows)
        return loss + self.settings.near_weight * distance

    def parameter_groups(self) -> list[dict[str, Any]]:
        adapter = [*self.model.adapter.parameters(), *self.head_parameters()]
        groups = [{"params": adapter, "lr": self.config.learning_rate, "clip_norm": self.config.clip_norm}]
        if self.settings.learning_rate > 0:
            top = {"params": list(self.model.top.parameters()), "lr": self.settings.learning_rate}
            groups.append(top | {"clip_norm": self.settings.clip_norm})
        return groups

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Each group by its own norm: a large gradient of one must not shrink the other's steps."""
        for group in optimizer.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], group["clip_norm"])


def latent_distance(x: Tensor, origin: Tensor, mask: Tensor) -> Tensor:
    """Squared distance of x to `origin` over the variance of `origin`, on the frames of `mask`: 0 where nothing moved,
    1 where x is the mean of all frames. (B, T, D) twice, (B, T) -> a scalar. Of several processes, this one's share:
    mean and variance are those of all frames.
    """
    x, origin = x[mask], origin[mask]
    mean = total(origin.sum(0)) / total(mask.sum())
    return (x - origin).square().sum() / per_process((origin - mean).square().sum())
