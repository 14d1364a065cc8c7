"""The linking of windows by voice."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.diarize.clustering import (
    ANY_NUMBER,
    APART,
    Clustering,
    Count,
    LocalSpeakers,
    _pairs_of_one_window,
    erode,
    find_centroids,
    grow_tree,
    local_speakers,
    make_count,
)
from mimidiar.diarize.segmenter import Window
from mimidiar.diarize.tracker import assign, assign_by_reference, cluster_windows, identify, join, stitch
from mimidiar.errors import MimidiarError
from mimidiar.tests.diarize.windowed import run_windows

EAGER = Clustering(distance=0.5, same_voice=0.0, min_alone_sec=0.5, min_speaker_sec=0.0)


def talk(speakers: int, frames: int, seed: int = 0) -> np.ndarray:
    """Bool (frames, speakers): turns of 30 frames, the last third of each overlapped by the next."""
    random, active = np.random.default_rng(seed), np.zeros((frames, speakers), bool)
    order = [int(k) for _ in range(frames // 20) for k in random.permutation(speakers)]
    order = [k for k, before in zip(order, [-1, *order], strict=False) if k != before]
    for turn, speaker in enumerate(order[: frames // 20]):
        active[20 * turn : 20 * turn + 30, speaker] = True
    return active


def voices_of(active: np.ndarray, seed: int = 0, noise: float = 0.1) -> np.ndarray:
    """(T, 32): the voice of the first speaker of each frame, with noise; 0 where nobody speaks."""
    random = np.random.default_rng(seed)
    own = random.normal(size=(active.shape[1], 32))
    frames = own[active.argmax(1)] + noise * random.normal(size=(len(active), 32))
    return frames / np.linalg.norm(frames, axis=1, keepdims=True) * active.any(1, keepdims=True)


def shuffled_windows(active: np.ndarray, length: int, hop: int, channels: int, seed: int = 0) -> list[Window]:
    """Windows of a model without errors: those who speak in a window, in a random order, on `channels` channels."""
    random = np.random.default_rng(seed)

    def model(window: np.ndarray) -> np.ndarray:
        talking = [k for k in range(active.shape[1]) if window[:, k].any()]
        assert len(talking) <= channels
        out = np.zeros((len(window), channels))
        out[:, random.permutation(channels)[: len(talking)]] = window[:, talking]
        return out

    return run_windows(model, active.astype(float), length, hop)


def columns(matrix: np.ndarray) -> set[bytes]:
    return {(column > 0.5).tobytes() for column in matrix.T}


def test_six_speakers_are_found_by_a_model_of_four_channels() -> None:
    active = talk(6, 1200)
    windows = shuffled_windows(active, 60, 30, 4)
    found = cluster_windows(windows, voices_of(active), None, EAGER)
    assert found.shape == active.shape
    assert columns(found) == columns(active)
    assert np.allclose(assign_by_reference(windows, active), active)


def test_stitching_loses_who_is_silent_in_an_overlap_and_linking_does_not() -> None:
    active = np.zeros((160, 2), bool)
    active[:50, 0] = active[110:, 1] = True
    windows = [Window(start, np.zeros((100, 2))) for start in (0, 60)]
    windows[0].posteriors[:50, 0] = windows[1].posteriors[50:, 0] = 1  # both on channel 0, and silent where both are
    assert columns(cluster_windows(windows, voices_of(active), None, EAGER)) == columns(active)
    assert columns(stitch(windows)) == columns(active.any(1, keepdims=True) * [True, False])


def test_who_only_talks_into_others_words_is_known_by_the_window_beside() -> None:
    """In the second window speaker 1 is heard under speaker 0 alone, whose voice the embeddings have there."""
    active = np.zeros((160, 3), bool)
    active[:90, 1] = active[60:130, 0] = active[130:, 2] = True
    windows = [
        Window(start, active[start : start + 100, order].astype(float))
        for start, order in ((0, [0, 1, 2]), (60, [2, 1, 0]))
    ]
    assert columns(cluster_windows(windows, voices_of(active), None, EAGER)) == columns(active)


def test_two_channels_of_one_window_never_join() -> None:
    """All voices alike, so that nothing but the window keeps two channels apart."""
    active = talk(3, 600)
    windows = shuffled_windows(active, 120, 60, 3)
    speakers = local_speakers(windows, np.ones((600, 1)))
    tree = grow_tree(speakers, 0)
    voices = find_centroids(tree, EAGER)
    owners = identify(tree, voices, windows)
    for own in owners:
        given_away = own[own >= 0]
        assert len(given_away) == len(set(given_away.tolist())) == 3
    assert len(voices) == 3


def naive_heights(distances: np.ndarray) -> list[float]:
    """Average linkage by its definition, over all pairs of clusters; the heights of its merges."""
    clusters, heights = [[i] for i in range(len(distances))], []
    while len(clusters) > 1:
        pairs = [(a, b) for a in range(len(clusters)) for b in range(a)]
        cost = [distances[np.ix_(clusters[a], clusters[b])].mean() for a, b in pairs]
        a, b = pairs[int(np.argmin(cost))]
        heights.append(min(cost))
        clusters[b] += clusters.pop(a)
    return heights


def random_speakers(seed: int, windows: int = 4, each: int = 3) -> LocalSpeakers:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(windows * each, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    number, channel = np.divmod(np.arange(windows * each), each)
    frames = random.integers(10, 100, windows * each)
    return LocalSpeakers(number, channel, vectors, frames, frames // 2)


@given(st.integers(0, 1000))
def test_the_tree_is_that_of_average_linkage_with_pairs_apart(seed: int) -> None:
    speakers = random_speakers(seed)
    links = grow_tree(speakers, 0).links
    distances = 1 - speakers.vectors @ speakers.vectors.T
    distances[speakers.window[:, None] == speakers.window[None, :]] = APART
    expected = naive_heights(distances)
    low = [height for height in expected if height < 2]
    assert np.allclose(links[: len(low), 2], low)
    assert (links[len(low) :, 2] > 2).all()  # any two clusters with a forbidden pair lie above every distance


@given(st.integers(0, 1000), st.integers(1, 5))
def test_assignment_is_the_best_of_all(seed: int, count: int) -> None:
    speakers = random_speakers(seed, windows=2)
    likeness = np.random.default_rng(seed).uniform(-1, 1, (len(speakers), count))
    owners = assign(speakers, likeness, [Window(0, np.zeros((5, 3)))] * 2)
    for number in (0, 1):
        own = np.flatnonzero(speakers.window == number)
        worth = (1 + likeness[own]) * speakers.frames[own, None]
        places = [*range(count), *[-1] * len(own)]
        best = max(
            sum(worth[i, k] for i, k in enumerate(choice) if k >= 0) for choice in set(permutations(places, len(own)))
        )
        chosen = owners[number]
        assert sum(worth[i, k] for i, k in enumerate(chosen) if k >= 0) == pytest.approx(best)
        assert (chosen >= 0).sum() == min(3, count)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 8, 12])
def test_as_many_speakers_as_are_asked_for(count: int) -> None:
    active = talk(6, 1200)
    windows = shuffled_windows(active, 60, 30, 4)
    found = cluster_windows(windows, voices_of(active), None, EAGER, Count(count, count))
    assert found.shape[1] == count
    at_most = cluster_windows(windows, voices_of(active), None, EAGER, Count(1, count))
    assert at_most.shape[1] == min(count, 6)


def test_a_voice_that_says_little_is_no_speaker() -> None:
    active = talk(3, 1200)
    active[:, 2] = False
    active[605:625, 2] = True
    active[600:630, :2] = False
    windows = shuffled_windows(active, 120, 60, 3)
    lenient, strict = (
        cluster_windows(windows, voices_of(active), None, Clustering(0.5, 0.0, 0.5, sec)) for sec in (0.0, 8.0)
    )
    assert (lenient.shape[1], strict.shape[1]) == (3, 2)
    assert cluster_windows(windows, voices_of(active), None, Clustering(0.5, 0.0, 0.5, 8.0), Count(3, 3)).shape[1] == 3
    # A share of what is said bounds the seconds: the voice has 40 of some 2,000 frames, as windows overlap by half.
    assert cluster_windows(windows, voices_of(active), None, Clustering(0.5, 0.0, 0.5, 8.0, 0.01)).shape[1] == 3


def test_a_voice_on_two_channels_is_one_speaker() -> None:
    """In every other window what is said on one channel goes on, from the middle on, on a free one."""
    active = talk(2, 1200)
    windows = shuffled_windows(active, 120, 60, 4)
    for number, window in enumerate(windows):
        local = window.posteriors
        if number % 2 and local[60:, 0].any():
            free = int(np.flatnonzero(~local.any(0))[0])
            local[60:, free], local[60:, 0] = local[60:, 0], 0
    apart, one = (
        cluster_windows(windows, voices_of(active), None, Clustering(0.5, same, 0.5, 0.0)) for same in (0.0, 0.3)
    )
    assert apart.shape[1] > 2 and one.shape[1] == 2
    # No window gives a speaker two channels, also here.
    tree = grow_tree(local_speakers(windows, voices_of(active)), 0.5)
    for own in identify(tree, find_centroids(tree, Clustering(0.5, 0.3, 0.5, 0.0)), windows):
        assert len(own[own >= 0]) == len(set(own[own >= 0].tolist()))


def speakers_at(angles: list[float], alone: list[int], window: list[int]) -> LocalSpeakers:
    """Voices in a plane, at angles in degrees; windows as given, each voice on a channel of its own."""
    vectors = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1)
    channel = np.array([window[:k].count(number) for k, number in enumerate(window)])
    return LocalSpeakers(np.array(window), channel, vectors, np.array(alone), np.array(alone))


def angles_of(voices: np.ndarray) -> list[int]:
    return sorted(round(float(angle)) for angle in np.degrees(np.arctan2(voices[:, 1], voices[:, 0])))


def test_more_speakers_are_other_voices_and_not_one_voice_twice() -> None:
    """0 and 1 degrees are one voice on two channels of a window; 90 and 120 are near enough to be one cluster."""
    tree = grow_tree(speakers_at([0, 1, 90, 120], [100, 90, 80, 70], [0, 0, 1, 2]), 0.5)
    rule = Clustering(0.5, 0.1, 0.5, 0.0)
    assert len(find_centroids(tree, rule)) == 2
    found = angles_of(find_centroids(tree, rule, Count(3, 3)))
    assert found[0] in (0, 1) and found[1:] == [90, 120]
    assert len(find_centroids(tree, rule, Count(4, 4))) == 4  # at last one voice twice


def test_of_too_many_speakers_those_who_say_most_are_taken() -> None:
    """The voice of 90 degrees is on two channels, of which each says less than the one at 0, and both say more."""
    tree = grow_tree(speakers_at([0, 90, 91], [200, 190, 180], [0, 1, 1]), 0.5)
    assert angles_of(find_centroids(tree, Clustering(0.5, 0.1, 0.5, 0.0), Count(1, 1))) == [90]


def test_no_more_speakers_than_local_ones() -> None:
    tree = grow_tree(speakers_at([0, 90], [50, 50], [0, 0]), 0.5)
    assert len(find_centroids(tree, Clustering(), Count(5, 5))) == 2


def test_a_recording_without_a_frame_has_no_speaker() -> None:
    assert cluster_windows([Window(0, np.zeros((0, 4)))], np.zeros((0, 8)), None, Clustering()).shape == (0, 1)


def test_silence_has_no_speaker() -> None:
    windows = run_windows(lambda x: np.zeros((len(x), 4)), np.zeros((100, 1)), 40, 20)
    assert not cluster_windows(windows, np.zeros((100, 8)), None, Clustering()).any()
    assert not cluster_windows(windows, np.ones((100, 8)), None, Clustering(), Count(2, 2)).any()


def test_vectors_are_of_frames_in_which_nobody_else_speaks() -> None:
    posteriors = np.zeros((60, 2))
    posteriors[:40, 0] = posteriors[30:, 1] = 1
    embeddings = np.zeros((60, 3))
    embeddings[:26, 0], embeddings[26:34, 1], embeddings[34:, 2] = 1, 1, 1  # 30 ... 40 are both, 26 ... 34 near an edge
    speakers = local_speakers([Window(0, posteriors)], embeddings)
    assert np.allclose(speakers.vectors, [[1, 0, 0], [0, 0, 1]])
    assert speakers.alone.tolist() == [30, 20] and speakers.frames.tolist() == [40, 30]
    late = local_speakers([Window(0, posteriors)], embeddings, np.arange(60) >= 20)
    assert late.alone.tolist() == [10, 20] and late.frames.tolist() == [40, 30]
    masked = local_speakers([Window(0, posteriors)], embeddings * (np.arange(60) >= 20)[:, None])
    assert np.array_equal(late.vectors, masked.vectors)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 4))
def test_erosion_is_that_of_all_neighbours(active: list[bool], frames: int) -> None:
    padded = [False] * frames + active + [False] * frames
    expected = [all(padded[i : i + 2 * frames + 1]) for i in range(len(active))]
    assert erode(np.array(active), frames).tolist() == expected


def test_windows_are_averaged_where_they_overlap() -> None:
    windows = [Window(0, np.array([[0.2, 0.8]] * 3)), Window(2, np.array([[0.6, 0.0]] * 2))]
    owners = [np.array([1, 0]), np.array([1, -1])]
    assert np.allclose(join(windows, owners, 2), [[0.8, 0.2], [0.8, 0.2], [0.4, 0.4], [0, 0.6]])


def test_numbers_of_speakers_that_cannot_be_are_refused() -> None:
    assert make_count(None, None, None) == ANY_NUMBER
    assert make_count(3, None, None) == Count(3, 3)
    assert make_count(None, 2, 5) == Count(2, 5)
    with pytest.raises(MimidiarError, match="3 speakers: give either a number or its bounds"):
        make_count(3, None, 4)
    with pytest.raises(MimidiarError, match="at least 5 speakers and at most 4"):
        make_count(None, 5, 4)
    for numbers in ((0, None, None), (None, -3, None), (None, None, 0), (2.5, None, None)):
        with pytest.raises(MimidiarError, match=r"speakers: give a whole number, 1 or more"):
            make_count(*numbers)
    with pytest.raises(ValueError, match="distance is 3"):
        Clustering(distance=3).check()
    assert LABEL_HZ == 12.5


@given(st.lists(st.integers(0, 6), min_size=2, max_size=12).map(sorted), st.integers(0, 9))
def test_two_outputs_of_one_window_are_apart_and_no_others(window: list[int], seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(len(window), 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers = np.arange(len(window))
    frames = np.full(len(window), 100)
    tree = grow_tree(LocalSpeakers(np.array(window), numbers, vectors, frames, frames), 1.0)
    wanted = 1 - vectors @ vectors.T
    wanted[np.equal.outer(window, window)] = APART
    np.testing.assert_allclose(tree.links, linkage(squareform(wanted, checks=False), "average"), atol=1e-9)


def test_pairs_of_one_window_are_all_apart_and_no_others() -> None:
    window = np.array([0, 0, 0, 1, 2, 2, 5, 5, 5, 5])
    condensed = np.zeros(len(window) * (len(window) - 1) // 2)
    condensed[_pairs_of_one_window(window)] = 1
    assert np.array_equal(squareform(condensed), (window[:, None] == window) & ~np.eye(len(window), dtype=bool))
    assert not len(_pairs_of_one_window(np.arange(4))) and not len(_pairs_of_one_window(np.zeros(0, int)))


def test_of_many_local_speakers_some_are_clustered_and_all_are_assigned(monkeypatch) -> None:
    active = np.zeros((6000, 2), bool)
    active[:3000, 0] = active[3000:, 1] = True
    windows = [Window(start, active[start : start + 100].astype(np.float32)) for start in range(0, 5901, 50)]
    whole = cluster_windows(windows, voices_of(active), None, EAGER)
    monkeypatch.setattr("mimidiar.diarize.clustering.MOST_MEMBERS", 10)
    assert len(grow_tree(local_speakers(windows, voices_of(active)), 0.5).members) <= 10
    assert columns(cluster_windows(windows, voices_of(active), None, EAGER)) == columns(whole) and whole.shape[1] == 2
