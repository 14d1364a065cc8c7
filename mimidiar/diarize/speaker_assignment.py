"""Whose are the channels of a window? The windows of a recording, put together by the voices of its speakers.

Recordings may have more speakers than the model has channels; in a window a speaker has one channel.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from mimidiar.diarize.clustering import (
    ACTIVE,
    ANY_NUMBER,
    Count,
    Linking,
    LocalSpeakers,
    VoiceTree,
    find_voices,
    grow_tree,
    local_speakers,
)
from mimidiar.diarize.windows import Window, by_speaker, join, overlay


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
    given = by_speaker(windows, owners, count)
    sums, weight = overlay(windows, given)
    found = np.zeros((len(speakers), count))
    for row, (number, channel) in enumerate(zip(speakers.window, speakers.channel, strict=True)):
        window = windows[number]
        span = slice(window.start, window.stop)
        chosen = (window.posteriors[:, channel] > ACTIVE) & (weight[span] > 1)
        if chosen.any():
            others = (sums[span] - given[number])[chosen] / (weight[span][chosen, None] - 1)
            found[row] = others.mean(0)
    return found


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
