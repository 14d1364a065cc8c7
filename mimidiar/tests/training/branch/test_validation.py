"""Pairs of windows: of whom they are, by brute force, and how well vectors tell them apart."""

import numpy as np

from mimidiar.training.branch.validation import HOP_FRAMES, PURE, WINDOW_FRAMES, WindowPairs, pair_windows, pure_windows


def activity(seed: int = 0, frames: int = 600) -> np.ndarray:
    """Three speakers with turns of about 2 s, some of which overlap."""
    rng = np.random.default_rng(seed)
    active = np.zeros((frames, 3), bool)
    for speaker in range(3):
        for start in rng.integers(0, frames, 6):
            active[start : start + rng.integers(10, 60), speaker] = True
    return active


def test_windows_are_those_in_which_one_speaks() -> None:
    active = activity()
    starts, speakers = pure_windows(active)
    expected = []
    for start in range(0, len(active) - WINDOW_FRAMES + 1, HOP_FRAMES):
        window = active[start : start + WINDOW_FRAMES]
        for speaker in range(3):
            others = np.delete(window, speaker, axis=1).any(1).mean()
            if window[:, speaker].mean() >= PURE and others <= 1 - PURE:
                expected.append((start, speaker))
    assert len(expected) > 5 and list(zip(starts.tolist(), speakers.tolist(), strict=True)) == expected


def test_pairs_are_even_and_never_share_a_frame() -> None:
    """Vectors that name their frame and speaker show which windows were compared."""
    active = activity(1)
    pairs = pair_windows(active.astype(float) + 1e-3, active, np.random.default_rng(0))
    assert len(pairs.same) > 20 and pairs.same.sum() * 2 == len(pairs.same)
    assert pairs.cosines[pairs.same].min() > 0.9 > pairs.cosines[~pairs.same].max() and pairs.eer() == 0
    position = np.zeros((len(active), len(active)))
    position[range(len(active)), range(len(active))] = 1
    assert pair_windows(position, active, np.random.default_rng(0)).cosines.max() == 0


def test_vectors_of_chance_are_at_a_half_and_no_pair_is_too() -> None:
    found = []
    for seed in range(20):
        vectors = np.random.default_rng(seed).standard_normal((600, 4))
        found.append(pair_windows(vectors, activity(seed), np.random.default_rng(seed)))
    assert 0.4 < WindowPairs.join(found).eer() < 0.6
    silent = pair_windows(np.ones((30, 4)), np.zeros((30, 0), bool), np.random.default_rng(0))
    assert len(silent.same) == 0 and silent.eer() == 0.5
