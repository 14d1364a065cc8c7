"""DER against token drift: a point for each system; systems without drift are horizontal lines.

The data are those of `mimidiar report --format json` for a table with both metrics; one panel for each set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mimidiar.errors import MimidiarError
from mimidiar.figures.documents import Step, parse_steps
from mimidiar.figures.style import MID, fitted, new_figure, series_look, set_title, shown_label, styled

COST, GAIN = "token_drift", "der"
_PANEL_INCHES = 4.6
_LABEL_INCHES = 4.4  # of a name of 48 letters with its mark


@dataclass(frozen=True)
class Point:
    """A system on a set: DER with the ends of its interval, and its token drift; None where the codec is frozen."""

    label: str
    panel: str
    gain: Step
    cost: float | None


def parse_points(document: Any, source: str) -> tuple[list[Point], str]:
    """(points, title) of the systems with a DER, without baselines. Raises what `parse_steps` raises, and MimidiarError
    where nothing has both figures.
    """
    entries = document.get("steps") if isinstance(document, dict) else None
    known = [
        entry | {"column": f"{entry.get('set')} {entry['metric']}"}
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and entry.get("metric") in (COST, GAIN)
        if not entry.get("versus") and entry.get("role") != "floor" and entry.get("value") is not None
    ]
    panels = list(dict.fromkeys(str(entry.get("set")) for entry in known))
    if not any(entry["metric"] == COST for entry in known):
        raise MimidiarError(f"{source}: no step has a {COST}; draw the table of the experiment that trains the codec")
    steps, title = parse_steps({**document, "steps": known}, source)
    found = {(step.label, step.panel): step for step in steps}
    points = [
        Point(label, panel, found[label, f"{panel} {GAIN}"], cost.value if cost else None)
        for panel in panels
        for label in dict.fromkeys(step.label for step in steps)
        if (label, f"{panel} {GAIN}") in found
        for cost in [found.get((label, f"{panel} {COST}"))]
    ]
    return points, title


@styled
def draw_tradeoff(points: Sequence[Point], title: str = ""):
    """A Figure of the points, a panel for each set: drift from left to right, DER upwards."""
    panels = list(dict.fromkeys(point.panel for point in points))
    labels = list(dict.fromkeys(point.label for point in points))
    width = max(6.0, _PANEL_INCHES * len(panels))
    columns = int(width / _LABEL_INCHES)
    figure = new_figure(3.4 + 0.2 * -(-len(labels) // columns), width)
    for number, panel in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), number)
        own = [point for point in points if point.panel == panel]
        for point in own:
            _draw_point(axes, point, labels.index(point.label))
        _set_axes(axes, own)
        axes.set_title(fitted(panel, _PANEL_INCHES), loc="left")
    figure.axes[0].set_ylabel("DER (%)")
    figure.legend(handles=_handles(points, labels), loc="outside lower center", ncols=columns)
    set_title(figure, title)
    return figure


def _draw_point(axes, point: Point, index: int) -> None:
    look, step = series_look(index), point.gain
    if point.cost is None:
        axes.axhline(step.value, color=look["color"], linestyle=look["linestyle"], linewidth=1.2)
        return
    axes.plot(point.cost, step.value, _mark(index), color=look["color"], markersize=7)
    if step.low is not None:
        axes.plot([point.cost] * 2, [step.low, step.high], color=look["color"], linewidth=1.2, alpha=0.6)


def _mark(index: int) -> str:
    return "osD^vP*X"[index % 8]


def _set_axes(axes, points: Sequence[Point]) -> None:
    costs = [point.cost for point in points if point.cost is not None]
    ends = [end for point in points for end in (point.gain.value, point.gain.low, point.gain.high) if end is not None]
    axes.set_xlim(-0.04 * max(costs, default=1.0) - 0.2, 1.06 * max(costs, default=1.0) + 0.2)
    margin = 0.1 * (max(ends) - min(ends)) or 1.0
    axes.set_ylim(max(0.0, min(ends) - margin), max(ends) + margin)
    axes.set_xlabel("token drift (%)")
    axes.grid(True, color=MID, alpha=0.25)


def _handles(points: Sequence[Point], labels: Sequence[str]) -> list:
    from matplotlib.lines import Line2D

    across = {point.label for point in points if point.cost is None}
    shown = []
    for index, label in enumerate(labels):
        look = series_look(index)
        own = look if label in across else {"color": look["color"], "marker": _mark(index), "linestyle": ""}
        shown.append(Line2D([], [], **own, label=shown_label(label, 48)))
    return shown
