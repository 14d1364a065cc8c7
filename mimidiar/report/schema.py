"""A JSON document checked against a pattern of the same form; the first value that does not fit is named by its key.

A pattern is `{"a": P, "b?": Q}`, an object with exactly these keys (b is optional); `{str: P}`, an object with keys of
any name; `[P]`, a list; `(None, P, Q)`, null or one of these (messages name the last one); Text, Number,
or the type bool.
"""

import re
from dataclasses import dataclass
from typing import Any

LARGEST = 1e15  # more than anything counted or measured here
SHOWN = 60  # characters of a wrong value in a message


class Misfit(ValueError):
    """`'seed' is -1, not a whole number from 0`."""


@dataclass(frozen=True)
class Text:
    """Text that the pattern matches as a whole, and what that is in words."""

    pattern: str = "(?s).*"
    wanted: str = "text"


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`, neither infinite nor NaN."""

    low: float = -LARGEST
    high: float = LARGEST
    whole: bool = False

    @property
    def wanted(self) -> str:
        ends = f" from {self.low:g}" * (self.low > -LARGEST) + f" to {self.high:g}" * (self.high < LARGEST)
        return ("a whole number" if self.whole else "a number") + ends


def check(value: Any, pattern: Any, key: str = "") -> None:
    """Raise Misfit unless `value`, parsed JSON, fits the pattern."""
    match pattern:
        case dict():
            _require(isinstance(value, dict), value, key, "an object")
            _check_object(value, pattern, f"{key}." if key else "")
        case list():
            _require(isinstance(value, list), value, key, "a list")
            if not _are_numbers(value, pattern[0]):
                for position, item in enumerate(value):
                    check(item, pattern[0], f"{key}[{position}]")
        case tuple():
            *others, last = (each for each in pattern if each is not None)
            if not (value is None and None in pattern) and not any(_fits(value, each) for each in others):
                check(value, last, key)
        case Text():
            is_one = isinstance(value, str) and re.fullmatch(pattern.pattern, value)
            _require(is_one, value, key, pattern.wanted)
        case Number():
            is_one = isinstance(value, int if pattern.whole else int | float) and not isinstance(value, bool)
            _require(is_one and pattern.low <= value <= pattern.high, value, key, pattern.wanted)
        case _:
            _require(isinstance(value, bool), value, key, "true or false")


def _are_numbers(values: list[Any], pattern: Any) -> bool:
    """Whether `values` fit the pattern of a number, or of a number or null, and nothing else is to be checked: records
    have thousands of them."""
    number = pattern[1] if isinstance(pattern, tuple) and len(pattern) == 2 and pattern[0] is None else pattern
    if not isinstance(number, Number) or number.whole:
        return False
    given = values if number is pattern else [value for value in values if value is not None]
    return set(map(type, given)) <= {int, float} and all(number.low <= value <= number.high for value in given)


def _check_object(value: dict[str, Any], pattern: dict[Any, Any], prefix: str) -> None:
    """Its keys, and what they hold; keys of any name where the pattern has `str`, unless it has them by their names."""
    patterns = {name.removesuffix("?"): each for name, each in pattern.items() if name is not str}
    if missing := [name for name in pattern if name is not str and name[-1] != "?" and name not in value]:
        raise Misfit(f"'{prefix}{missing[0]}' is missing")
    if unknown := [name for name in value if name not in patterns and str not in pattern]:
        raise Misfit(f"'{prefix}{unknown[0]}' is not a known key; known are {', '.join(patterns)}")
    for name, item in value.items():
        check(item, patterns[name] if name in patterns else pattern[str], f"{prefix}{name}")


def _fits(value: Any, pattern: Any) -> bool:
    try:
        check(value, pattern)
    except Misfit:
        return False
    return True


def _require(fits: Any, value: Any, key: str, wanted: str) -> None:
    if not fits:
        text, subject = repr(value), f"'{key}'" if key else "the document"
        raise Misfit(f"{subject} is {text if len(text) <= SHOWN else text[:SHOWN] + '...'}, not {wanted}")
