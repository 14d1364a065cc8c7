"""Error rates over the depth of an encoder: a panel for each metric, taps from left to right, a line for each encoder.

One line joins the layers up to the latent, another the numbers of codebooks; the weighted sum is a separate point. An
encoder with a single tap and a trivial baseline have no depth, and are drawn as horizontal lines.
"""

from collections.abc import Sequence

from mimidiar.errors import MimidiarError
from mimidiar.figures.documents import Step
from mimidiar.figures.style import MID, fitted, new_figure, series_look, set_title, shown_label, styled

_PANELS_A_ROW = 4
_PANEL_INCHES = 3.0
_TAP_INCHES = 0.18
_WIDEST = 40.0
_SPREAD = 0.3  # of the distance of two taps, taken by all encoders at one


@styled
def draw_depth(steps: Sequence[Step], title: str = ""):
    """A Figure of the steps: a label is a tap, a series an encoder. Raises MimidiarError when none has a value."""
    order = list(dict.fromkeys(step.panel for step in steps))
    steps = [step for step in steps if step.value is not None]
    if not steps:
        raise MimidiarError("no step has a value; nothing to draw")
    series = list(dict.fromkeys(step.series or step.label for step in steps))
    of_series = {name: [step for step in steps if (step.series or step.label) == name] for name in series}
    deep = [name for name, own in of_series.items() if len({step.label for step in own}) > 1]
    taps = list(dict.fromkeys(step.label for name in deep for step in of_series[name]))
    panels = sorted({step.panel for step in steps}, key=order.index)
    columns = min(_PANELS_A_ROW, len(panels))
    rows = -(-len(panels) // columns)
    inches = max(_PANEL_INCHES, 1.0 + _TAP_INCHES * len(taps))
    if inches * columns > _WIDEST:
        raise MimidiarError(f"{len(taps)} taps are too many for one figure; draw fewer")
    figure = new_figure(2.9 * rows + 0.4, inches * columns)
    for number, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, number + 1)
        for index, name in enumerate(series):
            own = [step for step in of_series[name] if step.panel == panel]
            if name in deep:
                shift = _SPREAD * ((deep.index(name) + 0.5) / len(deep) - 0.5)
                _draw_line(axes, own, taps, series_look(index), shift)
            else:
                _draw_across(axes, own, series_look(index))
        _set_axes(axes, taps, [step for step in steps if step.panel == panel])
        axes.set_title(fitted(panel, inches), loc="left")
    figure.legend(handles=_handles(series), loc="outside lower center", ncols=3)
    set_title(figure, title)
    return figure


def kind_of(tap: str) -> str:
    """The points that one line joins: `quantized` (numbers of codebooks), `layer`, or the name of a single tap."""
    kind = tap.partition(".")[0]
    return "layer" if kind in ("seanet", "transformer", "latent") else kind


def _draw_line(axes, steps: Sequence[Step], taps: list[str], look: dict[str, str], shift: float) -> None:
    for kind in dict.fromkeys(kind_of(step.label) for step in steps):
        own = sorted((s for s in steps if kind_of(s.label) == kind), key=lambda s: taps.index(s.label))
        places = [taps.index(step.label) + shift for step in own]
        axes.plot(places, [step.value for step in own], **look, marker="o", markersize=4, linewidth=1.2)
        for place, step in zip(places, own, strict=True):
            if step.low is not None:
                axes.plot([place, place], [step.low, step.high], color=look["color"], linewidth=1, alpha=0.5)


def _draw_across(axes, steps: Sequence[Step], look: dict[str, str]) -> None:
    for step in steps:
        axes.axhline(step.value, **look, linewidth=1.2)
        if step.low is not None:
            axes.axhspan(step.low, step.high, color=look["color"], alpha=0.08, linewidth=0)


def _set_axes(axes, taps: list[str], steps: Sequence[Step]) -> None:
    """Zero in view, so that the eye compares true proportions; a line between the kinds of taps."""
    top = max(max(step.value, step.high or 0.0) for step in steps)
    axes.set_ylim(0, 1.08 * top or 1.0)
    axes.set_xlim(-0.6, max(len(taps), 1) - 0.4)
    axes.set_xticks(range(len(taps)), [shown_label(tap, 16) for tap in taps], rotation=90)
    axes.tick_params(axis="x", length=0)
    axes.grid(True, axis="y")
    for place in range(1, len(taps)):
        if kind_of(taps[place]) != kind_of(taps[place - 1]):
            axes.axvline(place - 0.5, color=MID, linewidth=0.6, linestyle=":")


def _handles(series: Sequence[str]) -> list:
    from matplotlib.lines import Line2D

    return [Line2D([], [], **series_look(index), label=shown_label(name, 40)) for index, name in enumerate(series)]
