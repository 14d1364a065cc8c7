"""Typed configuration: a dataclass is the schema, a YAML file and `key=value` overrides fill it, an unknown key is an
error.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

T = TypeVar("T")


def load_config(schema: type[T], path: str | Path | None = None, overrides: Sequence[str] = ()) -> T:
    """Fill the dataclass `schema` from a YAML file and then from `key=value` overrides (dots reach into nested
    dataclasses).

    Raises MimidiarError that names the file, the key and its nearest match, or the value that does not fit the key's
    type.
    """
    config = OmegaConf.structured(schema)
    for source, values in _sources(path, overrides):
        _refuse_unknown(schema, values, source)
        try:
            config = OmegaConf.merge(config, values)
        except OmegaConfBaseException as error:
            raise MimidiarError(f"{source}: {_first_line(error)}") from None
    try:
        return OmegaConf.to_object(config)
    except OmegaConfBaseException as error:
        raise MimidiarError(f"{path or 'configuration'}: {_first_line(error)}") from None


def save_config(config: Any, path: str | Path) -> None:
    """Write a filled dataclass as YAML, atomically."""
    write_text(path, OmegaConf.to_yaml(OmegaConf.structured(config)))


Rule = tuple[str, Any, bool, str]  # key, its value, whether that can be, and what it must be


def require(where: str, rules: Iterable[Rule], above: str = "") -> None:
    """Raise MimidiarError, naming the key, its value and what it must be, for the first rule that does not hold.

    `above`: what the keys are in, with a dot at the end, so that a key is named as it is set.
    """
    for key, value, holds, wanted in rules:
        if not holds:
            raise MimidiarError(f"{where}: {above}{key} is {value}; it must be {wanted}")


def range_rule(key: str, pair: Sequence[float], lowest: float, highest: float) -> Rule:
    """Of a range (low, high) to draw from, which must lie between two numbers."""
    holds = len(pair) == 2 and lowest <= pair[0] <= pair[1] <= highest
    return key, pair, holds, f"two numbers, low and high, from {lowest:g} to {highest:g}"


def _sources(path: str | Path | None, overrides: Sequence[str]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    if path is not None:
        found.append((str(path), _read_yaml(path)))
    for text in overrides:
        if "=" not in text:
            raise MimidiarError(f"override '{text}' is not of the form key=value")
        found.append((f"override '{text}'", OmegaConf.to_container(OmegaConf.from_dotlist([text]))))
    return found


def _read_yaml(path: str | Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such configuration file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MimidiarError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if values is not None and not isinstance(values, dict):
        raise MimidiarError(f"{path}: expected 'key: value' lines, found {type(values).__name__}")
    return values or {}


def _refuse_unknown(schema: type, values: dict[str, Any], source: str, prefix: str = "") -> None:
    known = {field.name: field.type for field in fields(schema)}
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean '{prefix}{near[0]}'?" if near else "known keys: " + ", ".join(sorted(known))
            raise MimidiarError(f"{source}: unknown key '{prefix}{key}'; {hint}")
        options = get_args(known[key])
        kinds = options if type(None) in options else (known[key],)  # an optional one is `Schema | None`
        inner = next((kind for kind in kinds if is_dataclass(kind)), None)
        if inner and not (value is None and type(None) in kinds):
            if not isinstance(value, dict):
                raise MimidiarError(f"{source}: {prefix}{key} is {value!r}; it holds keys of its own")
            _refuse_unknown(inner, value, source, f"{prefix}{key}.")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    key = next((line.removeprefix("full_key: ") for line in lines if line.startswith("full_key: ")), "")
    return f"{key}: {lines[0]}" if key else lines[0]
