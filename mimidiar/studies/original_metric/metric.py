"""The metric of the original study, to reproduce its figures beside true ones. It is not a diarization error rate, and
should not be used for choices.

In a crop of a recording, p and y are the decisions of the four outputs and the labels of four speakers, binary and
(frames, 4); output k is compared with speaker k:

    S     frames in which any speaker speaks
    FA    frames with an active output, and no speaker
    Miss  frames with a speaker, and no active output
    Conf  the sum of |p - y| / 2 over all outputs of the frames that have both
    "DER" (FA + Miss + Conf) / S, and the mean of that over crops

p is the posterior through a median filter of 5 frames, then above a threshold; of the thresholds 0.30 ... 0.60 the one
with the lowest "DER" on the reported set. The columns of y are the speakers in order of their first activity in the
whole recording.

Its faults:

- no mapping of outputs to speakers. The order of outputs is arbitrary, and the first speaker of the recording
  cannot be found from a crop: an oracle diarizer with the speakers in order of arrival in the crop gets tens of
  percent of "confusion" (egs/paper/ancestor_metric), so that this figure ranks nothing;
- it is not DER: false alarm and miss count frames with speech, not the time of each speaker; a missed
  second speaker costs half a frame and is called confusion; the denominator is time with speech, not speaker time;
- crops have equal weight, whatever their speech: a mean of ratios, not a ratio of sums;
- the threshold is fitted to the reported set.

Unknown in the original, and defined here: the sweep has steps of 0.05; the ends of a crop are repeated for the filter
(the order of filter and threshold does not matter, as for all rank filters); a crop
without speech has no figure and is left out; speakers beyond the fourth have no column. The original drew one crop of
each recording at random; here a recording's figure is the mean over its crops, the expectation of that draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from mimidiar.annotation.activity import arrival_order

CHANNELS = 4
THRESHOLDS = (0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60)
MEDIAN_FRAMES = 5

Crop = tuple[np.ndarray, np.ndarray]  # posteriors in 0 ... 1 and labels, bool, both (frames, 4)


@dataclass(frozen=True)
class CropErrors:
    """Frames of one crop: with speech, false alarm, miss, and the halves and wholes of "confusion"."""

    speech: int
    false_alarm: int
    miss: int
    confusion: float

    def percent(self) -> tuple[float, float, float, float]:
        """("DER", FA, Miss, Conf) in % of the frames with speech, at least one."""
        wrong = self.false_alarm, self.miss, self.confusion
        return tuple(100 * part / self.speech for part in (sum(wrong), *wrong))


def crop_errors(decisions: np.ndarray, labels: np.ndarray) -> CropErrors:
    """Compare output k with speaker k in one crop; both bool (frames, 4)."""
    on, speech = decisions.any(axis=1), labels.any(axis=1)
    wrong = (decisions != labels).sum(axis=1)
    return CropErrors(
        speech=int(speech.sum()),
        false_alarm=int((on & ~speech).sum()),
        miss=int((speech & ~on).sum()),
        confusion=float(wrong[on & speech].sum() / 2),
    )


def conversation_labels(active: np.ndarray) -> np.ndarray:
    """Bool (frames, 4) of a recording: the first four speakers of `active` (frames, speakers) in order of arrival."""
    ordered = active[:, arrival_order(active)[:CHANNELS]]
    return np.pad(ordered, ((0, 0), (0, CHANNELS - ordered.shape[1]))).astype(bool)


def perfect_posteriors(labels: np.ndarray) -> np.ndarray:
    """(frames, 4) of an oracle diarizer, its outputs in order of arrival in the crop."""
    return labels[:, arrival_order(labels)].astype(np.float32)


def smooth(posteriors: np.ndarray) -> np.ndarray:
    """The median filter along the frames of (frames, 4)."""
    return median_filter(posteriors, size=(MEDIAN_FRAMES, 1), mode="nearest")


def mean_percent(crops: Sequence[Crop], threshold: float) -> np.ndarray:
    """(4,): mean of `CropErrors.percent` over the crops of one recording; the posteriors are smooth already."""
    return np.mean([crop_errors(p > threshold, y).percent() for p, y in crops], axis=0)


def sweep(recordings: Sequence[Sequence[Crop]]) -> tuple[float, np.ndarray]:
    """(threshold, (recordings, 4) in %): the threshold with the lowest mean "DER" of these recordings.

    Given the crops of each recording, all with speech in their labels. The lower threshold wins a tie.
    """
    smoothed = [[(smooth(p), y) for p, y in crops] for crops in recordings]
    tables = {threshold: np.array([mean_percent(crops, threshold) for crops in smoothed]) for threshold in THRESHOLDS}
    best = min(tables, key=lambda threshold: tables[threshold][:, 0].mean())
    return best, tables[best]
