"""Assignment of the outputs of all windows to the speakers of the recording, in three ways, and their posteriors.

Recordings may have more speakers than the model has outputs. In one window a speaker has one output.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from mimidiar.diarize.clustering import (
    ACTIVE,
    ANY_NUMBER,
    Clustering,
    Count,
    LocalSpeakers,
    SpeakerTree,
    find_centroids,
    grow_tree,
    local_speakers,
)
from mimidiar.diarize.pipeline import Frames
from mimidiar.diarize.segmenter import Window, windows_of
from mimidiar.diarize.state import State

Track = Callable[[Sequence[Window], np.ndarray | None, np.ndarray | None], np.ndarray]


class _WholeRecording:
    """A tracker that needs all windows of a recording. `track` returns posteriors (T, S) from the windows, the
    embeddings (T, E) of the frames, and where these count (T,). It has no state."""

    lookahead_frames = None
    consumes = ("lanes", "embeddings", "embedded")

    def __init__(self, track: Track):
        self._track = track

    def init_state(self, batch: int) -> State:
        """None."""
        return {}

    def step(self, frames: Frames, state: State, mask: np.ndarray | None = None) -> tuple[Frames, State]:
        """Posteriors (B, T, S) of the speakers of each recording; see `Step`."""
        none = [None] * len(frames.valid)
        rows = (none if each is None else each for each in (frames.embeddings, frames.embedded))
        found = [self._track(windows_of(lanes), *row) for lanes, *row in zip(frames.lanes, *rows, strict=True)]
        most = max(each.shape[1] for each in found)
        padded = [np.pad(each, ((0, 0), (0, most - each.shape[1]))) for each in found]
        return Frames(frames.valid, posteriors=np.stack(padded)), state


class ClusterAtEnd(_WholeRecording):
    """The local speakers of all windows, clustered by their embeddings (`cluster_windows`)."""

    def __init__(self, clustering: Clustering, count: Count = ANY_NUMBER):
        super().__init__(lambda windows, *embeddings: cluster_windows(windows, *embeddings, clustering, count))


class Overlap(_WholeRecording):
    """By the agreement of windows in their overlap (`stitch`)."""

    def __init__(self) -> None:
        super().__init__(lambda windows, *embeddings: stitch(windows))


class Oracle(_WholeRecording):
    """By the reference (T, S) of the recording: the upper bound of tracking (`assign_by_reference`)."""

    def __init__(self, truth: np.ndarray):
        super().__init__(lambda windows, *embeddings: assign_by_reference(windows, truth))


def stitch(windows: Sequence[Window]) -> np.ndarray:
    """Posteriors (T, K) of a recording. The outputs of each window are ordered for the best agreement with the earlier
    posteriors of the same frames.

    Speakers who are silent in an overlap cannot be matched by it.
    """
    total, outputs = windows[-1].stop, windows[0].posteriors.shape[1]
    posteriors, weight = np.zeros((total, outputs)), np.zeros((total, 1))
    for window in windows:
        span, local = slice(window.start, window.stop), window.posteriors.astype(np.float64)
        seen = weight[span, 0] > 0
        if seen.any():
            past = posteriors[span][seen] / weight[span][seen]
            local = local[:, matching_order(past, local[seen])]
        posteriors[span] += local
        weight[span] += 1
    return (posteriors / weight).astype(np.float32)


def matching_order(past: np.ndarray, local: np.ndarray) -> np.ndarray:
    """(K,): for each output of `past` (T, K) the column of `local` (T, K): the least sum of absolute differences."""
    cost = np.abs(past[:, :, None] - local[:, None, :]).sum(0)
    return linear_sum_assignment(cost)[1]


def join(windows: Sequence[Window], speakers: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Posteriors (T, count) of a recording: the mean of its windows, where they overlap.

    `speakers`: for each window the speaker of each output, (K,) from 0, or -1 for none. No speaker has two outputs of
    one window. Speakers without an output in a window are silent there.
    """
    sums, weight = overlay(windows, speakers, count)
    return (sums / weight[:, None]).astype(np.float32)


def by_speaker(window: Window, owners: np.ndarray, count: int) -> np.ndarray:
    """The posteriors (T, count) of a window by speaker; `owners` (K,) and `count` as in `join`."""
    owned = np.flatnonzero(owners >= 0)
    given = np.zeros((len(window.posteriors), count))
    given[:, owners[owned]] = window.posteriors[:, owned]
    return given


def overlay(windows: Sequence[Window], speakers: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """The sum (T, count) over a recording of the posteriors of each speaker in all windows, and in how many windows
    each frame is, (T,); `speakers` and `count` as in `join`.
    """
    total = windows[-1].stop
    sums, weight = np.zeros((total, count)), np.zeros(total)
    for window, owners in zip(windows, speakers, strict=True):
        sums[window.start : window.stop] += by_speaker(window, owners, count)
        weight[window.start : window.stop] += 1
    return sums, weight


def identify(tree: SpeakerTree, centroids: np.ndarray, windows: Sequence[Window]) -> list[np.ndarray]:
    """For each window the speaker of each output, (K,), by the `centroids` (S, E) of a recording; -1: none.

    First the outputs with enough non-overlapped speech are assigned by their embedding. Then all are assigned, by their
    embedding, weighted by its reliability, and by agreement with overlapping windows. The embedding of a speaker who
    speaks only during overlap is that of the others.
    """
    speakers, similarity = tree.speakers, tree.speakers.vectors @ centroids.T * tree.trust[:, None]
    owners = assign(speakers, similarity, windows, tree.members)
    return assign(speakers, similarity + agreement(speakers, owners, windows, len(centroids)), windows)


def assign(
    speakers: LocalSpeakers, similarity: np.ndarray, windows: Sequence[Window], chosen: np.ndarray | None = None
) -> list[np.ndarray]:
    """For each window the speaker of each output, (K,), -1 for an output without a speaker.

    `similarity` (N, S) of each local speaker to each speaker of the recording, at least -1; `chosen`: indices into N,
    else all. In each window no speaker is assigned twice, and the sum of similarities, weighted by active frames, is
    maximal. If a window has more local speakers than the recording has speakers, some are
    left out.
    """
    owners = [np.full(window.posteriors.shape[1], -1) for window in windows]
    chosen = np.arange(len(speakers)) if chosen is None else chosen
    # Never negative, so that assigning an output is always better than not.
    worth = (1 + similarity) * speakers.frames[:, None]
    for number in np.unique(speakers.window[chosen]):
        own = chosen[speakers.window[chosen] == number]
        rows, columns = linear_sum_assignment(-worth[own])
        owners[number][speakers.output[own[rows]]] = columns
    return owners


def agreement(
    speakers: LocalSpeakers, owners: Sequence[np.ndarray], windows: Sequence[Window], count: int
) -> np.ndarray:
    """(N, count) in 0 ... 1: the posterior of each speaker, by other windows that are already assigned, while a local
    speaker is active; 0 without another window.
    """
    sums, weight = overlay(windows, owners, count)
    found = np.zeros((len(speakers), count))
    for row, (number, output) in enumerate(zip(speakers.window, speakers.output, strict=True)):
        window = windows[number]
        span = slice(window.start, window.stop)
        chosen = (window.posteriors[:, output] > ACTIVE) & (weight[span] > 1)
        if chosen.any():
            own = by_speaker(window, owners[number], count)
            others = (sums[span] - own)[chosen] / (weight[span][chosen, None] - 1)
            found[row] = others.mean(0)
    return found


def cluster_windows(
    windows: Sequence[Window],
    embeddings: np.ndarray,
    embedded: np.ndarray | None,
    clustering: Clustering,
    count: Count = ANY_NUMBER,
) -> np.ndarray:
    """Posteriors (T, S) of a recording's speakers from its windows and the embeddings (T, E) of its frames, which count
    where they are `embedded` (T,)."""
    tree = grow_tree(local_speakers(windows, embeddings, embedded), clustering.min_alone_sec)
    return join_clusters(tree, find_centroids(tree, clustering, count), windows)


def join_clusters(tree: SpeakerTree, centroids: np.ndarray, windows: Sequence[Window]) -> np.ndarray:
    """Posteriors (T, S) of the speakers with these `centroids` (S, E); one column of zeros where there is none."""
    if not len(centroids):
        return np.zeros((windows[-1].stop, 1), np.float32)
    return join(windows, identify(tree, centroids, windows), len(centroids))


def assign_by_reference(windows: Sequence[Window], truth: np.ndarray) -> np.ndarray:
    """Posteriors (T, S) with each local speaker assigned to the speaker of `truth` (T, S) with most common frames: the
    result of a clustering without errors.
    """
    everywhere = np.ones((windows[-1].stop, 1))  # the same embedding for every frame
    speakers = local_speakers(windows, everywhere)
    truth = np.pad(truth, ((0, max(0, windows[-1].stop - len(truth))), (0, 0)))
    shared = np.zeros((len(speakers), truth.shape[1]))
    for row, (number, output) in enumerate(zip(speakers.window, speakers.output, strict=True)):
        window = windows[number]
        active = window.posteriors[:, output] > ACTIVE
        shared[row] = truth[window.start : window.stop][active].mean(0)
    return join(windows, assign(speakers, shared, windows), truth.shape[1])
