"""What the values of a JSON document may be, said in small pieces that name the key of what does not fit.

A check takes a value and its dotted key and raises Misfit; `mapping`, `listing` and `keys` build checks from checks.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Check = Callable[[Any, str], None]
LARGEST = 1e15  # more than anything counted or measured here
SHOWN = 60  # characters of a wrong value in a message


class Misfit(ValueError):
    """`'seed' is -1, not a whole number from 0`."""


def refuse(value: Any, key: str, wanted: str) -> None:
    text, subject = repr(value), f"'{key}'" if key else "the document"
    raise Misfit(f"{subject} is {text if len(text) <= SHOWN else text[:SHOWN] + '...'}, not {wanted}")


def text(pattern: str = r"(?s).*", wanted: str = "text") -> Check:
    """Text that the pattern matches as a whole."""
    compiled = re.compile(pattern)

    def check(value: Any, key: str) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            refuse(value, key, wanted)

    return check


def number(low: float = -LARGEST, high: float = LARGEST, whole: bool = False) -> Check:
    """A number from `low` to `high`, neither infinite nor NaN."""
    span = f" from {low:g}" * (low > -LARGEST) + f" to {high:g}" * (high < LARGEST)
    wanted = ("a whole number" if whole else "a number") + span

    def check(value: Any, key: str) -> None:
        kinds = int if whole else int | float
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            refuse(value, key, wanted)

    return check


def flag(value: Any, key: str) -> None:
    if not isinstance(value, bool):
        refuse(value, key, "true or false")


def one_of(*choices: Any) -> Check:
    def check(value: Any, key: str) -> None:
        if value not in choices:
            refuse(value, key, " or ".join(map(str, choices)))

    return check


def simple(value: Any, key: str) -> None:
    """What a condition may be: text, a finite number, true, false or null."""
    if value is not None and not isinstance(value, str | bool):
        number()(value, key)


def optional(inner: Check) -> Check:
    """null, or what `inner` takes."""
    return lambda value, key: None if value is None else inner(value, key)


def listing(inner: Check) -> Check:
    """A list of what `inner` takes."""

    def check(value: Any, key: str) -> None:
        if not isinstance(value, list):
            refuse(value, key, "a list")
        for position, item in enumerate(value):
            inner(item, f"{key}[{position}]")

    return check


def mapping(inner: Check, special: Mapping[str, Check] | None = None) -> Check:
    """Keys of any name, each with what `inner` takes; those named in `special` have a check of their own."""

    def check(value: Any, key: str) -> None:
        if not isinstance(value, dict):
            refuse(value, key, "an object")
        for name, item in value.items():
            (special or {}).get(name, inner)(item, f"{key}.{name}")

    return check


def keys(checks: Mapping[str, Check], may_lack: Sequence[str] = ()) -> Check:
    """An object with exactly these keys, those that it `may_lack` aside."""

    def check(value: Any, key: str) -> None:
        if not isinstance(value, dict):
            refuse(value, key, "an object")
        prefix = f"{key}." if key else ""
        if missing := [name for name in checks if name not in value and name not in may_lack]:
            raise Misfit(f"'{prefix}{missing[0]}' is missing")
        if unknown := [name for name in value if name not in checks]:
            raise Misfit(f"'{prefix}{unknown[0]}' is not a known key; known are {', '.join(checks)}")
        for name in value:
            checks[name](value[name], f"{prefix}{name}")

    return check
