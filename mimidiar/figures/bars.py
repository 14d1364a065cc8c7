"""Named values with their intervals: bars side by side, and progressions from experiment to experiment."""

import math
from collections.abc import Sequence
from textwrap import wrap

from mimidiar.errors import MimidiarError
from mimidiar.figures.documents import Bar, Step
from mimidiar.figures.style import (
    INK,
    MID,
    SKY,
    fitted,
    new_figure,
    series_look,
    set_title,
    shown_label,
    shown_labels,
    styled,
)

NOT_RUN = "not run"
_HEIGHT = 3.8  # inches, of upright bars
_MOST_UPRIGHT = 8
_LONGEST_UPRIGHT = 80  # letters of all labels together that fit under the bars
_STEP_INCHES = 1.15
_SERIES_INCHES = 0.45  # what one of several series needs for its written value
_WIDEST = 60.0  # inches
_WRAP = 14  # letters a line under a step
_SPREAD = 0.75  # of the distance of two steps, taken by all series of one


@styled
def draw_bars(bars: Sequence[Bar], ylabel: str = "", title: str = ""):
    """A Figure of one bar each; upright for a few with short labels, else lying, one below the other.

    Raises MimidiarError when none has a value.
    """
    if all(bar.value is None for bar in bars):
        raise MimidiarError(f"none of the {len(bars)} bars has a value; nothing to draw")
    labels = shown_labels([bar.label for bar in bars], 44)
    widest = max(map(len, labels)) * len(bars)
    upright = len(bars) <= _MOST_UPRIGHT and widest <= _LONGEST_UPRIGHT
    figure = (
        new_figure(_HEIGHT, width=max(4.0, 1.5 + 0.9 * len(bars)))
        if upright
        else new_figure(1.2 + 0.24 * len(bars), 7.5)
    )
    axes = figure.add_subplot()
    places = range(len(bars))
    lengths = [bar.value or 0 for bar in bars]
    if upright:
        axes.bar(places, lengths, width=0.62, color=SKY)
        axes.set_xticks(places, labels)
        margin = 0.6 + max(0, 3 - len(bars)) / 2
        axes.set_xlim(-margin, len(bars) - 1 + margin)
        axes.set_ylabel(fitted(ylabel, _HEIGHT - 0.8))
    else:
        axes.barh(places, lengths, height=0.62, color=SKY)
        axes.set_yticks(places, labels)
        axes.set_ylim(len(bars) - 0.4, -0.6)
        axes.set_xlabel(fitted(ylabel, 4.0))
    _set_value_axis(axes, bars, upright)
    for place, bar in enumerate(bars):
        _draw_interval(axes, place, bar, upright)
        _write_value(axes, place, bar, upright)
    set_title(figure, title)
    return figure


def _set_value_axis(axes, bars: Sequence[Bar], upright: bool) -> None:
    """Room for the written values, zero in view, and a line there."""
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high) if end is not None] + [0.0]
    low, high = min(ends), max(ends)
    margin = 0.12 * (high - low) or 1.0
    limits = (low - margin if low < 0 else 0.0, high + margin if high > 0 else 0.0)
    (axes.set_ylim if upright else axes.set_xlim)(*limits)
    (axes.axhline if upright else axes.axvline)(0, color=INK, linewidth=0.8)
    axes.tick_params(axis="x" if upright else "y", length=0)
    axes.grid(True, axis="y" if upright else "x")


def _draw_interval(axes, place: int, bar: Bar, upright: bool) -> None:
    if bar.low is None or bar.value is None:
        return
    ends, places = [bar.low, bar.high], [place, place]
    x, y = (places, ends) if upright else (ends, places)
    axes.plot(x, y, color=INK, linewidth=1.3, marker="_" if upright else "|", markersize=7)


def _write_value(axes, place: int, bar: Bar, upright: bool) -> None:
    """The value beyond the bar and its interval, on the side to which it points."""
    is_negative = (bar.value or 0) < 0
    ends = [end for end in (bar.value, bar.low, bar.high) if end is not None] or [0.0]
    end = min(ends) if is_negative else max(ends)
    text, color = (NOT_RUN, MID) if bar.value is None else (value_text(bar.value), INK)
    beyond = -4 if is_negative else 4  # points
    if upright:
        where = {"xy": (place, end), "xytext": (0, beyond), "ha": "center", "va": "top" if is_negative else "bottom"}
    else:
        where = {"xy": (end, place), "xytext": (beyond, 0), "va": "center", "ha": "right" if is_negative else "left"}
    axes.annotate(text, textcoords="offset points", color=color, fontsize=8.5, **where)


def value_text(value: float) -> str:
    """Two decimals below 10, one from there on; very large and small ones in powers of ten."""
    size = abs(value)
    digits = ".2g" if size and not 0.01 <= size < 1e5 else ".2f" if size < 9.995 else ".1f"
    return f"{value:{digits}}".replace("-", "−")


@styled
def draw_progression(steps: Sequence[Step], title: str = ""):
    """A Figure with the steps of each metric in the order given; lines join those of a series.

    Raises MimidiarError when no step has a value.
    """
    if all(step.value is None for step in steps):
        raise MimidiarError(f"none of the {len(steps)} steps has a value; nothing to draw")
    panels = _panels(steps)
    series = list(dict.fromkeys(step.series for step in steps))
    labels = {panel: list(dict.fromkeys(step.label for step in chosen)) for panel, chosen in panels.items()}
    step_inches = max(_STEP_INCHES, _SERIES_INCHES * len(series))
    widths = [step_inches * max(len(labels[panel]), 2) for panel in panels]
    width = max(5.0, 0.8 * len(panels) + sum(widths))
    if width > _WIDEST:
        raise MimidiarError(f"{len(steps)} steps of {len(series)} series are too many for one figure; draw fewer")
    figure = new_figure(3.9, width)
    grid = figure.add_gridspec(1, len(panels), width_ratios=widths)
    for column, (panel, chosen) in enumerate(panels.items()):
        axes = figure.add_subplot(grid[column])
        for index, name in enumerate(series):
            own = [step for step in chosen if step.series == name]
            _draw_series(axes, own, labels[panel], index, len(series))
        _set_axes(axes, labels[panel], chosen)
        axes.set_title(fitted(panel, widths[column]), loc="left")
    handles = _handles(series, any(step.published for step in steps))
    if len(handles) > 1:
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    set_title(figure, title)
    return figure


def _panels(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """The steps by panel. A table has a place for each experiment in each column, also where an experiment belongs to
    another column: a step without a value is left out of a panel when its experiment has a value in another one.
    """
    run = {(step.label, step.series) for step in steps if step.value is not None}
    panels: dict[str, list[Step]] = {}
    for step in steps:
        if step.value is not None or (step.label, step.series) not in run:
            panels.setdefault(step.panel, []).append(step)
    return panels


def _draw_series(axes, steps: Sequence[Step], labels: list[str], index: int, of: int) -> None:
    look = series_look(index)
    shift = _SPREAD * ((index + 0.5) / of - 0.5)
    places = [labels.index(step.label) + shift for step in steps]
    # No line over a step that was not run, nor to what others published.
    ours = [math.nan if step.value is None or step.published else step.value for step in steps]
    theirs = [step.value if step.published and step.value is not None else math.nan for step in steps]
    axes.plot(places, ours, **look, linewidth=1, alpha=0.6)
    axes.plot(places, ours, "o", color=look["color"], markersize=6)
    axes.plot(places, theirs, "D", color=look["color"], markersize=6, markerfacecolor="white")
    for place, step in zip(places, steps, strict=True):
        if step.value is None:
            _write_not_run(axes, place)
        else:
            _draw_value(axes, place, step, look["color"], is_only_series=of == 1)


def _draw_value(axes, place: float, step: Step, color: str, is_only_series: bool) -> None:
    """The interval through the point, and the value over both."""
    if step.low is not None:
        axes.plot([place, place], [step.low, step.high], color=color, linewidth=1.4, marker="_", markersize=7)
    top = step.value if step.high is None else max(step.value, step.high)
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    above = {"xytext": (0, 5), "textcoords": "offset points", "ha": "center", "va": "bottom"}
    look = {"fontsize": 8.5, "color": INK if is_only_series else color, "bbox": ground}
    axes.annotate(value_text(step.value), (place, top), **above, **look)


def _write_not_run(axes, place: float) -> None:
    on_axis = {"xycoords": axes.get_xaxis_transform(), "ha": "center", "va": "bottom", "rotation": 90}
    axes.annotate(NOT_RUN, (place, 0.02), **on_axis, fontsize=8.5, color=MID)


def _set_axes(axes, labels: list[str], steps: Sequence[Step]) -> None:
    """Zero in view, so that the eye compares true proportions."""
    ends = [end for step in steps for end in (step.value, step.low, step.high) if end is not None] + [0.0]
    low, high = min(ends), max(ends)
    margin = 0.14 * (high - low) or 1.0
    axes.set_ylim(low - margin if low < 0 else 0.0, high + margin)
    margin = 0.6 + max(0, 2 - len(labels)) / 2
    axes.set_xlim(-margin, len(labels) - 1 + margin)
    axes.set_xticks(range(len(labels)), ["\n".join(wrap(label, _WRAP)) for label in shown_labels(labels, 36)])
    axes.tick_params(axis="x", length=0)
    axes.grid(True, axis="y")


def _handles(series: Sequence[str], any_published: bool) -> list:
    from matplotlib.lines import Line2D

    names = shown_labels(series) if len(series) > 1 else [shown_label(series[0] or "measured here")]
    handles = [Line2D([], [], marker="o", **series_look(i), label=name) for i, name in enumerate(names)]
    look = {"marker": "D", "linestyle": "", "color": INK, "markerfacecolor": "white"}
    return handles + ([Line2D([], [], **look, label="published by others")] if any_published else [])
