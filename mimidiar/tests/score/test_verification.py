"""EER and minDCF against brute force, against the analytic values, and under what must not change them."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.errors import MimidiarError
from mimidiar.score.verification import (
    equal_error_rate,
    figures,
    min_dcf,
    operating_points,
    score_trials,
    sort_trials,
)


def brute_force(scores: list[float], target: list[bool]) -> tuple[float, float]:
    """(EER, minDCF at 0.01) by trying every threshold in a loop."""
    points = []
    for threshold in [*sorted(set(scores)), float("inf")]:
        misses = [s < threshold for s, t in zip(scores, target, strict=True) if t]
        accepted = [s >= threshold for s, t in zip(scores, target, strict=True) if not t]
        points.append((sum(accepted) / len(accepted), sum(misses) / len(misses)))
    cost = min(0.01 * fnr + 0.99 * fpr for fpr, fnr in points) / 0.01
    for (fpr0, fnr0), (fpr1, fnr1) in pairwise(points):
        if fnr0 <= fpr0 and fnr1 >= fpr1:
            share = (fpr0 - fnr0) / ((fpr0 - fnr0) + (fnr1 - fpr1))
            return fnr0 + share * (fnr1 - fnr0), cost
    raise AssertionError("the rates never cross")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=14))
def test_equals_brute_force_with_ties(trials):
    scores, target = [float(s) for s, _ in trials], [t for _, t in trials]
    if all(target) or not any(target):
        with pytest.raises(MimidiarError, match="needs both kinds"):
            operating_points(scores, target)
        return
    points = operating_points(scores, target)
    assert (equal_error_rate(points), min_dcf(points, 0.01)) == pytest.approx(brute_force(scores, target))


@pytest.mark.parametrize("separation", [0.5, 1.5, 3.0])
def test_two_gaussians_give_the_analytic_eer(separation):
    """N(d, 1) against N(0, 1): EER = Phi(-d / 2). Quantiles instead of draws, so that there is no noise."""
    n = 4000
    normal = np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])
    found = score_trials(np.concatenate([normal + separation, normal]), np.arange(2 * n) < n)
    assert found["eer"] == pytest.approx(100 * NormalDist().cdf(-separation / 2), abs=0.03)
    assert found["mean_target"] - found["mean_nontarget"] == pytest.approx(separation, abs=1e-5)


def test_ends_of_the_scale():
    target = np.array([True, True, False, False])
    assert score_trials([3, 2, 1, 0], target)["eer"] == 0
    assert score_trials([0, 1, 2, 3], target)["eer"] == 100
    everything_tied = score_trials([1, 1, 1, 1], target)
    assert (everything_tied["eer"], everything_tied["min_dcf_0.01"]) == (50, 1)


TRIALS = st.lists(st.tuples(st.integers(-6, 6), st.booleans()), min_size=2, max_size=30).filter(
    lambda trials: 0 < sum(target for _, target in trials) < len(trials)
)


@settings(deadline=None)
@given(TRIALS, st.sampled_from([lambda s: 3 * s - 7, np.exp, lambda s: s**3, np.arctan]))
def test_rising_transforms_of_the_scores_change_nothing(trials, transform):
    scores, target = np.array([float(s) for s, _ in trials]), [t for _, t in trials]
    assert figures(operating_points(transform(scores), target)) == figures(operating_points(scores, target))


@settings(deadline=None)
@given(TRIALS, st.randoms())
def test_order_of_trials_changes_nothing_and_negation_swaps_the_errors(trials, random):
    scores, target = np.array([s for s, _ in trials]), np.array([t for _, t in trials])
    found = figures(operating_points(scores, target))
    order = random.sample(range(len(trials)), len(trials))
    assert figures(operating_points(scores[order], target[order])) == found
    assert equal_error_rate(operating_points(-scores, ~target)) == pytest.approx(found["eer"] / 100, abs=1e-12)
    assert all(0 <= value <= 1 for name, value in found.items() if name != "eer")


@settings(deadline=None)
@given(TRIALS, st.data())
def test_a_weight_is_a_number_of_copies(trials, data):
    scores, target = np.array([s for s, _ in trials]), np.array([t for _, t in trials])
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(trials), max_size=len(trials))))
    if not weights[target].any() or not weights[~target].any():
        return
    ordered = sort_trials(scores, target)
    copies = figures(operating_points(np.repeat(scores, weights), np.repeat(target, weights)))
    for each in (ordered, ordered.corners()):
        weighted = each.weighted_points(weights[ordered.target_order], weights[ordered.nontarget_order])
        assert figures(weighted) == pytest.approx(copies, abs=1e-9)


def test_corners_are_few_where_the_kinds_do_not_mix():
    scores, target = np.arange(1000.0), np.arange(1000) >= 500
    scores[499], scores[500] = scores[500], scores[499]
    assert sort_trials(scores, target).corners().threshold.tolist() == [0, 499, 500, 501, np.inf]


def test_nan_is_refused():
    with pytest.raises(MimidiarError, match="1 of 3 scores"):
        score_trials([1, float("nan"), 2], [True, False, True])
