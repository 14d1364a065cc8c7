"""Whose are the channels of a window? Local speakers of all windows, clustered by voice (EEND-VC).

As in Kinoshita, Delcroix and Tawara (2021, "Integrating end-to-end neural and clustering-based diarization", ICASSP):
the model says who speaks when in windows, each of which has its own channels; of each active channel a vector is made
of the frames in which nobody else speaks; clusters of these vectors are the recording's speakers. Two channels of one
window are two speakers, however alike they sound: such pairs never join. Recordings may have more speakers than the
model has channels.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import squareform

from mimidiar.errors import MimidiarError
from mimidiar.infer.windows import Window, join
from mimidiar.models.rate import LABEL_HZ

ACTIVE = 0.5  # a posterior above it counts as speech here, whatever is tuned for the turns
EDGE_FRAMES = 4  # at both ends of a stretch the windows that voices are heard in hold somebody else as well
APART = 1e9  # distance of two that may not join: a mean with any such pair in it is above all others


@dataclass(frozen=True)
class LocalSpeakers:
    """The N active channels of a recording's windows: `window` (N,), `channel` (N,), the unit vectors of their voices
    (N, E), how many frames they speak in and how many `alone` (N,), without anybody else."""

    window: np.ndarray
    channel: np.ndarray
    vectors: np.ndarray
    frames: np.ndarray
    alone: np.ndarray

    def __len__(self) -> int:
        return len(self.window)


@dataclass(frozen=True)
class Linking:
    """When two clusters are two speakers. Kept in tuned.yaml with the name of the set that it was tuned on."""

    distance: float = 0.65  # mean cosine distance at which clusters join no more
    # Nearer than this two clusters are one voice, which the model gave two channels in some windows: these alone kept
    # them apart.
    same_voice: float = 0.5
    min_alone_sec: float = 1.0  # a local speaker who says less alone makes no cluster, but goes to the likest one
    # A cluster is no speaker whose members say less alone, all together, than this, or, in short recordings, than this
    # share of what all clusters do.
    min_speaker_sec: float = 4.0
    min_speaker_share: float = 0.03

    def check(self) -> None:
        """Raise ValueError unless all are numbers that can be meant."""
        for name, most in (("distance", 2), ("same_voice", 2), ("min_speaker_share", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie in 0 ... {most}")
        if min(self.min_alone_sec, self.min_speaker_sec) < 0:
            raise ValueError("durations must not be negative")

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Count:
    """How many speakers a recording may have, at least and at most (None: any number)."""

    least: int = 1
    most: int | None = None

    def __post_init__(self) -> None:
        if self.least < 1 or (self.most is not None and self.most < self.least):
            raise ValueError(f"{self.least} speakers at least and {self.most} at most")


ANY_NUMBER = Count()


def make_count(number: int | None, least: int | None, most: int | None) -> Count:
    """From what a user knows of the speakers. MimidiarError for numbers that cannot be together."""
    if number is not None and (least or most):
        raise MimidiarError(f"{number} speakers, and a number at least or at most: give the one or the other")
    if number is None and most is not None and (least or 1) > most:
        raise MimidiarError(f"at least {least or 1} speakers and at most {most}: turn the two round")
    return Count(number or least or 1, number or most)


def local_speakers(windows: Sequence[Window], embeddings: np.ndarray) -> LocalSpeakers:
    """Of each window's channels those that speak, with the mean of the embeddings (T, E) over their frames.

    Only frames with an embedding count (it is 0 where nothing is heard): of these the ones in which no other channel
    speaks, a little after its beginning and before its end; where there are none, those near the ends too; else, those
    in which others speak as well.
    """
    rows = []
    for number, window in enumerate(windows):
        active = window.posteriors > ACTIVE
        voices = embeddings[window.start : window.stop]
        heard = np.linalg.norm(voices, axis=1) > 0
        for channel in np.flatnonzero(active.any(0)):
            alone = active[:, channel] & (active.sum(1) == 1) & heard
            inner = erode(alone, EDGE_FRAMES)
            chosen = next((mask for mask in (inner, alone, active[:, channel] & heard) if mask.any()), None)
            if chosen is not None:
                vector = voices[chosen].astype(np.float64).mean(0)
                rows.append((number, channel, vector, active[:, channel].sum(), alone.sum()))
    if not rows:
        return LocalSpeakers(*(np.zeros(0, int),) * 2, np.zeros((0, embeddings.shape[1])), *(np.zeros(0, int),) * 2)
    window, channel, vectors, frames, alone = map(np.array, zip(*rows, strict=True))
    return LocalSpeakers(window, channel, _unit(vectors), frames, alone)


def erode(active: np.ndarray, frames: int) -> np.ndarray:
    """Bool (T,): the frames that have `frames` active ones on both sides."""
    sums = np.concatenate([[0], np.cumsum(np.pad(active, frames).astype(int))])
    return sums[2 * frames + 1 :] - sums[: -(2 * frames + 1)] == 2 * frames + 1


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)


@dataclass(frozen=True)
class VoiceTree:
    """The local speakers of a recording; how well the voice of each is heard, `trust` (N,) in 0 ... 1; those `members`
    (M,) who are heard well enough to make clusters, and the linkage (M - 1, 4) of these."""

    speakers: LocalSpeakers
    trust: np.ndarray
    members: np.ndarray
    links: np.ndarray


def grow_tree(speakers: LocalSpeakers, min_alone_sec: float) -> VoiceTree:
    """Average linkage of cosine distances between the local speakers who say at least so much alone (else between all);
    those of one window are APART."""
    trust = (speakers.alone / max(min_alone_sec * LABEL_HZ, 1)).clip(max=1)
    members = np.flatnonzero(trust == 1) if (trust == 1).any() else np.arange(len(speakers))
    if len(members) < 2:
        return VoiceTree(speakers, trust, members, np.zeros((0, 4)))
    vectors, window = speakers.vectors[members], speakers.window[members]
    distances = (1 - vectors @ vectors.T).clip(min=0)
    distances[window[:, None] == window[None, :]] = APART
    np.fill_diagonal(distances, 0)
    return VoiceTree(speakers, trust, members, linkage(squareform(distances, checks=False), "average"))


def find_voices(tree: VoiceTree, linking: Linking, count: Count = ANY_NUMBER) -> np.ndarray:
    """Unit vectors (S, E) of the recording's speakers, those who say most first; S = 0 where nobody speaks.

    The tree is cut at `linking.distance`. Of more speakers than may be, those who say most are taken; fewer are made
    more by a lower cut.
    """
    if not len(tree.members):
        return np.zeros((0, tree.speakers.vectors.shape[1]))
    said = tree.speakers.alone[tree.members].sum()
    enough = min(linking.min_speaker_sec * LABEL_HZ, linking.min_speaker_share * said)
    clusters = _unite(tree, _large_clusters(tree, linking.distance, enough), linking.same_voice)
    if len(clusters) < count.least:
        clusters = _split(tree, linking.distance, enough, count.least)
    return _centroids(tree, clusters[: count.most])


def _unite(tree: VoiceTree, clusters: Sequence[np.ndarray], same_voice: float) -> list[np.ndarray]:
    """Clusters in falling order of size, each put to the nearest larger one that is nearer than `same_voice`."""
    vectors, united = tree.speakers.vectors[tree.members], []
    for own in clusters:
        distances = [(1 - vectors[own] @ vectors[other].T).mean() for other in united]
        if distances and min(distances) < same_voice:
            nearest = int(np.argmin(distances))
            united[nearest] = np.concatenate([united[nearest], own])
        else:
            united.append(own)
    return united


def _split(tree: VoiceTree, distance: float, enough: float, least: int) -> list[np.ndarray]:
    """At least so many clusters, if there are members for them, by the highest cut that gives them; small ones count
    where large ones do not suffice.
    """
    heights = [distance, *sorted((height for height in tree.links[:, 2] if height < distance), reverse=True), 0.0]
    for min_frames in (enough, 0.0):
        for height in heights:
            # A cut at the height of a merge is above it: one a little lower undoes it.
            clusters = _large_clusters(tree, np.nextafter(height, 0), min_frames)
            if len(clusters) >= least:
                return clusters
    return clusters


def _large_clusters(tree: VoiceTree, height: float, min_frames: float) -> list[np.ndarray]:
    """Members (places in `tree.members`) of the clusters that say at least so much alone, or of the one that says most;
    in falling order of that.
    """
    labels = fcluster(tree.links, height, "distance") if len(tree.links) else np.ones(1, int)
    sums = np.bincount(labels, tree.speakers.alone[tree.members])
    order = [label for label in np.argsort(-sums, kind="stable") if label > 0]
    large = [label for label in order if sums[label] >= min_frames] or order[:1]
    return [np.flatnonzero(labels == label) for label in large]


def _centroids(tree: VoiceTree, clusters: Sequence[np.ndarray]) -> np.ndarray:
    vectors, weight = tree.speakers.vectors[tree.members], tree.speakers.alone[tree.members] + 1
    return _unit(np.stack([(weight[own, None] * vectors[own]).sum(0) for own in clusters]))


def identify(tree: VoiceTree, voices: np.ndarray, windows: Sequence[Window]) -> list[np.ndarray]:
    """For each window the speaker of each channel, (K,), of the `voices` (S, E) of a recording; -1: nobody's.

    First those whose voice is heard well, by their voice. Then all, by their voice, so far as it is heard well, and by
    who speaks at the same time in the windows that overlap: of one who only talks into the words of others, the
    embeddings are the others'.
    """
    speakers, likeness = tree.speakers, tree.speakers.vectors @ voices.T * tree.trust[:, None]
    owners = assign(speakers, likeness, windows, tree.members)
    return assign(speakers, likeness + agreement(speakers, owners, windows, len(voices)), windows)


def assign(
    speakers: LocalSpeakers, likeness: np.ndarray, windows: Sequence[Window], chosen: np.ndarray | None = None
) -> list[np.ndarray]:
    """For each window the speaker of each channel, (K,), -1 for a channel that is nobody's.

    `likeness` (N, S) of each local speaker to each speaker of the recording, at least -1; `chosen`: places in N, else
    all. In each window no speaker is given twice, and the sum of the likeness, by the frames that a channel speaks
    in, is the largest that can be. Where a window has more local speakers than the recording has speakers, some are
    left out.
    """
    owners = [np.full(window.posteriors.shape[1], -1) for window in windows]
    chosen = np.arange(len(speakers)) if chosen is None else chosen
    # Never negative, so that it is always better to give a channel to somebody.
    worth = (1 + likeness) * speakers.frames[:, None]
    for number in np.unique(speakers.window[chosen]):
        own = chosen[speakers.window[chosen] == number]
        rows, columns = linear_sum_assignment(-worth[own])
        owners[number][speakers.channel[own[rows]]] = columns
    return owners


def agreement(
    speakers: LocalSpeakers, owners: Sequence[np.ndarray], windows: Sequence[Window], count: int
) -> np.ndarray:
    """(N, count) in 0 ... 1: how surely each speaker talks, by other windows that have been given to speakers already,
    while a local speaker does; 0 where no other window is.
    """
    total = windows[-1].stop
    sums, weight = np.zeros((total, count)), np.zeros(total)
    shares = [_given(window, own, count) for window, own in zip(windows, owners, strict=True)]
    for window, share in zip(windows, shares, strict=True):
        sums[window.start : window.stop] += share
        weight[window.start : window.stop] += 1
    found = np.zeros((len(speakers), count))
    for row, (number, channel) in enumerate(zip(speakers.window, speakers.channel, strict=True)):
        window = windows[number]
        span = slice(window.start, window.stop)
        chosen = (window.posteriors[:, channel] > ACTIVE) & (weight[span] > 1)
        if chosen.any():
            others = (sums[span] - shares[number])[chosen] / (weight[span][chosen, None] - 1)
            found[row] = others.mean(0)
    return found


def _given(window: Window, owners: np.ndarray, count: int) -> np.ndarray:
    """(T, count): the posteriors of a window by speaker."""
    given, owned = np.zeros((len(window.posteriors), count)), np.flatnonzero(owners >= 0)
    given[:, owners[owned]] = window.posteriors[:, owned]
    return given


def link(
    windows: Sequence[Window],
    embeddings: np.ndarray,
    linking: Linking,
    count: Count = ANY_NUMBER,
) -> np.ndarray:
    """Posteriors (T, S) of a recording's speakers from its windows and the embeddings (T, E) of its frames."""
    tree = grow_tree(local_speakers(windows, embeddings), linking.min_alone_sec)
    return join_voices(tree, find_voices(tree, linking, count), windows)


def join_voices(tree: VoiceTree, voices: np.ndarray, windows: Sequence[Window]) -> np.ndarray:
    """Posteriors (T, S) of the speakers with these `voices` (S, E); one column of zeros where there is none."""
    if not len(voices):
        return np.zeros((windows[-1].stop, 1), np.float32)
    return join(windows, identify(tree, voices, windows), len(voices))


def link_by_reference(windows: Sequence[Window], truth: np.ndarray) -> np.ndarray:
    """Posteriors (T, S) with each local speaker given to the one of `truth` (T, S) whose frames they share: what a
    linking without errors would make of these windows.
    """
    everywhere = np.ones((windows[-1].stop, 1))  # a voice for every frame, all of them alike
    speakers = local_speakers(windows, everywhere)
    truth = np.pad(truth, ((0, max(0, windows[-1].stop - len(truth))), (0, 0)))
    shared = np.zeros((len(speakers), truth.shape[1]))
    for row, (number, channel) in enumerate(zip(speakers.window, speakers.channel, strict=True)):
        window = windows[number]
        active = window.posteriors[:, channel] > ACTIVE
        shared[row] = truth[window.start : window.stop][active].mean(0)
    return join(windows, assign(speakers, shared, windows), truth.shape[1])
