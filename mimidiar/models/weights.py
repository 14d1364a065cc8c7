"""Weights with their configuration in one safetensors file: the file says what it is and how to build what it fills."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

# One entry: safetensors writes several in random order, and the same weights would not be the same bytes.
_ENTRY = "mimidiar"


def save_weights(module: torch.nn.Module, path: str | Path, header: dict[str, Any]) -> None:
    """Write a module's state and a JSON header (with its `format`), atomically; same content, same bytes."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    with atomic_path(path) as partial:
        partial.write_bytes(save(tensors, metadata={_ENTRY: json.dumps(header, sort_keys=True)}))


def load_weights(path: str | Path, format_name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and header. MimidiarError for a file that is missing, damaged, or of another format."""
    if not Path(path).is_file():
        raise MimidiarError(f"{path}: no such model file; run the training stage first")
    try:
        with safe_open(path, framework="pt") as stream:
            header = json.loads((stream.metadata() or {}).get(_ENTRY, "{}"))
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, json.JSONDecodeError) as error:
        raise MimidiarError(f"{path}: not a whole safetensors file ({error})") from None
    if header.get("format") != format_name:
        raise MimidiarError(f"{path}: its header names the format {header.get('format')}, expected {format_name}")
    return tensors, header


def fill(module: torch.nn.Module, tensors: dict[str, torch.Tensor], path: str | Path) -> None:
    """Load tensors strictly. MimidiarError that names what is missing, left over or of another shape."""
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise MimidiarError(f"{path}: weights do not fit the header's model: {' '.join(str(error).split())}") from None
