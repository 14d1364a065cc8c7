"""Speaker verification: equal error rate (EER) and minimum detection cost (minDCF) of scored trials.

A trial is accepted when its score is at or above the threshold, so tied scores are accepted or rejected together. The
thresholds are all scores that occur, and one above them; each gives a point (false positive rate, false negative rate).
The EER is read where the line through these points, straight between neighbours, crosses FPR = FNR. minDCF is the
smallest p FNR + (1 - p) FPR over the same thresholds, divided by the cost of the better constant answer, min(p, 1 - p)
(NIST SRE 2010 and later, both costs 1).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file, write_json
from mimidiar.score.trials import align_scores, read_scores, read_trials

TARGET_PRIORS = (0.01, 0.05)


@dataclass(frozen=True)
class OperatingPoints:
    """Error rates (thresholds,) from accepting everything to rejecting everything; `fnr` rises, `fpr` falls."""

    threshold: np.ndarray
    fpr: np.ndarray
    fnr: np.ndarray


def operating_points(scores: ArrayLike, target: ArrayLike) -> OperatingPoints:
    """All points that some threshold reaches. `scores` (trials,) finite, `target` (trials,) bool.

    Raises MimidiarError for NaN or infinite scores, or when one of the two kinds of trials is missing.
    """
    scores, target = np.asarray(scores, dtype=float), np.asarray(target, dtype=bool)
    n_target, n_nontarget = int(target.sum()), int((~target).sum())
    if not np.isfinite(scores).all():
        raise MimidiarError(f"{int((~np.isfinite(scores)).sum())} of {scores.size} scores are NaN or infinite")
    if not n_target or not n_nontarget:
        raise MimidiarError(f"{n_target} target and {n_nontarget} non-target trials; an error rate needs both kinds")
    values, position = np.unique(scores, return_inverse=True)
    targets_below = np.concatenate([[0], np.cumsum(np.bincount(position[target], minlength=values.size))])
    nontargets_below = np.concatenate([[0], np.cumsum(np.bincount(position[~target], minlength=values.size))])
    threshold = np.concatenate([values, [np.inf]])
    return OperatingPoints(threshold, 1 - nontargets_below / n_nontarget, targets_below / n_target)


def equal_error_rate(points: OperatingPoints) -> float:
    """Where false positive and false negative rate are equal, as a fraction."""
    gap = points.fnr - points.fpr  # from -1 to 1, never falling
    right = int(np.argmax(gap >= 0))
    left = right - 1
    share = -gap[left] / (gap[right] - gap[left])
    return float(points.fnr[left] + share * (points.fnr[right] - points.fnr[left]))


def min_dcf(points: OperatingPoints, p_target: float) -> float:
    """Normalised minimum detection cost for targets of prior `p_target`, costs 1: 0 is perfect, 1 useless."""
    costs = p_target * points.fnr + (1 - p_target) * points.fpr
    return float(costs.min() / min(p_target, 1 - p_target))


def score_trials(scores: ArrayLike, target: ArrayLike) -> dict[str, Any]:
    """The figures of `score.json`: `eer` in %, minDCF, mean scores, counts. Both arguments (trials,)."""
    scores, target = np.asarray(scores, dtype=float), np.asarray(target, dtype=bool)
    points = operating_points(scores, target)
    return {
        "eer": round(100 * equal_error_rate(points), 6),
        **{f"min_dcf_{p:g}": round(min_dcf(points, p), 6) for p in TARGET_PRIORS},
        "mean_target": round(float(scores[target].mean()), 6),
        "mean_nontarget": round(float(scores[~target].mean()), 6),
        "n_target": int(target.sum()),
        "n_nontarget": int((~target).sum()),
    }


def verify_files(scores: str | Path, trials: str | Path, system: str | None = None) -> dict[str, Any]:
    """Score the trials of a file: what `score.json` says, hashes included."""
    listed, scored = read_trials(trials), read_scores(scores)
    document = score_trials(align_scores(scored, listed, name=str(scores)), listed.target)
    unused = len(scored) - len(listed.pairs)
    return document | {
        "system": system,
        "warnings": [f"{unused} scores are of no trial and were passed over"] if unused else [],
        "protocol": {
            "eer": "linear between the operating points of the ROC",
            "min_dcf": "normalised by min(p, 1 - p), costs 1",
            "trials_sha256": sha256_file(trials),
        },
        "scores_sha256": sha256_file(scores),
    }


def write_verification(folder: str | Path, document: dict[str, Any]) -> None:
    """Write FOLDER/score.json."""
    write_json(Path(folder) / "score.json", document)
