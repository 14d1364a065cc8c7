"""Named values with their intervals, side by side."""

from collections.abc import Sequence

from mimidiar.errors import MimidiarError
from mimidiar.figures.documents import Bar
from mimidiar.figures.style import INK, MID, SKY, fitted, new_figure, set_title, shown_labels, styled

NOT_RUN = "not run"
_HEIGHT = 3.8  # inches, of upright bars
_MOST_UPRIGHT = 8
_LONGEST_UPRIGHT = 80  # letters of all labels together that fit under the bars


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
