"""A JSON document checked against types; the first value that does not fit is named by its key."""

import re
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

LARGEST = 1e15  # more than anything counted or measured here
SHOWN = 60  # characters of a wrong value in a message


class Misfit(ValueError):
    """`'seed' is -1, not a whole number from 0`."""


@dataclass(frozen=True)
class Within:
    """Narrows a number: from `low` to `high`; never infinite or NaN."""

    low: float = -LARGEST
    high: float = LARGEST


@dataclass(frozen=True)
class Like:
    """Narrows a text: all of it matches the pattern; `wanted` says so in words."""

    pattern: str
    wanted: str = "text"


def check(value: Any, wanted: Any, key: str = "") -> None:
    """Raise Misfit unless `value`, parsed JSON, is of the type `wanted`.

    That is a dataclass or TypedDict (a field with a default, or NotRequired, may be missing), a list, a dict by text
    (Annotated with a dict: some keys have a type of their own), a union, or a scalar that Annotated may narrow by
    Within or Like.
    """
    wanted, rule = get_args(wanted) if get_origin(wanted) is Annotated else (wanted, None)
    if get_origin(wanted) in (Union, UnionType):
        if type(value) not in get_args(wanted) or isinstance(value, float):
            check(value, [option for option in get_args(wanted) if option is not NoneType][-1], key)
    elif is_dataclass(wanted) or is_typeddict(wanted):
        _check_keys(value, wanted, key)
    elif get_origin(wanted) is list:
        for position, item in enumerate(_require(value, isinstance(value, list), key, "a list")):
            check(item, get_args(wanted)[0], f"{key}[{position}]")
    elif get_origin(wanted) is dict:
        for name, item in _require(value, isinstance(value, dict), key, "an object").items():
            check(item, (rule or {}).get(name, get_args(wanted)[1]), f"{key}.{name}")
    elif wanted is str:
        rule = rule or Like("(?s).*")
        _require(value, isinstance(value, str) and re.fullmatch(rule.pattern, value), key, rule.wanted)
    elif wanted is bool:
        _require(value, isinstance(value, bool), key, "true or false")
    else:
        _check_number(value, wanted, rule or Within(), key)


def _check_number(value: Any, wanted: type, rule: Within, key: str) -> None:
    ends = f" from {rule.low:g}" * (rule.low > -LARGEST) + f" to {rule.high:g}" * (rule.high < LARGEST)
    is_one = isinstance(value, int if wanted is int else int | float) and not isinstance(value, bool)
    name = "a whole number" if wanted is int else "a number"
    _require(value, is_one and rule.low <= value <= rule.high, key, name + ends)


def _check_keys(value: Any, wanted: type, key: str) -> None:
    """An object with exactly the keys of a type, less those that may be missing."""
    _require(value, isinstance(value, dict), key, "an object")
    types, required = _keys(wanted)
    prefix = f"{key}." if key else ""
    if missing := [name for name in types if name in required and name not in value]:
        raise Misfit(f"'{prefix}{missing[0]}' is missing")
    if unknown := [name for name in value if name not in types]:
        raise Misfit(f"'{prefix}{unknown[0]}' is not a known key; known are {', '.join(types)}")
    for name in value:
        check(value[name], types[name], f"{prefix}{name}")


@cache
def _keys(wanted: type) -> tuple[dict[str, Any], frozenset[str]]:
    """The types of all keys, and the keys that must be there."""
    types = get_type_hints(wanted, include_extras=True)
    if is_typeddict(wanted):
        required = wanted.__required_keys__
        return {name: types[name] if name in required else get_args(types[name])[0] for name in types}, required
    return types, frozenset(f.name for f in fields(wanted) if f.default is MISSING and f.default_factory is MISSING)


def _require(value: Any, fits: Any, key: str, wanted: str) -> Any:
    """The value, if it fits."""
    if not fits:
        text, subject = repr(value), f"'{key}'" if key else "the document"
        raise Misfit(f"{subject} is {text if len(text) <= SHOWN else text[:SHOWN] + '...'}, not {wanted}")
    return value
