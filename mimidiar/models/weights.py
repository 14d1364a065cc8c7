"""Weights with their configuration in one safetensors file: its header describes the module that they fill."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path
from mimidiar.models.weight_file import ENTRY, read_weight_file


def save_weights(module: torch.nn.Module, path: str | Path, header: dict[str, Any]) -> None:
    """Write a module's state and a JSON header (with its `format`), atomically; same content, same bytes."""
    save_tensors(module.state_dict(), path, header)


def save_tensors(tensors: Mapping[str, torch.Tensor], path: str | Path, header: dict[str, Any]) -> None:
    """Write tensors by name, likewise."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as partial:
        partial.write_bytes(save(tensors, metadata={ENTRY: json.dumps(header, sort_keys=True)}))


def load_weights(path: str | Path, format_name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and header. Raises what `read_weight_file` raises."""
    return read_weight_file(path, format_name, framework="pt")


def fill(module: torch.nn.Module, tensors: dict[str, torch.Tensor], path: str | Path) -> None:
    """Load tensors strictly. MimidiarError, naming the tensors, for missing, extra or differently shaped ones."""
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise MimidiarError(f"{path}: weights do not fit the header's model: {' '.join(str(error).split())}") from None
