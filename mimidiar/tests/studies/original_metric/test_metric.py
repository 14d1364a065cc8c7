"""The original study's metric: computed by hand, against plain loops, and its faults."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mimidiar.studies.original_metric.metric import (
    CHANNELS,
    THRESHOLDS,
    CropErrors,
    conversation_labels,
    crop_errors,
    mean_percent,
    perfect_posteriors,
    smooth,
    sweep,
)

MATRICES = arrays(bool, st.tuples(st.integers(1, 12), st.just(CHANNELS)))
# Many equal values, and some that are a threshold: ties are where a filter by rank could go wrong.
POSTERIORS = arrays(
    float, st.tuples(st.integers(1, 20), st.just(CHANNELS)), elements=st.sampled_from([0.0, 0.29, *THRESHOLDS, 0.9])
)


def matrix(*frames: str) -> np.ndarray:
    return np.array([[letter == "1" for letter in frame] for frame in frames])


def test_a_crop_by_hand():
    labels = matrix("1000", "1000", "1100", "0100", "0000", "0000")
    decided = matrix("0100", "1000", "1000", "0000", "0010", "0000")
    # Frame 0: the wrong channel, 1; frame 2: a speaker is missing, 1/2; frame 3: a miss; frame 4: a false alarm.
    found = crop_errors(decided, labels)
    assert found == CropErrors(speech=4, false_alarm=1, miss=1, confusion=1.5)
    assert found.percent() == (87.5, 25.0, 25.0, 37.5)


def brute_force(decided: np.ndarray, labels: np.ndarray) -> CropErrors:
    speech = false_alarm = miss = 0
    confusion = 0.0
    for p, y in zip(decided.tolist(), labels.tolist(), strict=True):
        speech += any(y)
        false_alarm += any(p) and not any(y)
        miss += any(y) and not any(p)
        if any(p) and any(y):
            confusion += sum(abs(a - b) for a, b in zip(p, y, strict=True)) / 2
    return CropErrors(speech, false_alarm, miss, confusion)


@settings(deadline=None)
@given(st.data(), MATRICES)
def test_equals_plain_loops(data, labels):
    decided = data.draw(arrays(bool, labels.shape))
    assert crop_errors(decided, labels) == brute_force(decided, labels)
    assert crop_errors(labels, labels) == CropErrors(int(labels.any(axis=1).sum()), 0, 0, 0.0)


@settings(deadline=None)
@given(POSTERIORS, st.sampled_from(THRESHOLDS))
def test_the_filter_may_come_before_or_after_the_threshold(posteriors, threshold):
    assert np.array_equal(smooth(posteriors) > threshold, smooth((posteriors > threshold).astype(np.uint8)) > 0)


def test_the_filter_by_hand():
    channel = np.zeros((11, CHANNELS))
    channel[[0, 5, 6, 7], 0] = 1
    channel[[2, 3, 8], 1] = 1
    assert smooth(channel)[:, 0].tolist() == [1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0]  # two more of the first frame before it
    assert not smooth(channel)[:, 1].any()


def test_columns_are_the_first_four_speakers_of_the_session():
    active = np.zeros((8, 5), dtype=bool)
    for speaker, start in enumerate((6, 0, 3, 5, 4)):
        active[start : start + 2, speaker] = True
    labels = conversation_labels(active)
    assert labels.shape == (8, CHANNELS)
    assert labels.argmax(axis=0).tolist() == [0, 3, 4, 5]  # the fifth to come, at 6, has no column
    two = conversation_labels(active[:, :2])
    assert two[:, :2].argmax(axis=0).tolist() == [0, 6] and not two[:, 2:].any()


def test_a_perfect_diarizer_is_wrong_in_a_crop_where_others_come_first():
    """Speaker 0 came first in the session, speaker 1 comes first in the crop: all is confusion, and none is error."""
    labels = matrix(*["0100"] * 10, *["1000"] * 10)
    posteriors = perfect_posteriors(labels)
    assert crop_errors(posteriors > 0.5, labels).percent() == (100.0, 0.0, 0.0, 100.0)
    assert np.array_equal(posteriors[:, [1, 0, 2, 3]] > 0.5, labels)
    assert crop_errors(perfect_posteriors(labels[:10, [1, 0, 2, 3]]) > 0.5, labels[:10, [1, 0, 2, 3]]).confusion == 0


def test_the_threshold_is_the_best_for_the_reported_set():
    """Silence at 0.42, speech at 0.48: only 0.45 tells them apart."""
    labels = matrix(*["1000"] * 20, *["0000"] * 20)
    posteriors = np.where(labels, 0.48, 0.42) * np.array([1, 0, 0, 0])
    other = posteriors[:, [1, 0, 2, 3]]
    threshold, percent = sweep([[(posteriors, labels)], [(other, labels), (posteriors, labels)]])
    assert threshold == 0.45 and threshold in THRESHOLDS
    assert percent.tolist() == [[0, 0, 0, 0], [50, 0, 0, 50]]
    assert mean_percent([(smooth(posteriors), labels)], 0.40).tolist() == [100, 100, 0, 0]
    assert sweep([[(labels.astype(float), labels)]])[0] == THRESHOLDS[0]  # the lower one wins a tie
