"""Turns over time: reference against hypothesis, or, of a recording without a reference, a lane for each speaker.

With a reference, a lane holds a reference speaker in its upper half and the hypothesis speaker that the DER pairs with
them in its lower half; hypothesis speakers without a partner follow in lanes of their own. Errors have three colors,
posteriors are above. Below the lanes: how many speakers are wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mimidiar.annotation.turns import Region, Turn
from mimidiar.errors import MimidiarError
from mimidiar.figures.style import (
    BLUE,
    FAINT,
    INK,
    MID,
    ORANGE,
    VERMILLION,
    new_figure,
    series_look,
    set_title,
    shown_label,
    shown_labels,
    styled,
)
from mimidiar.score.error_regions import CONFUSION, CORRECT, FALSE_ALARM, MISSED, UNSCORED, ErrorRegions, JudgedTurn

ERROR_COLORS = {MISSED: BLUE, FALSE_ALARM: ORANGE, CONFUSION: VERMILLION}
_REFERENCE_COLORS = {CORRECT: INK, UNSCORED: FAINT, **ERROR_COLORS}
_HYPOTHESIS_COLORS = {CORRECT: MID, UNSCORED: FAINT, **ERROR_COLORS}
_HALF_HEIGHT, _GAP = 0.40, 0.03  # of a lane of height 1
_MOST_LANES = 150
_MOST_BINS = 300
_MOST_COLUMNS = 1500
_MOST_SHAPES = 10_000
_SHARP_SEC = 300.0
_STEPS_SEC = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 10
_DAY_SEC = 86400
_HALF_LANE = 0.36  # of a lane of one speaker alone


@dataclass(frozen=True)
class Posteriors:
    """`matrix` (T, K), 0 to 1, one row every 1 / `frame_hz` seconds from 0; a name for each of the K `channels`."""

    matrix: np.ndarray
    frame_hz: float
    channels: Sequence[str]


@styled
def draw_timeline(
    errors: ErrorRegions, start: float | None = None, end: float | None = None, posteriors: Posteriors | None = None
):
    """A Figure of one recording from `start` to `end` in seconds; the error figures are of the whole recording.

    Raises MimidiarError without anything to draw, or for too many speakers.
    """
    lanes = _lanes(errors)
    for number in (len(lanes), 0 if posteriors is None else posteriors.matrix.shape[1]):
        if number > _MOST_LANES:
            what = f"{number} speakers, and a figure shows up to {_MOST_LANES}"
            raise MimidiarError(f"{errors.recording}: {what}; was each turn given a speaker of its own?")
    window = _window(errors, start, end)
    heights = {"lanes": 0.35 + len(lanes) * min(0.55, max(0.25, 4 / max(len(lanes), 1))), "errors": 0.9}
    if posteriors is not None:
        heights = {"posteriors": 0.35 + 0.2 * max(posteriors.matrix.shape[1], 4)} | heights
    figure = new_figure(sum(heights.values()) + 1.0)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=list(heights.values()))
    panels = {name: figure.add_subplot(grid[row]) for row, name in enumerate(heights)}
    if posteriors is not None:
        draw_posteriors(panels["posteriors"], posteriors, window, [hyp for _, hyp in lanes])
    _draw_lanes(panels["lanes"], errors, lanes, window)
    _draw_error_rate(panels["errors"], errors, window)
    for axes in panels.values():
        set_time_axis(axes, window)
        if axes is not panels["errors"]:
            axes.tick_params(labelbottom=False)
            axes.set_xlabel("")
    figure.align_ylabels(list(panels.values()))
    set_title(figure, shown_label(errors.recording, 90), _summary(errors))
    figure.legend(handles=_legend(errors), loc="outside lower center", ncols=3)
    return figure


def _lanes(errors: ErrorRegions) -> list[tuple[str, str]]:
    """(reference speaker, hypothesis speaker) of each lane from the top; "" where there is none."""
    reference = list(dict.fromkeys(turn.speaker for turn in errors.reference))
    hypothesis = list(dict.fromkeys(turn.speaker for turn in errors.hypothesis))
    partner_of = {reference_name: name for name, reference_name in errors.partner.items()}
    alone = [("", name) for name in hypothesis if name not in errors.partner]
    return [(name, partner_of.get(name, "")) for name in reference] + alone


def _window(errors: ErrorRegions, start: float | None, end: float | None) -> Region:
    spans = [(turn.start, turn.end) for turn in (*errors.reference, *errors.hypothesis)]
    spans += errors.scored
    if not spans:
        raise MimidiarError(f"{errors.recording}: neither reference nor hypothesis have a turn; nothing to draw")
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    start, end = first if start is None else start, last if end is None else end
    if not (0 <= start < end and start < last and end > first):
        what = f"there is something from {first:g} s to {last:g} s"
        raise MimidiarError(f"{errors.recording}: nothing to draw from {start:g} s to {end:g} s; {what}")
    return start, end


def _draw_lanes(axes, errors: ErrorRegions, lanes: list[tuple[str, str]], window: Region) -> None:
    rows = {("reference", name): row for row, (name, _) in enumerate(lanes)}
    rows |= {("hypothesis", name): row for row, (_, name) in enumerate(lanes)}
    sides = (
        ("reference", errors.reference, _REFERENCE_COLORS, -_HALF_HEIGHT),
        ("hypothesis", errors.hypothesis, _HYPOTHESIS_COLORS, _GAP),
    )
    for row in range(len(lanes) + 1):
        axes.axhline(row - 0.5, color=FAINT, linewidth=0.6, zorder=0)
    # Bars thinner than a pixel must fade: set to whole pixels, most of the short turns of an hour would be gone. Where
    # there are tens of thousands, they are pixels in an SVG as well, or a browser would need minutes for it.
    look = {
        "snap": None if window[1] - window[0] <= _SHARP_SEC else False,
        "rasterized": len(errors.reference) + len(errors.hypothesis) > _MOST_SHAPES,
    }
    for side, turns, colors, top in sides:
        bars: dict[tuple[int, str], list[tuple[float, float]]] = {}
        for turn in _inside(turns, window):
            span = turn.start, turn.end - turn.start
            bars.setdefault((rows[side, turn.speaker], turn.kind), []).append(span)
        for (row, kind), spans in bars.items():
            box = (row + top, _HALF_HEIGHT - _GAP)
            axes.broken_barh(spans, box, facecolor=colors[kind], linewidth=0, gid=f"{side} {kind}", **look)
    axes.set_ylim(max(len(lanes), 1) - 0.5, -0.5)
    middle = (_HALF_HEIGHT + _GAP) / 2
    _label_lanes(axes, [name for name, _ in lanes], -middle, "reference")
    right = axes.secondary_yaxis("right")
    _label_lanes(right, [name for _, name in lanes], middle, "hypothesis")
    right.spines["right"].set_visible(False)


def _label_lanes(axis, names: list[str], offset: float, side: str) -> None:
    labels = dict(zip(filter(None, names), shown_labels([name for name in names if name], 20), strict=True))
    axis.set_yticks([row + offset for row in range(len(names))], [labels.get(name, "–") for name in names])
    axis.tick_params(axis="y", length=0)
    axis.set_ylabel(side)


def _inside(turns: Sequence[JudgedTurn], window: Region) -> list[JudgedTurn]:
    return [turn for turn in turns if turn.end > window[0] and turn.start < window[1]]


def _draw_error_rate(axes, errors: ErrorRegions, window: Region) -> None:
    """Stacked: the mean number of speakers wrong in each bin of time."""
    width = step_sec(window[1] - window[0], _MOST_BINS)
    edges = np.arange(np.floor(window[0] / width), np.ceil(window[1] / width) + 1) * width
    below = np.zeros(len(edges) - 1)
    for kind, color in ERROR_COLORS.items():
        wrong = _seconds_before(errors.errors(kind), edges)
        top = below + np.diff(wrong) / width
        axes.stairs(top, edges, baseline=below, fill=True, color=color, linewidth=0)
        below = top
    axes.set_ylim(0, max(1.0, 1.05 * below.max()))
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=3)
    axes.set_ylabel("speakers\nwrong")


def _seconds_before(turns: Sequence[JudgedTurn], times: np.ndarray) -> np.ndarray:
    """(times,): the speaker seconds of `turns` up to each time."""
    total = np.zeros(len(times))
    for turn in turns:
        total += np.clip(times - turn.start, 0, turn.end - turn.start)
    return total


def draw_posteriors(axes, posteriors: Posteriors, window: Region, speakers: list[str]) -> None:
    """A heat map of the channels, in the order of the lanes where they bear the names of hypothesis speakers."""
    channels = list(posteriors.channels)
    rank = {name: row for row, name in enumerate(speakers) if name}
    order = sorted(range(len(channels)), key=lambda k: rank.get(channels[k], len(rank) + k))
    hz = posteriors.frame_hz
    first, last = int(window[0] * hz), int(np.ceil(window[1] * hz))
    frames = posteriors.matrix[first:last, order]
    extent = (first / hz, (first + len(frames)) / hz, len(order) - 0.5, -0.5)
    shown = _thinned(frames).T
    image = axes.imshow(shown, cmap="Greys", vmin=0, vmax=1, aspect="auto", extent=extent, interpolation="nearest")
    axes.set_yticks(range(len(order)), shown_labels([channels[k] for k in order], 20))
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("posteriors")
    bar = axes.inset_axes([1.01, 0, 0.012, min(1.0, 4 / len(order))])
    axes.figure.colorbar(image, cax=bar, ticks=[0, 0.5, 1])


def _thinned(frames: np.ndarray) -> np.ndarray:
    """Means of neighboring rows of (T, K), so that as many are left as a figure has pixels."""
    block = -(-len(frames) // _MOST_COLUMNS)
    if block <= 1:
        return frames
    starts = np.arange(0, len(frames), block)
    sizes = np.diff(np.append(starts, len(frames)))
    return np.add.reduceat(frames, starts, axis=0) / sizes[:, None]


def _summary(errors: ErrorRegions) -> str:
    wrong = sum(map(errors.error_sec, ERROR_COLORS))
    rate = f"DER {100 * wrong / errors.reference_sec:.1f} %" if errors.reference_sec else "no reference speech"
    protocol = errors.protocol
    collar = f"collar ±{protocol.collar:g} s" if protocol.collar else "no collar"
    return f"whole recording: {rate} ({collar}, overlap {'skipped' if protocol.skip_overlap else 'scored'})"


def _legend(errors: ErrorRegions) -> list:
    from matplotlib.patches import Patch

    handles = [Patch(color=INK, label="reference, upper half"), Patch(color=MID, label="hypothesis, lower half")]
    for kind, color in ERROR_COLORS.items():
        seconds = errors.error_sec(kind)
        share = f" ({100 * seconds / errors.reference_sec:.1f} %)" if errors.reference_sec else ""
        handles.append(Patch(color=color, label=f"{kind} {seconds:.1f} s{share}"))
    if any(turn.kind == UNSCORED for turn in (*errors.reference, *errors.hypothesis)):
        handles.append(Patch(color=FAINT, label=UNSCORED))
    return handles


def set_time_axis(axes, window: Region) -> None:
    """Show `window` (start, end) in seconds, with round ticks and a label that says how to read them."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    start, end = window
    axes.set_xlim(start, end)
    axes.xaxis.set_major_locator(MultipleLocator(step_sec(end - start, _MOST_TICKS)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds, end)))
    axes.set_xlabel(f"time ({_unit(end)})")


def step_sec(duration: float, most: int) -> float:
    """The smallest round step that cuts `duration` into at most `most` parts; whole days beyond the list."""
    days = -(-duration // (most * _DAY_SEC))
    return next((step for step in _STEPS_SEC if duration / step <= most), days * _DAY_SEC)


def clock(seconds: float, longest: float) -> str:
    """`seconds` as the axis up to `longest` writes them: 75, 1:15 or 0:01:15."""
    if longest <= 120:
        return f"{seconds:.10g}"
    whole, part = divmod(round(seconds, 3), 1)
    minutes, rest = divmod(int(whole), 60)
    fraction = f"{part:.3f}".rstrip("0")[1:].rstrip(".")
    if longest < 3600:
        return f"{minutes}:{rest:02d}{fraction}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}{fraction}"


def _unit(longest: float) -> str:
    if longest <= 120:
        return "s"
    return "min:s" if longest < 3600 else "h:min:s"


@styled
def draw_speakers(recording: str, seconds: float, turns: Sequence[Turn], posteriors: Posteriors):
    """A Figure of a whole recording; the `channels` of the posteriors are its speakers."""
    speakers = list(posteriors.channels)
    heights = {"lanes": 0.35 + 0.3 * max(len(speakers), 1)}
    if speakers and len(posteriors.matrix):
        heights = {"posteriors": 0.35 + 0.2 * max(len(speakers), 4)} | heights
    figure = new_figure(sum(heights.values()) + 1.0)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=list(heights.values()))
    panels = {name: figure.add_subplot(grid[row]) for row, name in enumerate(heights)}
    window = (0.0, seconds)
    if "posteriors" in panels:
        draw_posteriors(panels["posteriors"], posteriors, window, speakers)
        panels["posteriors"].tick_params(labelbottom=False)
    _draw_lanes_alone(panels["lanes"], speakers, turns)
    for axes in panels.values():
        set_time_axis(axes, window)
    if "posteriors" in panels:
        panels["posteriors"].set_xlabel("")
    said = {speaker: sum(turn.end - turn.start for turn in turns if turn.speaker == speaker) for speaker in speakers}
    shares = ", ".join(f"{speaker} {sec:.1f} s" for speaker, sec in said.items())
    set_title(figure, shown_label(recording, 90), shares or "nobody speaks")
    return figure


def _draw_lanes_alone(axes, speakers: Sequence[str], turns: Sequence[Turn]) -> None:
    for row, speaker in enumerate(speakers):
        axes.axhline(row, color=FAINT, linewidth=0.6, zorder=0)
        spans = [(turn.start, turn.end - turn.start) for turn in turns if turn.speaker == speaker]
        box = (row - _HALF_LANE, 2 * _HALF_LANE)
        axes.broken_barh(spans, box, facecolor=series_look(row)["color"], linewidth=0, gid=f"turns {speaker}")
    axes.set_ylim(max(len(speakers), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(speakers)), shown_labels(speakers, 20) if speakers else [])
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("speakers")
