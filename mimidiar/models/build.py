"""From a configuration or a file to a model: the one registry of models, and the loader that checks what it reads."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import Adapter, AdapterConfig

FORMAT = "mimidiar-adapter-1"


@dataclass(frozen=True)
class TrainedModel:
    """A model with what its file says of it: the features it wants and the crop length it was trained on."""

    model: Adapter
    frame_hz: float
    crop_sec: float
    encoder: dict[str, Any]


def build_adapter(config: AdapterConfig) -> Adapter:
    """An adapter with fresh weights."""
    return Adapter(**asdict(config))


def load_adapter(path: str | Path) -> TrainedModel:
    """Read model.safetensors. MimidiarError for a file that is missing, damaged, of another kind or of another shape."""
    if not Path(path).exists():
        raise MimidiarError(f"{path}: no such model; run the training stage first")
    try:
        with safe_open(path, framework="pt") as stream:
            header = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise MimidiarError(f"{path}: not a whole safetensors file ({error})") from None
    if header.get("format") != FORMAT:
        raise MimidiarError(f"{path}: its header names the format {header.get('format')}, expected {FORMAT}")
    model = build_adapter(AdapterConfig(**json.loads(header["model"])))
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise MimidiarError(f"{path}: weights do not fit the header's model: {' '.join(str(error).split())}") from None
    return TrainedModel(
        model.eval(), json.loads(header["frame_hz"]), json.loads(header["crop_sec"]), json.loads(header["encoder"])
    )
