"""Weights with their configuration in one safetensors file: its header describes the module that they fill.

torch is imported where it is used: a file can be read as numpy arrays without it.
"""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from safetensors import SafetensorError, safe_open

from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

if TYPE_CHECKING:
    import torch

# One entry: safetensors writes several in random order, and the same weights would not be the same bytes.
ENTRY = "mimidiar"


def read_weight_file(path: str | Path, format_name: str, framework: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors of `framework` ("pt" or "numpy") and header.

    MimidiarError for a file that is missing, damaged, or of another format.
    """
    if not Path(path).is_file():
        raise MimidiarError(f"{path}: no such model file; check the path, or run the stage that trains it")
    try:
        with safe_open(path, framework=framework) as stream:
            header = json.loads((stream.metadata() or {}).get(ENTRY, "{}"))
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, json.JSONDecodeError) as error:
        raise MimidiarError(f"{path}: not a whole safetensors file ({error})") from None
    if header.get("format") != format_name:
        raise MimidiarError(f"{path}: its header names the format {header.get('format')}, expected {format_name}")
    return tensors, header


class Contents(NamedTuple):
    """The contents of a file of weights: its header, the number of its values, and their types."""

    header: dict[str, Any]
    values: int
    types: list[str]


def inspect_weight_file(path: str | Path) -> Contents:
    """The contents of a file that this package wrote, of whichever format, without reading its values.

    MimidiarError for a file that is missing, damaged, or not of this package.
    """
    if not Path(path).is_file():
        raise MimidiarError(f"{path}: no such file of weights")
    try:
        with safe_open(path, framework="numpy") as stream:
            header = json.loads((stream.metadata() or {}).get(ENTRY, "{}"))
            slices = [stream.get_slice(name) for name in stream.keys()]  # noqa: SIM118 (not a dict)
            values = sum(prod(each.get_shape()) for each in slices)
            types = sorted({each.get_dtype() for each in slices})
    except (SafetensorError, json.JSONDecodeError) as error:
        raise MimidiarError(f"{path}: not a whole safetensors file ({error})") from None
    if not header.get("format"):
        raise MimidiarError(f"{path}: its header names no format of mimidiar; it was written by something else")
    return Contents(header, values, types)


def save_weights(module: "torch.nn.Module", path: str | Path, header: dict[str, Any]) -> None:
    """Write a module's state and a JSON header (with its `format`), atomically; same content, same bytes."""
    save_tensors(module.state_dict(), path, header)


def save_tensors(tensors: Mapping[str, "torch.Tensor"], path: str | Path, header: dict[str, Any]) -> None:
    """Write tensors by name, likewise."""
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as partial:
        partial.write_bytes(save(tensors, metadata={ENTRY: json.dumps(header, sort_keys=True)}))


def load_weights(path: str | Path, format_name: str) -> tuple[dict[str, "torch.Tensor"], dict[str, Any]]:
    """Tensors and header. Raises what `read_weight_file` raises."""
    return read_weight_file(path, format_name, framework="pt")


def fill(module: "torch.nn.Module", tensors: dict[str, "torch.Tensor"], path: str | Path) -> None:
    """Load tensors strictly. MimidiarError, naming the tensors, for missing, extra or differently shaped ones."""
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise MimidiarError(f"{path}: weights do not fit the header's model: {' '.join(str(error).split())}") from None
