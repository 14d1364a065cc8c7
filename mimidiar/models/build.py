"""From a configuration or a file to a model: the one registry of models, and the loader that checks what it reads."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import Adapter, AdapterConfig
from mimidiar.models.weights import fill, load_weights

FORMAT = "mimidiar-model-2"


@dataclass(frozen=True)
class TrainedModel:
    """A model with what its file says of it: the features it wants and the crop length it was trained on."""

    model: Adapter
    frame_hz: float
    crop_sec: float
    encoder: dict[str, Any]


def build_model(config: AdapterConfig) -> Adapter:
    """A model with fresh weights."""
    return Adapter(**asdict(config))


def model_header(config: AdapterConfig, frame_hz: float, crop_sec: float, encoder: dict[str, Any]) -> dict[str, Any]:
    """What model.safetensors says of itself: the model's arguments and the features it was trained on."""
    return {
        "format": FORMAT,
        "model": {"adapter": asdict(config)},
        "frame_hz": frame_hz,
        "crop_sec": crop_sec,
        "encoder": encoder,
    }


def load_model(path: str | Path) -> TrainedModel:
    """Read model.safetensors.

    MimidiarError for a file that is missing, damaged, of another kind or of another shape.
    """
    tensors, header = load_weights(path, FORMAT)
    try:
        model = build_model(AdapterConfig(**header["model"]["adapter"]))
    except (KeyError, TypeError, ValueError) as error:
        raise MimidiarError(f"{path}: its header describes no model of this version ({error})") from None
    fill(model, tensors, path)
    return TrainedModel(model.eval(), header["frame_hz"], header["crop_sec"], header["encoder"])
