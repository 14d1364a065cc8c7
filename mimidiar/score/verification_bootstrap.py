"""Bootstrap intervals of EER and minDCF: what they would be with other speakers.

The trials of a list share speakers and are not independent: intervals from single trials are far too narrow for 40
speakers. So whole speakers are drawn, with replacement, and each copy of a drawn speaker is a speaker of its own: a
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
Samples = list[dict[str, float] | None]


def verification_samples(
    trials: SortedTrials, speakers: TrialSpeakers | None, draws: int = DRAWS, seed: int = 0
) -> Samples:
    """`figures` of each draw, of speakers or, where they are not known (None), of trials; same seed, same draws.

    None for a draw without trials of both kinds. Draw k of another system's scores of the same list is of the same
    speakers or trials: the difference of the two is a draw of the difference of the systems.
    """
    weights = over_trials(trials) if speakers is None else over_speakers(trials, speakers)
    return bootstrap_figures(trials, weights, draws, seed)


def verification_intervals(
    trials: SortedTrials, samples: Samples, seed: int = 0, level: float = LEVEL
) -> dict[str, ConfidenceInterval]:
    """Interval of each of `figures` from its draws; empty when no draw has trials of both kinds."""
    kept = [sample for sample in samples if sample is not None]
    if not kept:
        return {}
    tail, values = 50 * (1 - level), figures(trials.points())
    bounds = {name: np.percentile([sample[name] for sample in kept], [tail, 100 - tail]) for name in values}
    return {
        name: ConfidenceInterval(values[name], float(low), float(high), level, len(samples), seed)
        for name, (low, high) in bounds.items()
    }


def bootstrap_figures(trials: SortedTrials, weights: Weights, draws: int, seed: int) -> Samples:
    """The figures of each draw; None for one without trials of both kinds."""
    rng, trials = np.random.default_rng(seed), trials.corners()
    samples: Samples = []
    for _ in range(draws):
        target_weight, nontarget_weight = weights(rng)
        both = target_weight.any() and nontarget_weight.any()
        samples.append(figures(trials.weighted_points(target_weight, nontarget_weight)) if both else None)
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
    """Weights of the sorted trials when single trials are drawn, the same ones whatever their scores."""
    total = trials.target_order.size + trials.nontarget_order.size

    def weights(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        counts = _counts(rng, total)
        return counts[trials.target_order], counts[trials.nontarget_order]

    return weights


def _counts(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n,): how often each of n is drawn in n draws; as float, in which sums are quicker and as exact."""
    return np.bincount(rng.integers(n, size=n), minlength=n).astype(float)
