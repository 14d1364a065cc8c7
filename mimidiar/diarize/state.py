"""The state of a step between calls: named arrays, batch first, all reset and stored in the same way."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

State = dict[str, np.ndarray]


def reset_rows(state: State, fresh: State, mask: np.ndarray) -> State:
    """The state with the rows of `mask` (B,) as at the beginning; `fresh` is what `init_state` gives."""
    return {name: _rows(mask, _as_wide(fresh[name], old), old) for name, old in state.items()}


def still_rows(state: State, stepped: State, mask: np.ndarray | None) -> State:
    """`stepped` for the rows of `mask` (B,), or all; the others as they were in `state`."""
    if mask is None:
        return stepped
    return {name: _rows(mask, new, _as_wide(state[name], new)) for name, new in stepped.items()}


def save_state(path: Path, state: State) -> None:
    """Write a state to a file (safetensors)."""
    save_file({name: np.ascontiguousarray(value) for name, value in state.items()}, path)


def load_state(path: Path) -> State:
    """Read it again."""
    return dict(load_file(path))


def _rows(mask: np.ndarray, chosen: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.where(mask.reshape(-1, *[1] * (chosen.ndim - 1)), chosen, other)


def _as_wide(value: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A buffer padded to the width of `like`, since the number of columns is known only later."""
    missing = [(0, wide - own) for own, wide in zip(value.shape, like.shape, strict=True)]
    return np.pad(value, missing, constant_values=np.nan if np.isnan(value).any() else 0)
