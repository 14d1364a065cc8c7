"""From a configuration or a file to a model: the registry of models, and the loader that checks files."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import Adapter, AdapterConfig
from mimidiar.models.finetune import UnfrozenAdapter, build_top, top_header
from mimidiar.models.fusion import FusedAdapter, FusionConfig, build_fused
from mimidiar.weight_files import fill, load_weights

if TYPE_CHECKING:
    from mimidiar.encoders.mimi.upper_layers import MimiTop

FORMAT = "mimidiar-model-2"
Model = Adapter | FusedAdapter | UnfrozenAdapter


@dataclass(frozen=True)
class TrainedModel:
    """A model with its header: the features that it requires and the crop length of its training.

    `front`, if any, is the trained part of the codec: whole recordings pass it (`MimiTop.run`) before `model` gets
    windows of them.
    """

    model: Adapter | FusedAdapter
    frame_hz: float
    crop_sec: float
    encoder: dict[str, Any]
    front: "MimiTop | None" = None


def build_model(config: AdapterConfig, fusion: FusionConfig | None = None, top: "MimiTop | None" = None) -> Model:
    """A model with fresh weights: an adapter; with `fusion`, on similarities of embeddings; with `top`, behind that
    part of the codec.
    """
    if top is not None:
        return UnfrozenAdapter(top, Adapter(**asdict(config)))
    if fusion is None:
        return Adapter(**asdict(config))
    return build_fused(config, fusion)


def model_header(
    config: AdapterConfig,
    frame_hz: float,
    crop_sec: float,
    encoder: dict[str, Any],
    fusion: FusionConfig | None = None,
    top: "MimiTop | None" = None,
) -> dict[str, Any]:
    """The header of model.safetensors: the model's arguments and the features of its training."""
    return {
        "format": FORMAT,
        "model": {
            "adapter": asdict(config),
            "fusion": asdict(fusion) if fusion else None,
            "unfreeze": top_header(top) if top is not None else None,
        },
        "frame_hz": frame_hz,
        "crop_sec": crop_sec,
        "encoder": encoder,
    }


def load_model(path: str | Path) -> TrainedModel:
    """Read model.safetensors.

    MimidiarError for a file that is missing, damaged, of another kind or of another shape.
    """
    return build_trained(*load_weights(path, FORMAT), path)


def build_trained(tensors: dict[str, Tensor], header: dict[str, Any], path: str | Path) -> TrainedModel:
    """The model of a header (`model_header`) with these tensors; `path` names their file in MimidiarErrors."""
    try:
        fusion, unfreeze = header["model"].get("fusion"), header["model"].get("unfreeze")
        top = build_top(unfreeze) if unfreeze else None
        model = build_model(AdapterConfig(**header["model"]["adapter"]), fusion and FusionConfig(**fusion), top)
        stated = float(header["frame_hz"]), float(header["crop_sec"]), dict(header["encoder"])
    except (KeyError, TypeError, ValueError) as error:
        raise MimidiarError(f"{path}: its header describes no model of this version ({error})") from None
    fill(model, tensors, path)
    model = model.eval() if top is None else model.eval().adapter
    return TrainedModel(model, *stated, top)
