"""Metrics from experiment to experiment: a panel for each metric, experiments from left to right."""

import math
from collections.abc import Sequence
from textwrap import wrap

from mimidiar.errors import MimidiarError
from mimidiar.figures.bars import NOT_RUN, value_text
from mimidiar.figures.documents import Step
from mimidiar.figures.style import (
    INK,
    MID,
    fitted,
    new_figure,
    series_look,
    set_title,
    shown_label,
    shown_labels,
    styled,
)

_STEP_INCHES = 1.15
_SERIES_INCHES = 0.45  # what one of several series needs for its written value
_WIDEST = 60.0  # inches
_WRAP = 14  # letters a line under a step
_SPREAD = 0.75  # of the distance of two steps, taken by all series of one


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
