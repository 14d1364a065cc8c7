"""EER and minDCF against brute force and against the analytic values; trial and score files."""

import time
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.errors import MimidiarError
from mimidiar.score.trials import align_scores, read_scores, read_trials, write_scores
from mimidiar.score.verification import equal_error_rate, min_dcf, operating_points, score_trials, verify_files


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


def test_scale_and_shift_do_not_matter():
    rng = np.random.default_rng(0)
    scores, target = rng.normal(size=500), rng.random(500) < 0.3
    one, other = score_trials(scores, target), score_trials(3 * scores - 7, target)
    assert {k: one[k] for k in ("eer", "min_dcf_0.05")} == {k: other[k] for k in ("eer", "min_dcf_0.05")}


def test_nan_is_refused():
    with pytest.raises(MimidiarError, match="1 of 3 scores"):
        score_trials([1, float("nan"), 2], [True, False, True])


@pytest.fixture
def voxceleb_size(tmp_path):
    """37,611 trials as in VoxCeleb1-O cleaned, with scores in another order."""
    rng = np.random.default_rng(5)
    n, n_target = 37611, 18802
    target = rng.permutation(np.arange(n) < n_target)
    pairs = [(f"id{i:05d}/a.wav", f"id{i * 7 % n:05d}/b.wav") for i in range(n)]
    lines = [f"{int(t)} {a} {b}\n" for t, (a, b) in zip(target, pairs, strict=True)]
    (tmp_path / "trials").write_text("".join(lines))
    order = rng.permutation(n)
    write_scores(tmp_path / "scores", [pairs[i] for i in order], (rng.normal(size=n) + 2 * target)[order])
    return tmp_path / "scores", tmp_path / "trials"


def test_voxceleb_size_takes_under_a_second(voxceleb_size):
    start = time.process_time()
    found = verify_files(*voxceleb_size)
    assert time.process_time() - start < 1
    assert (found["n_target"], found["n_nontarget"]) == (18802, 18809)
    assert found["eer"] == pytest.approx(100 * NormalDist().cdf(-1), abs=0.5)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "trials").write_text("1 a b\r\n;; comment\n\n0 a c\r\ntarget b d\nnontarget c d\n")
    (tmp_path / "scores").write_text("c d 0.1\na b 0.9\na c 0.2\nb d 0.8\nx y 5\n")
    return tmp_path / "scores", tmp_path / "trials"


def test_files_in_any_order(files):
    scores, trials = read_scores(files[0]), read_trials(files[1])
    assert trials.target.tolist() == [True, False, True, False]
    assert align_scores(scores, trials).tolist() == [0.9, 0.2, 0.8, 0.1]
    found = verify_files(*files, system="s")
    assert found["eer"] == 0
    assert found["warnings"] == ["1 scores are of no trial and were passed over"]


@pytest.mark.parametrize(
    ("which", "line", "says"),
    [
        ("trials", "2 e f", "line 7"),
        ("trials", "1 a", "line 7"),
        ("trials", "1 a b", "1 trials are given twice, the first: line 7"),
        ("trials", "1 a z", "no score for 1 of 5 trials, the first: a z"),
        ("scores", "a b 0.3", "1 scores are given twice, the first: line 6"),
        ("scores", "a e nan", "line 6: the score is 'nan'"),
        ("scores", "a e", "line 6: 2 fields"),
    ],
)
def test_wrong_files(files, which, line, says):
    path = files[0] if which == "scores" else files[1]
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(MimidiarError) as caught:
        verify_files(*files)
    assert says in str(caught.value)
