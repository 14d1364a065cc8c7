"""Scores of verification trials: detection error tradeoff (DET) of systems, and histograms of both kinds of trials.

DET is miss rate against false acceptance rate on normal deviate scales. Martin et al., "The DET curve in assessment of
detection task performance" (Eurospeech 1997): where the scores of both kinds of trials are Gaussian, the curve is
straight. The histograms show the threshold at the equal error rate.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from mimidiar.errors import MimidiarError
from mimidiar.figures.style import BLUE, INK, MID, ORANGE, new_figure, series_look, set_title, shown_labels, styled
from mimidiar.score.verification import OperatingPoints, equal_error_rate, operating_points

_SMALL = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
_TICKS = (*_SMALL, *(tenths / 10 for tenths in range(1, 10)), 0.95, 0.98, 0.99, 0.999)
_TICK_DISTANCE = 0.065  # of the length of an axis; closer labels would touch
_MOST_SYSTEMS = 28
_MOST_BELOW = 4  # the legend of more stands beside the axes
_EER_MARK = {"markersize": 5, "markeredgecolor": "white", "clip_on": False, "zorder": 3}
_BINS = 60
_OUTLIERS = 0.001  # share of the scores on either side that may lie off the axis
_MARGIN = 0.3  # of the span of the others; what lies within it stays on the axis


@styled
def draw_det(systems: Mapping[str, OperatingPoints], title: str = ""):
    """A Figure with one curve for each named system, its EER marked and in the legend.

    Raises MimidiarError without systems, or for more systems than line styles.
    """
    from scipy.special import ndtri

    if not 0 < len(systems) <= _MOST_SYSTEMS:
        raise MimidiarError(f"{len(systems)} systems; a DET figure shows 1 to {_MOST_SYSTEMS}")
    eers = {name: equal_error_rate(points) for name, points in systems.items()}
    low, high = _limits(systems, eers)
    is_wide = len(systems) > _MOST_BELOW
    figure = new_figure(*((5.6, 8.6) if is_wide else (5.7 + 0.18 * len(systems), 5.6)))
    axes = figure.add_subplot()
    axes.plot(ndtri([low, high]), ndtri([low, high]), color=MID, linewidth=0.8, linestyle=(0, (1, 3)))
    labels = shown_labels(list(systems), 26 if is_wide else 40)
    for index, (name, points) in enumerate(systems.items()):
        look = series_look(index)
        curve = [ndtri(np.clip(rates, low, high)) for rates in _inside(points, low, high)]
        axes.plot(*curve, **look, linewidth=1.6, label=f"{labels[index]}: EER {100 * eers[name]:.2f} %")
        corner = ndtri(np.clip(eers[name], low, high))
        axes.plot(corner, corner, "o", **_EER_MARK, color=look["color"])
    _set_axes(axes, low, high)
    figure.legend(loc="outside right upper" if is_wide else "outside lower center")
    set_title(figure, title)
    return figure


def _limits(systems: Mapping[str, OperatingPoints], eers: Mapping[str, float]) -> tuple[float, float]:
    """Lowest and highest rate shown: well past every EER, and down to where the curves go while below the highest."""
    wanted = max(0.4, *(min(2 * eer, (1 + eer) / 2) for eer in eers.values()))
    high = min((tick for tick in _TICKS if tick >= wanted), default=_TICKS[-1])
    seen = [min(0.1, min(eers.values()) / 3)]
    for points in systems.values():
        fpr, fnr = _inside(points, 0.0, high)
        seen += [rate[rate > 0].min(initial=1.0) for rate in (fpr, fnr)]
    return max((tick for tick in _TICKS if tick <= min(seen)), default=_TICKS[0]), high


def _inside(points: OperatingPoints, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The part of the curve with rates from `low` to `high`, with one point beyond on either side."""
    rates = np.stack([points.fpr, points.fnr])
    found = np.flatnonzero(((rates >= low) & (rates <= high)).all(axis=0))
    if not len(found):
        return points.fpr[:0], points.fnr[:0]
    keep = slice(max(found[0] - 1, 0), found[-1] + 2)
    return points.fpr[keep], points.fnr[keep]


def _set_axes(axes, low: float, high: float) -> None:
    from scipy.special import ndtri

    ticks = [low]
    for tick in _TICKS:
        if low < tick <= high and ndtri(tick) - ndtri(ticks[-1]) > _TICK_DISTANCE * (ndtri(high) - ndtri(low)):
            ticks.append(tick)
    for axis, label in ((axes.xaxis, "false acceptance rate (%)"), (axes.yaxis, "miss rate (%)")):
        axis.set_ticks(ndtri(ticks), [f"{100 * tick:g}" for tick in ticks])
        axis.set_label_text(label)
    axes.set_xlim(*ndtri([low, high]))
    axes.set_ylim(*ndtri([low, high]))
    axes.set_aspect("equal")
    axes.grid(True)
    for spine in axes.spines.values():
        spine.set(visible=True, color=INK)


@styled
def draw_histogram(scores: ArrayLike, target: ArrayLike, title: str = ""):
    """A Figure of `scores` (trials,) and `target` (trials,) bool; each histogram is in % of its own trials.

    Raises MimidiarError as `operating_points` does.
    """
    scores, target = np.asarray(scores, dtype=float), np.asarray(target, dtype=bool)
    points = operating_points(scores, target)
    edges = _edges(scores)
    figure = new_figure(4.0, width=7.0)
    axes = figure.add_subplot()
    kinds = (("different speakers", ~target, ORANGE, "//"), ("same speaker", target, BLUE, ""))
    for label, chosen, color, hatch in kinds:
        counts, _ = np.histogram(scores[chosen], edges)
        words = f"{label}: {chosen.sum()} trials, mean {scores[chosen].mean():.3g}"
        share = 100 * counts / chosen.sum()
        axes.stairs(share, edges, fill=True, facecolor=color, edgecolor=color, alpha=0.4, hatch=hatch, linewidth=0)
        axes.stairs(share, edges, color=color, linewidth=1.5, label=words)
    threshold = points.threshold[int(np.argmax(points.fnr >= points.fpr))]
    eer = f"EER {100 * equal_error_rate(points):.2f} %"
    if np.isfinite(threshold):
        axes.axvline(threshold, color=INK, linestyle="--", linewidth=1.2, label=f"{eer} at {threshold:.3g}")
    else:
        axes.plot([], [], linestyle="", label=f"{eer}: no threshold divides these scores")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    beyond = int(((scores < edges[0]) | (scores > edges[-1])).sum())
    axes.set_xlabel("score" + (f" ({beyond} trials lie off the axis)" if beyond else ""))
    axes.set_ylabel("trials of each kind (%)")
    figure.legend(loc="outside lower center", ncols=2)
    set_title(figure, title)
    return figure


def _edges(scores: np.ndarray) -> np.ndarray:
    """Edges of the bins over all scores, or, where a few lie far off, over the others."""
    low, high = np.quantile(scores, [_OUTLIERS, 1 - _OUTLIERS])
    margin = _MARGIN * (high - low)
    kept = scores[(scores >= low - margin) & (scores <= high + margin)]
    return np.histogram_bin_edges(kept, _BINS)
