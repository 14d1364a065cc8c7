"""Speaker verification: equal error rate (EER) and minimum detection cost (minDCF) of scored trials.

A trial is accepted when its score is at or above the threshold, so tied scores are accepted or rejected together. The
thresholds are all scores that occur, and one above them; each gives a point (false positive rate, false negative rate).
The EER is read where the line through these points, straight between neighbors, crosses FPR = FNR. minDCF is the
smallest p FNR + (1 - p) FPR over the same thresholds, divided by the cost of the better constant answer, min(p, 1 - p)
(NIST SRE 2010 and later, both costs 1).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mimidiar.errors import MimidiarError
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.score_file import rounded

CONVENTIONS = SCORE_KINDS["verification"].conventions  # of all that is said above; 1: before scores named it

TARGET_PRIORS = (0.01, 0.05)


@dataclass(frozen=True)
class OperatingPoints:
    """Error rates (thresholds,) from accepting everything to rejecting everything; `fnr` rises, `fpr` falls."""

    threshold: np.ndarray
    fpr: np.ndarray
    fnr: np.ndarray


@dataclass(frozen=True)
class SortedTrials:
    """Trials sorted by score once, so that the error rates under any weights of the trials are two cumulative sums.

    `target_order` (targets,) and `nontarget_order` (non-targets,): which trials, by rising score. `targets_below` and
    `nontargets_below` (thresholds,): how many of each have a score below the threshold.
    """

    threshold: np.ndarray
    target_order: np.ndarray
    nontarget_order: np.ndarray
    targets_below: np.ndarray
    nontargets_below: np.ndarray

    def points(self) -> OperatingPoints:
        """The error rates when every trial counts once."""
        fnr, accepted = self.targets_below / self.target_order.size, self.nontargets_below / self.nontarget_order.size
        return OperatingPoints(self.threshold, 1 - accepted, fnr)

    def corners(self) -> "SortedTrials":
        """The same trials with the thresholds at which the line through the operating points can bend.

        Between two trials of one kind only one rate changes, so the points between lie on a straight line, whatever the
        weights; EER and minDCF, which are read off that line and at its ends, are the same without them.
        """
        targets, nontargets = np.diff(self.targets_below) > 0, np.diff(self.nontargets_below) > 0
        straight = (targets[1:] == targets[:-1]) & (nontargets[1:] == nontargets[:-1]) & ~(targets & nontargets)[1:]
        keep = np.concatenate([[True], ~straight, [True]])
        return replace(
            self,
            threshold=self.threshold[keep],
            targets_below=self.targets_below[keep],
            nontargets_below=self.nontargets_below[keep],
        )

    def weighted_points(self, target_weight: np.ndarray, nontarget_weight: np.ndarray) -> OperatingPoints:
        """The error rates when the trial `target_order[i]` counts `target_weight[i]` times, the others likewise.

        The weights of either kind must not all be zero.
        """
        fnr = _share_below(target_weight, self.targets_below)
        return OperatingPoints(self.threshold, 1 - _share_below(nontarget_weight, self.nontargets_below), fnr)


def _share_below(weight: np.ndarray, below: np.ndarray) -> np.ndarray:
    cumulated = np.zeros(weight.size + 1)
    np.cumsum(weight, out=cumulated[1:])
    return cumulated[below] / cumulated[-1]


def sort_trials(scores: ArrayLike, target: ArrayLike) -> SortedTrials:
    """Sort trials. `scores` (trials,) finite, `target` (trials,) bool.

    Raises MimidiarError for NaN or infinite scores, or when one of the two kinds of trials is missing.
    """
    scores, target = np.asarray(scores, dtype=float), np.asarray(target, dtype=bool)
    n_target, n_nontarget = int(target.sum()), int((~target).sum())
    if not np.isfinite(scores).all():
        raise MimidiarError(f"{int((~np.isfinite(scores)).sum())} of {scores.size} scores are NaN or infinite")
    if not n_target or not n_nontarget:
        raise MimidiarError(f"{n_target} target and {n_nontarget} non-target trials; an error rate needs both kinds")
    order = np.argsort(scores, kind="stable")
    ordered, is_target = scores[order], target[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))  # of each group of ties
    targets_before = np.concatenate([[0], np.cumsum(is_target)])
    below = np.concatenate([first, [scores.size]])
    return SortedTrials(
        threshold=np.concatenate([ordered[first], [np.inf]]),
        target_order=order[is_target],
        nontarget_order=order[~is_target],
        targets_below=targets_before[below],
        nontargets_below=below - targets_before[below],
    )


def operating_points(scores: ArrayLike, target: ArrayLike) -> OperatingPoints:
    """All points that some threshold reaches; arguments and errors as `sort_trials`."""
    return sort_trials(scores, target).points()


def equal_error_rate(points: OperatingPoints) -> float:
    """Where false positive and false negative rate are equal, as a fraction."""
    gap = points.fnr - points.fpr  # from -1 to 1, never falling
    right = int(np.argmax(gap >= 0))
    left = right - 1
    share = -gap[left] / (gap[right] - gap[left])
    return float(points.fnr[left] + share * (points.fnr[right] - points.fnr[left]))


def min_dcf(points: OperatingPoints, p_target: float) -> float:
    """Normalized minimum detection cost for targets of prior `p_target`, costs 1: 0 is perfect, 1 useless."""
    costs = p_target * points.fnr + (1 - p_target) * points.fpr
    return float(costs.min() / min(p_target, 1 - p_target))


def figures(points: OperatingPoints) -> dict[str, float]:
    """`eer` in % and `min_dcf_<prior>`, by the names they have in score.json."""
    return {
        "eer": 100 * equal_error_rate(points),
        **{f"min_dcf_{prior:g}": min_dcf(points, prior) for prior in TARGET_PRIORS},
    }


def score_trials(scores: ArrayLike, target: ArrayLike) -> dict[str, float | int]:
    """The figures of `score.json`: `eer` in %, minDCF, mean scores, counts. Both arguments (trials,)."""
    scores, target = np.asarray(scores, dtype=float), np.asarray(target, dtype=bool)
    found = figures(operating_points(scores, target))
    means = {"mean_target": float(scores[target].mean()), "mean_nontarget": float(scores[~target].mean())}
    return rounded(found | means) | {"n_target": int(target.sum()), "n_nontarget": int((~target).sum())}
