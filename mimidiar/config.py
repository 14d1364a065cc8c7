"""Typed configuration: a dataclass is the schema, a YAML file and `key=value` overrides fill it, an unknown key is an
error.
"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

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


@dataclass(frozen=True)
class Limit:
    """The condition on the values of a key, as a test and in words; declared with the key's type, in `Annotated`."""

    holds: Callable[[Any], bool]
    wanted: str


def at_least(lowest: float) -> Any:
    """The type of a number from `lowest` on."""
    return Annotated[float, Limit(lambda value: value >= lowest, f"at least {lowest:g}")]


def between(lowest: float, highest: float) -> Any:
    """The type of a number from `lowest` to `highest`."""
    return Annotated[float, Limit(lambda value: lowest <= value <= highest, f"between {lowest:g} and {highest:g}")]


def low_high(lowest: float, highest: float, number: type = float) -> Any:
    """The type of a range (low, high) to draw from, which lies between two numbers."""
    limit = Limit(
        lambda pair: len(pair) == 2 and lowest <= pair[0] <= pair[1] <= highest,
        f"two numbers, low and high, from {lowest:g} to {highest:g}",
    )
    return Annotated[list[number], limit]


def one_of(choices: Sequence[str]) -> Any:
    """The type of one of these words."""
    return Annotated[str, Limit(lambda value: value in choices, f"one of {', '.join(choices)}")]


Share = between(0, 1)
NotNegative = at_least(0)
Positive = Annotated[float, Limit(lambda value: value > 0, "above 0")]
Count = Annotated[int, Limit(lambda value: value >= 1, "at least 1")]
Steps = Annotated[int, Limit(lambda value: value >= 0, "at least 0")]
Counts = Annotated[list[int], Limit(lambda values: bool(values) and min(values) >= 1, "numbers from 1 on")]


class Checked:
    """A dataclass of types with a `Limit`. Conditions on several keys are in `rules`."""

    def check(self, where: str, above: str = "") -> None:
        """Raise MimidiarError, naming the key, its value and its limits, for the first invalid value.

        `above`: what the keys are in, with a dot at the end, so that a key is named as it is set. None, where a type
        allows it, is within any limit.
        """
        for key, kind in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, key)
            if isinstance(value, Checked):
                value.check(where, f"{above}{key}.")
            for limit in _limits(kind) if value is not None else ():
                _require(where, above, (key, value, limit.holds(value), limit.wanted))
        for rule in self.rules():
            _require(where, above, rule)

    def rules(self) -> Iterable[Rule]:
        """Of a filled configuration."""
        return ()


def _limits(kind: Any) -> list[Limit]:
    """Those of a type, or of one that is `kind | None`."""
    inner = [each for part in get_args(kind) if get_origin(part) is Annotated for each in get_args(part)]
    return [each for each in (*getattr(kind, "__metadata__", ()), *inner) if isinstance(each, Limit)]


def _require(where: str, above: str, rule: Rule) -> None:
    key, value, holds, wanted = rule
    if not holds:
        raise MimidiarError(f"{where}: {above}{key} is {value}; it must be {wanted}")


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
    types = get_type_hints(schema)
    known = {field.name: types[field.name] for field in fields(schema)}
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
