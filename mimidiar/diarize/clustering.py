"""The speakers of a recording: local speakers of all its windows, clustered by their embeddings (EEND-VC).

As in Kinoshita, Delcroix and Tawara (2021, "Integrating end-to-end neural and clustering-based diarization", ICASSP):
the model predicts speaker activity in windows, each with its own outputs. Each active output gets the mean embedding of
the frames without overlap, and the clusters of these embeddings are the recording's speakers. Two outputs of one window
do not join, unless their clusters are surely one speaker; then each window has one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.diarize.segmenter import Window
from mimidiar.errors import MimidiarError

ACTIVE = 0.5  # a posterior above it counts as speech here, independent of the tuned threshold
EDGE_FRAMES = 4  # left out at both ends of a turn: embedding windows there contain other speakers as well
APART = 1e9  # distance of two outputs that may not join: a mean with such a pair is above all others
MOST_MEMBERS = 5000  # local speakers that are clustered: 100 MB of distances


@dataclass(frozen=True)
class LocalSpeakers:
    """The N active outputs of a recording's windows: `window` (N,), `output` (N,), their embeddings as unit vectors
    (N, E), how many frames they speak in and how many `alone` (N,), without anybody else."""

    window: np.ndarray
    output: np.ndarray
    vectors: np.ndarray
    frames: np.ndarray
    alone: np.ndarray

    def __len__(self) -> int:
        return len(self.window)


@dataclass(frozen=True)
class Clustering:
    """Parameters of the clustering; kept in tuned.yaml with the name of the tuning set."""

    distance: float = 0.65  # mean cosine distance at which clusters join no more
    # Two clusters nearer than this are one speaker, for whom the model used two outputs in some windows. Only these
    # windows kept them apart.
    same_voice: float = 0.5
    # Local speakers with less non-overlapped speech are not clustered, but assigned to the nearest centroid.
    min_alone_sec: float = 1.0
    # A cluster with less non-overlapped speech is no speaker; in short recordings, one with less than this share of the
    # non-overlapped speech of all clusters.
    min_speaker_sec: float = 4.0
    min_speaker_share: float = 0.03

    def check(self) -> None:
        """Raise ValueError for numbers out of range."""
        for name, most in (("distance", 2), ("same_voice", 2), ("min_speaker_share", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie in 0 ... {most}")
        if min(self.min_alone_sec, self.min_speaker_sec) < 0:
            raise ValueError("durations must not be negative")


@dataclass(frozen=True)
class Count:
    """How many speakers a recording may have, at least and at most (None: any number)."""

    least: int = 1
    most: int | None = None


ANY_NUMBER = Count()


def make_count(number: int | None, least: int | None, most: int | None) -> Count:
    """The numbers of speakers given by a user. MimidiarError for numbers that contradict each other."""
    for given in (number, least, most):
        if given is not None and (given < 1 or given != int(given)):
            raise MimidiarError(f"{given} speakers: give a whole number, 1 or more")
    if number is not None and (least or most):
        raise MimidiarError(f"{number} speakers: give either a number or its bounds")
    if number is None and most is not None and (least or 1) > most:
        raise MimidiarError(f"at least {least or 1} speakers and at most {most}: swap the two numbers")
    return Count(number or least or 1, number or most)


def local_speakers(
    windows: Sequence[Window], embeddings: np.ndarray, embedded: np.ndarray | None = None
) -> LocalSpeakers:
    """The active outputs of each window, with the mean of the embeddings (T, E) over their frames.

    Only frames with an embedding count (it is 0 in silence), of those `embedded` (T,), if given. Chosen are frames
    without overlap and away from the ends of the turn; if there are none, all frames without overlap; else all active
    frames.
    """
    rows = []
    for number, window in enumerate(windows):
        active = window.posteriors > ACTIVE
        own = embeddings[window.start : window.stop]
        counts = np.linalg.norm(own, axis=1) > 0
        if embedded is not None:
            counts &= embedded[window.start : window.stop]
        for output in np.flatnonzero(active.any(0)):
            alone = active[:, output] & (active.sum(1) == 1) & counts
            inner = erode(alone, EDGE_FRAMES)
            chosen = next((mask for mask in (inner, alone, active[:, output] & counts) if mask.any()), None)
            if chosen is not None:
                vector = own[chosen].astype(np.float64).mean(0)
                rows.append((number, output, vector, active[:, output].sum(), alone.sum()))
    if not rows:
        return LocalSpeakers(*(np.zeros(0, int),) * 2, np.zeros((0, embeddings.shape[1])), *(np.zeros(0, int),) * 2)
    window, output, vectors, frames, alone = map(np.array, zip(*rows, strict=True))
    return LocalSpeakers(window, output, _unit(vectors), frames, alone)


def erode(active: np.ndarray, frames: int) -> np.ndarray:
    """Bool (T,): the frames with `frames` active frames on both sides."""
    sums = np.concatenate([[0], np.cumsum(np.pad(active, frames).astype(int))])
    return sums[2 * frames + 1 :] - sums[: -(2 * frames + 1)] == 2 * frames + 1


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)


@dataclass(frozen=True)
class SpeakerTree:
    """The local speakers of a recording: the weight of each embedding, `trust` (N,) in 0 ... 1; the `members` (M,) that
    are clustered, with enough non-overlapped speech; and their linkage (M - 1, 4)."""

    speakers: LocalSpeakers
    trust: np.ndarray
    members: np.ndarray
    links: np.ndarray


def grow_tree(speakers: LocalSpeakers, min_alone_sec: float) -> SpeakerTree:
    """Average linkage of cosine distances between the local speakers with enough non-overlapped speech (else between
    all); those of one window are APART. Of more than MOST_MEMBERS, as recordings over three hours have, every second or
    third, since memory grows with the square; the others are assigned all the same (`tracker.identify`)."""
    trust = (speakers.alone / max(min_alone_sec * LABEL_HZ, 1)).clip(max=1)
    members = np.flatnonzero(trust == 1) if (trust == 1).any() else np.arange(len(speakers))
    members = members[:: -(-len(members) // MOST_MEMBERS)] if len(members) else members
    if len(members) < 2:
        return SpeakerTree(speakers, trust, members, np.zeros((0, 4)))
    vectors, window = speakers.vectors[members], speakers.window[members]
    # Condensed distances: a square matrix would dominate the memory for recordings of hours.
    distances = pdist(vectors, "sqeuclidean") / 2  # of unit vectors, the cosine distance
    distances[_pairs_of_one_window(window)] = APART
    return SpeakerTree(speakers, trust, members, linkage(distances, "average"))


def _pairs_of_one_window(window: np.ndarray) -> np.ndarray:
    """Indices into condensed distances of the pairs with the same number in `window` (M,), which ascends."""
    count, pairs = len(window), []
    for step in range(1, int(np.bincount(window).max(initial=1))):
        first = np.flatnonzero(window[step:] == window[:-step])
        pairs.append(first * (2 * count - first - 1) // 2 + step - 1)
    return np.concatenate([np.zeros(0, int), *pairs])


def find_centroids(tree: SpeakerTree, clustering: Clustering, count: Count = ANY_NUMBER) -> np.ndarray:
    """Centroids (S, E), unit vectors, of the recording's speakers, those with most speech first; S = 0 without speech.

    The dendrogram is cut at `clustering.distance`. Above the highest number of speakers, those with most speech are
    kept; below the lowest number, the cut is lowered, as far as there are local speakers.
    """
    if not len(tree.members):
        return np.zeros((0, tree.speakers.vectors.shape[1]))
    said = tree.speakers.alone[tree.members].sum()
    enough = min(clustering.min_speaker_sec * LABEL_HZ, clustering.min_speaker_share * said)
    clusters = _unite(tree, _large_clusters(tree, clustering.distance, enough), clustering.same_voice)
    if len(clusters) < count.least:
        clusters = _split(tree, clustering, enough, count.least)
    return _centroids(tree, clusters[: count.most])


def _unite(tree: SpeakerTree, clusters: Sequence[np.ndarray], same_voice: float) -> list[np.ndarray]:
    """Merge each cluster into the nearest larger one that is nearer than `same_voice`; largest first."""
    vectors, united = tree.speakers.vectors[tree.members], []
    for own in clusters:
        distances = [(1 - vectors[own] @ vectors[other].T).mean() for other in united]
        if distances and min(distances) < same_voice:
            nearest = int(np.argmin(distances))
            united[nearest] = np.concatenate([united[nearest], own])
        else:
            united.append(own)
    return sorted(united, key=lambda own: -tree.speakers.alone[tree.members[own]].sum())


def _split(tree: SpeakerTree, clustering: Clustering, enough: float, least: int) -> list[np.ndarray]:
    """The lowest allowed number of clusters, by the highest cut that gives them. If no cut does, small clusters count
    too, and at last those that were merged as one speaker.
    """
    heights = sorted({clustering.distance, 0.0, *tree.links[:, 2]}, reverse=True)
    for min_frames, same_voice in ((enough, clustering.same_voice), (0.0, clustering.same_voice), (0.0, 0.0)):
        for height in [height for height in heights if height <= clustering.distance]:
            # A merge is undone by a cut a little below its height.
            large = _large_clusters(tree, np.nextafter(height, 0), min_frames)
            if len(clusters := _unite(tree, large, same_voice)) >= least:
                return clusters
    return clusters


def _large_clusters(tree: SpeakerTree, height: float, min_frames: float) -> list[np.ndarray]:
    """Members (indices into `tree.members`) of the clusters with enough non-overlapped speech, or of the largest; those
    with most of it first.
    """
    labels = fcluster(tree.links, height, "distance") if len(tree.links) else np.ones(1, int)
    sums = np.bincount(labels, tree.speakers.alone[tree.members])
    order = [label for label in np.argsort(-sums, kind="stable") if label > 0]
    large = [label for label in order if sums[label] >= min_frames] or order[:1]
    return [np.flatnonzero(labels == label) for label in large]


def _centroids(tree: SpeakerTree, clusters: Sequence[np.ndarray]) -> np.ndarray:
    vectors, weight = tree.speakers.vectors[tree.members], tree.speakers.alone[tree.members] + 1
    return _unit(np.stack([(weight[own, None] * vectors[own]).sum(0) for own in clusters]))
