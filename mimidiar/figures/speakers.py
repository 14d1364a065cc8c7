"""Turns of a recording without a reference: a lane for each speaker, posteriors above."""

from collections.abc import Sequence

from mimidiar.annotation.turns import Turn
from mimidiar.figures.style import FAINT, new_figure, series_look, set_title, shown_label, shown_labels, styled
from mimidiar.figures.timeline import Posteriors, draw_posteriors, set_time_axis

_HALF_HEIGHT = 0.36  # of a lane of height 1


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
    _draw_lanes(panels["lanes"], speakers, turns)
    for axes in panels.values():
        set_time_axis(axes, window)
    if "posteriors" in panels:
        panels["posteriors"].set_xlabel("")
    said = {speaker: sum(turn.end - turn.start for turn in turns if turn.speaker == speaker) for speaker in speakers}
    shares = ", ".join(f"{speaker} {sec:.1f} s" for speaker, sec in said.items())
    set_title(figure, shown_label(recording, 90), shares or "nobody speaks")
    return figure


def _draw_lanes(axes, speakers: Sequence[str], turns: Sequence[Turn]) -> None:
    for row, speaker in enumerate(speakers):
        axes.axhline(row, color=FAINT, linewidth=0.6, zorder=0)
        spans = [(turn.start, turn.end - turn.start) for turn in turns if turn.speaker == speaker]
        box = (row - _HALF_HEIGHT, 2 * _HALF_HEIGHT)
        axes.broken_barh(spans, box, facecolor=series_look(row)["color"], linewidth=0, gid=f"turns {speaker}")
    axes.set_ylim(max(len(speakers), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(speakers)), shown_labels(speakers, 20) if speakers else [])
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("speakers")
