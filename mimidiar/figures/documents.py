"""Data of figures as JSON: what a bar or progression figure needs, checked.

Bars: `{"bars": [{"label", "value", "low", "high"}, ...], "ylabel", "title"}`. Progression: `{"steps": [{"label",
"value", "low", "high", "metric", "series"}, ...], "title"}`, or what `mimidiar report --format json` writes, where the
`column` names the panel instead of the metric. `value` may be null: not run. `low` and `high` are the ends of an
interval; they and all texts but `label` may be null or absent. Other keys are passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mimidiar.annotation.text_file import shown
from mimidiar.errors import MimidiarError

_MOST = 200  # more bars than anybody reads
MOST_OF_DEPTH = 2000  # a point for each tap, encoder and measure
_LARGEST = 1e15
METRIC_NAMES = {"eer": "EER (%)", "der": "DER (%)", "jer": "JER (%)", "confusion": "confusion (%)"}


@dataclass(frozen=True)
class Bar:
    """A named value and the ends of its interval; None where there is none."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Step(Bar):
    """A bar of a progression: `panel` and `series` say where it is drawn; what others `published` is set apart."""

    panel: str = ""
    series: str = ""
    published: bool = False


def finite(value: object) -> float | None:
    """`value` as a float where it is a number that a figure can hold, else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return float(value)
    return None


def parse_bars(document: Any, source: str) -> tuple[list[Bar], str, str]:
    """(bars, ylabel, title). Raises MimidiarError naming `source`, the entry and what is wrong with it."""
    entries = _entries(document, "bars", source)
    bars = [Bar(**_bar(entry, f"{source}: bar {n}")) for n, entry in enumerate(entries, start=1)]
    return bars, _text(document, "ylabel", source), _text(document, "title", source)


def parse_steps(document: Any, source: str, most: int = _MOST) -> tuple[list[Step], str]:
    """(steps, title). Raises MimidiarError as `parse_bars` does, and for two values in one place."""
    steps: list[Step] = []
    places: set[tuple[str, str, str]] = set()
    for number, entry in enumerate(_entries(document, "steps", source, most), start=1):
        where = f"{source}: step {number}"
        step = _step(entry, where)
        place = step.label, step.panel, step.series
        if place in places:
            names = " of ".join(shown(name) for name in (step.panel, step.label, step.series) if name)
            raise MimidiarError(f"{where}: there is {names} already; draw one table at a time, or name a `series`")
        places.add(place)
        steps.append(step)
    title = _text(document, "title", source)
    return steps, f"{title} (draft: made by uncommitted code)" if document.get("draft") else title


def _step(entry: Any, where: str) -> Step:
    is_published = isinstance(entry, dict) and entry.get("status") == "published"
    if is_published and isinstance(entry.get("value"), str):
        entry = entry | {"value": _spelt(entry["value"])}
    values = _bar(entry, where)
    metric = _text(entry, "metric", where)
    panel = _text(entry, "column", where) or METRIC_NAMES.get(metric, metric)
    return Step(**values, panel=panel, series=_text(entry, "series", where), published=is_published)


def _spelt(text: str) -> float | str:
    """The number that a published figure, quoted as it was printed, spells; else the text."""
    try:
        return float(text)
    except ValueError:
        return text


def _entries(document: Any, key: str, source: str, most: int = _MOST) -> list[Any]:
    if not isinstance(document, dict) or not isinstance(document.get(key), list) or not document[key]:
        raise MimidiarError(f"{source}: no object with a list {key!r} of one entry or more")
    if len(document[key]) > most:
        raise MimidiarError(f"{source}: {len(document[key])} {key}; a figure shows up to {most}")
    return document[key]


def _bar(entry: Any, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict) or "value" not in entry or "label" not in entry:
        raise MimidiarError(f"{where}: no object with `label` and `value`")
    numbers = {key: _number(entry, key, where) for key in ("value", "low", "high")}
    low, high = numbers["low"], numbers["high"]
    if (low is None) != (high is None) or (low is not None and low > high):
        raise MimidiarError(f"{where}: low {low} and high {high} are no interval; give both, low first, or neither")
    return {"label": _text(entry, "label", where)} | numbers


def _number(entry: Mapping[str, Any], key: str, where: str) -> float | None:
    value = entry.get(key)
    if value is not None and finite(value) is None:
        raise MimidiarError(f"{where}: {key} is {shown(str(value)[:99])}, not a number; null where there is none")
    return finite(value)


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise MimidiarError(f"{where}: {key} is {shown(str(value)[:99])}, not a text")
    return str(value)
