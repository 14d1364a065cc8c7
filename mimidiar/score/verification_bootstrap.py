"""Bootstrap intervals of EER and minDCF: what they would be with other speakers.

The trials of a list share speakers and are not independent: drawn one by one they promise far more than 40 speakers can
tell. So whole speakers are drawn, with replacement, and each copy of a drawn speaker is a speaker of its own: a
same-speaker trial of somebody drawn c times counts c times, a trial between two speakers c1 c2 times, and no trials are
made up between the copies of one speaker. This is after the vertex bootstrap of network statistics (Snijders & Borgatti
1999, Connections 22(2)) with speakers for vertices, which would make up such trials from others; for same-speaker
trials it is the subsets bootstrap of biometrics (Bolle, Ratha & Pankanti 2004, CVIU 93), for the others the product
weights of Owen's pigeonhole bootstrap (2007, Annals of Applied Statistics 1(2)). Percentile intervals; that of minDCF
reaches further down than up, since each draw has the threshold that is best for itself.
"""

from collections.abc import Callable

import numpy as np

from mimidiar.score.bootstrap import LEVEL, ConfidenceInterval
from mimidiar.score.trial_speakers import TrialSpeakers
from mimidiar.score.verification import SortedTrials, figures

DRAWS = 1000

Weights = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


def verification_intervals(
    trials: SortedTrials, speakers: TrialSpeakers | None, draws: int = DRAWS, seed: int = 0, level: float = LEVEL
) -> dict[str, ConfidenceInterval]:
    """Interval of each of `figures`, over speakers; where they are not known (None), over trials.

    Empty when no draw has trials of both kinds. Same seed, same intervals.
    """
    weights = over_trials(trials) if speakers is None else over_speakers(trials, speakers)
    samples = bootstrap_figures(trials, weights, draws, seed)
    if not samples:
        return {}
    tail, values = 50 * (1 - level), figures(trials.points())
    bounds = {name: np.percentile([sample[name] for sample in samples], [tail, 100 - tail]) for name in values}
    return {
        name: ConfidenceInterval(values[name], float(low), float(high), level, draws, seed)
        for name, (low, high) in bounds.items()
    }


def bootstrap_figures(trials: SortedTrials, weights: Weights, draws: int, seed: int) -> list[dict[str, float]]:
    """The figures of each draw that has trials of both kinds."""
    rng, trials = np.random.default_rng(seed), trials.corners()
    samples = []
    for _ in range(draws):
        target_weight, nontarget_weight = weights(rng)
        if target_weight.any() and nontarget_weight.any():
            samples.append(figures(trials.weighted_points(target_weight, nontarget_weight)))
    return samples


def over_speakers(trials: SortedTrials, speakers: TrialSpeakers) -> Weights:
    """Weights of the sorted trials when speakers are drawn: the count, or the product of two counts."""
    same = speakers.enrol[trials.target_order]
    one, other = speakers.enrol[trials.nontarget_order], speakers.test[trials.nontarget_order]

    def weights(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        counts = _counts(rng, speakers.count)
        return counts[same], counts[one] * counts[other]

    return weights


def over_trials(trials: SortedTrials) -> Weights:
    """Weights of the sorted trials when single trials are drawn."""
    n_target = trials.target_order.size
    total = n_target + trials.nontarget_order.size

    def weights(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        counts = _counts(rng, total)
        return counts[:n_target], counts[n_target:]

    return weights


def _counts(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n,): how often each of n is drawn in n draws; as float, in which sums are quicker and as exact."""
    return np.bincount(rng.integers(n, size=n), minlength=n).astype(float)
