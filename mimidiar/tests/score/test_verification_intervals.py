"""Bootstrap over speakers: against plain loops over copied trials, and whether it covers as often as it says."""

from statistics import NormalDist

import numpy as np
import pytest

from mimidiar.score.trials import TrialSpeakers
from mimidiar.score.verification import (
    SortedTrials,
    figures,
    operating_points,
    sort_trials,
    verification_intervals,
    verification_samples,
)


def random_effects(
    rng: np.random.Generator, speakers: int, spread: float
) -> tuple[np.ndarray, np.ndarray, TrialSpeakers]:
    """Scores, labels and speakers of trials of speakers who are more or less like themselves, and like others.

    Targets are N(2, 1 + spread^2), non-targets N(0, 1 + 2 spread^2), dependent through their speakers.
    """
    own, alike = spread * rng.normal(size=speakers), spread * rng.normal(size=speakers)
    same = np.repeat(np.arange(speakers), 20)
    one, other = np.nonzero(~np.eye(speakers, dtype=bool))
    scores = np.concatenate([2 + own[same], alike[one] + alike[other]]) + rng.normal(size=same.size + one.size)
    target = np.arange(scores.size) < same.size
    return scores, target, TrialSpeakers(np.append(same, one), np.append(same, other), speakers, "made up")


def intervals(trials: SortedTrials, speakers: TrialSpeakers | None, draws: int, seed: int = 0) -> dict:
    return verification_intervals(trials, verification_samples(trials, speakers, draws, seed), seed)


def test_a_draw_is_a_set_of_trials_between_copies_of_speakers():
    """The same draws of speakers, each trial copied by hand: once for each copy of its speaker or pair of copies."""
    scores, target, speakers = random_effects(np.random.default_rng(1), 5, 1.0)
    trials = sort_trials(scores, target)
    found = verification_samples(trials, speakers, draws=20, seed=3)
    rng = np.random.default_rng(3)
    expected = []
    for _ in range(20):
        drawn = rng.integers(5, size=5)
        copies = []
        for first, one in enumerate(drawn):
            for second, other in enumerate(drawn):
                chosen = (speakers.enrol == one) & (speakers.test == other)
                if first == second or one != other:
                    copies += np.flatnonzero(chosen).tolist()
        if set(target[copies]) == {True, False}:
            expected.append(figures(operating_points(scores[copies], target[copies])))
        else:
            expected.append(None)
    assert len(found) == 20 and sum(each is not None for each in found) >= 15
    for one, other in zip(found, expected, strict=True):
        assert one == (other and pytest.approx(other, abs=1e-9))


@pytest.mark.parametrize("known", [True, False])
def test_draw_k_is_the_same_for_every_system(known: bool):
    """Scores of two systems that agree on a monotone scale have the same EER in each draw; a third has not."""
    scores, target, speakers = random_effects(np.random.default_rng(2), 12, 0.5)
    noise = np.random.default_rng(4).normal(size=len(scores))
    given = speakers if known else None
    one, other, third = (
        [sample["eer"] for sample in verification_samples(sort_trials(values, target), given, draws=30)]
        for values in (scores, np.exp(scores), scores + noise)
    )
    assert one == pytest.approx(other) and one != pytest.approx(third)


def test_coverage_of_speakers_and_of_single_trials():
    """With dependence through 40 speakers, intervals over speakers hold the true EER; those over trials miss it."""
    spread, covered = 0.7, {"speakers": 0, "trials": 0}
    truth = 100 * NormalDist().cdf(-2 / (np.sqrt(1 + spread**2) + np.sqrt(1 + 2 * spread**2)))
    for seed in range(60):
        scores, target, speakers = random_effects(np.random.default_rng(seed), 40, spread)
        trials = sort_trials(scores, target)
        for name, given in (("speakers", speakers), ("trials", None)):
            eer = intervals(trials, given, draws=120)["eer"]
            covered[name] += eer.low <= truth <= eer.high
    assert covered["speakers"] / 60 >= 0.85
    assert covered["trials"] / 60 <= 0.6


def test_same_seed_same_interval_and_around_the_value():
    scores, target, speakers = random_effects(np.random.default_rng(0), 30, 0.5)
    trials = sort_trials(scores, target)
    one, again, other = (intervals(trials, speakers, draws=200, seed=seed) for seed in (0, 0, 1))
    assert one == again != other
    for name, value in figures(trials.points()).items():
        assert one[name].value == value and one[name].low < value < one[name].high


def test_no_interval_where_no_draw_has_both_kinds():
    speakers = TrialSpeakers(np.array([0, 0]), np.array([0, 1]), 2, "made up")
    trials = sort_trials([1.0, 0.0], [True, False])
    assert set(intervals(trials, speakers, draws=50)) == {"eer", "min_dcf_0.01", "min_dcf_0.05"}
    far = TrialSpeakers(np.array([0, 1]), np.array([0, 2]), 3, "made up")
    assert intervals(trials, far, draws=1, seed=1) == {}
