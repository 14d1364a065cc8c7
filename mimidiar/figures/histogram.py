"""Scores of target and non-target trials as two histograms, with the threshold at the equal error rate."""

import numpy as np
from numpy.typing import ArrayLike

from mimidiar.figures.style import BLUE, INK, ORANGE, new_figure, set_title, styled
from mimidiar.score.verification import equal_error_rate, operating_points

_BINS = 60
_OUTLIERS = 0.001  # share of the scores on either side that may lie off the axis
_MARGIN = 0.3  # of the span of the others; what lies within it stays on the axis


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
