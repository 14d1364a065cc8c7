"""Speaker verification: equal error rate (EER) and minimum detection cost (minDCF) of scored trials.

A trial is accepted when its score is at or above the threshold, so tied scores are accepted or rejected together. The
thresholds are all scores that occur, and one above them; each gives a point (false positive rate, false negative rate).
The EER is read where the line through these points, straight between neighbors, crosses FPR = FNR. minDCF is the
smallest p FNR + (1 - p) FPR over the same thresholds, divided by the cost of the better constant answer, min(p, 1 - p)
(NIST SRE 2010 and later, both costs 1).

Bootstrap intervals say what they would be with other speakers. The trials of a list share speakers and are not
independent: intervals from single trials are far too narrow for 40 speakers. So whole speakers are drawn, with
replacement, and each copy of a drawn speaker is a speaker of its own: a same-speaker trial of somebody drawn c times
counts c times, a trial between two speakers c1 c2 times, and no trials are made up between the copies of one speaker.
This is after the vertex bootstrap of network statistics (Snijders & Borgatti 1999, Connections 22(2)) with speakers
for vertices, which would make up such trials from others; for same-speaker trials it is the subsets bootstrap of
biometrics (Bolle, Ratha & Pankanti 2004, CVIU 93), for the others the product weights of Owen's pigeonhole bootstrap
(2007, Annals of Applied Statistics 1(2)). Percentile intervals; that of minDCF reaches further down than up, since
each draw has the threshold that is best for itself.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mimidiar.errors import MimidiarError
from mimidiar.score.bootstrap import LEVEL, ConfidenceInterval, percentiles
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.score_file import rounded
from mimidiar.score.trials import TrialSpeakers

CONVENTIONS = SCORE_KINDS["verification"].conventions  # of all that is said above; 1: before scores named it

TARGET_PRIORS = (0.01, 0.05)
DRAWS = 1000

Samples = list[dict[str, float] | None]


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


def verification_samples(
    trials: SortedTrials, speakers: TrialSpeakers | None, draws: int = DRAWS, seed: int = 0
) -> Samples:
    """`figures` of each draw, of speakers or, where they are not known (None), of trials; same seed, same draws.

    None for a draw without trials of both kinds. Draw k of another system's scores of the same list is of the same
    speakers or trials: the difference of the two is a draw of the difference of the systems.
    """
    rng, corners, samples = np.random.default_rng(seed), trials.corners(), []
    if speakers is None:
        number = trials.target_order.size + trials.nontarget_order.size
        same, pair = trials.target_order, [trials.nontarget_order]
    else:
        number, same = speakers.count, speakers.enrol[trials.target_order]
        pair = [side[trials.nontarget_order] for side in (speakers.enrol, speakers.test)]
    for _ in range(draws):
        # How often each is drawn; as float, in which sums are quicker and as exact.
        counts = np.bincount(rng.integers(number, size=number), minlength=number).astype(float)
        weights = counts[same], math.prod(counts[each] for each in pair)
        both = all(each.any() for each in weights)
        samples.append(figures(corners.weighted_points(*weights)) if both else None)
    return samples


def verification_intervals(trials: SortedTrials, samples: Samples, seed: int = 0) -> dict[str, ConfidenceInterval]:
    """Interval of each of `figures` from its draws; empty when no draw has trials of both kinds."""
    kept = [sample for sample in samples if sample is not None]
    if not kept:
        return {}
    found = {}
    for name, value in figures(trials.points()).items():
        ends = percentiles(np.array([sample[name] for sample in kept])).tolist()
        found[name] = ConfidenceInterval(value, *ends, LEVEL, len(samples), seed)
    return found
