"""The model of a run before its first step."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from mimidiar.errors import MimidiarError
from mimidiar.models.build import Model, build_model
from mimidiar.training.affinity_calibration import calibrate_similarity
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Conversations
from mimidiar.training.processes import rank

if TYPE_CHECKING:
    from mimidiar.encoders.mimi.upper_layers import MimiTop

Statistics = Callable[[], tuple[Tensor, Tensor]]  # mean and standard deviation (D,) of the training features


def completed(config: TrainConfig, data: Conversations) -> TrainConfig:
    """The configuration completed by the features: `model.input_dim`, and open values of `fusion`."""
    model = replace(config.model, input_dim=data.input_dim)
    return replace(config, model=model, fusion=calibrate_similarity(config.fusion, data) if config.fusion else None)


def new_model(config: TrainConfig, measure: Statistics | None, top: "MimiTop | None" = None) -> Model:
    """Fresh weights by a completed configuration, on `top` if given, with the input normalized by `measure`.

    Raises MimidiarError for a configuration that no model can have.
    """
    try:
        model = build_model(config.model, config.fusion, top)
    except ValueError as error:
        raise MimidiarError(f"model: {error}; correct the configuration") from None
    if measure is not None and config.normalize_features and rank() == 0:  # the source for the other processes
        (model if top is None else model.adapter).features.set_statistics(*measure())
    return model
