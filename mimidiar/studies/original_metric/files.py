"""The files of the original study's metric: score.json, per_recording.csv, and text for a terminal.

`score.json`: `kind` "ancestor"; `ancestor_der`, `ancestor_false_alarm`, `ancestor_miss`, `ancestor_confusion` in % of
the frames with speech; `threshold`; `crop_der` in % of speaker time; `n_recordings`, `n_crops`; `intervals` over
recordings (of all that are in %; the threshold stays); `system`, `warnings`, `protocol`. `per_recording.csv`: the same
figures by recording.
"""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.annotation.text_file import sha256_source
from mimidiar.errors import MimidiarError
from mimidiar.score.ratio_files import ratio_document, write_with_recordings
from mimidiar.studies.original_metric.metric import MEDIAN_FRAMES, THRESHOLDS

FIGURES = ("ancestor_der", "ancestor_false_alarm", "ancestor_miss", "ancestor_confusion", "crop_der")


@dataclass(frozen=True)
class CropPlan:
    """Crops of `crop_sec` at random places, `per_recording` of each; a shorter recording is one crop."""

    crop_sec: float = 90.0
    per_recording: int = 5
    seed: int = 0

    def ranges(self, recording: str, num_frames: int, frame_hz: float) -> list[tuple[int, int]]:
        """[first, last) frames, independent of other recordings."""
        length = round(self.crop_sec * frame_hz)
        if length < 1:
            raise MimidiarError(f"crops of {self.crop_sec:g} s are shorter than a frame at {frame_hz:g} Hz")
        if num_frames <= length:
            return [(0, num_frames)]
        rng = np.random.default_rng([self.seed, zlib.crc32(recording.encode())])
        starts = rng.integers(0, num_frames - length, size=self.per_recording, endpoint=True)
        return [(int(start), int(start) + length) for start in starts]


@dataclass(frozen=True)
class OriginalScore:
    """By recording: `percent` (recordings, 4) of the original study's figures, `wrong_sec` and `speaker_sec` of the
    DER."""

    recordings: list[str]
    crops: list[int]
    threshold: float
    percent: np.ndarray
    wrong_sec: np.ndarray
    speaker_sec: np.ndarray
    frame_hz: float
    der_filtered: bool

    def ratios(self) -> tuple[np.ndarray, np.ndarray]:
        """Numerators and denominators (recordings, 5) of `FIGURES`."""
        ones = np.ones(self.percent.shape)
        return np.column_stack([self.percent, 100 * self.wrong_sec]), np.column_stack([ones, self.speaker_sec])


def original_document(
    score: OriginalScore, plan: CropPlan, references: Sequence[Path], system: str | None
) -> dict[str, Any]:
    """The content of score.json; `references`: the RTTM files."""
    counts = {"threshold": score.threshold, "n_crops": sum(score.crops)}
    return ratio_document("ancestor", FIGURES, score.ratios(), system, [], _protocol(score, plan, references)) | counts


def _protocol(score: OriginalScore, plan: CropPlan, references: Sequence[Path]) -> dict[str, Any]:
    return {
        "metric": "the ancestor's: channel k against speaker k of the session, mean over crops",
        "crop_der": f"speakers mapped, {'after' if score.der_filtered else 'before'} the median filter",
        "thresholds": f"lowest of {THRESHOLDS[0]:.2f} ... {THRESHOLDS[-1]:.2f} on this very set",
        "median_frames": MEDIAN_FRAMES,
        "crop_sec": plan.crop_sec,
        "crops_per_recording": plan.per_recording,
        "frame_hz": score.frame_hz,
        "reference_sha256": _hash(references),
    }


def _hash(references: Sequence[Path]) -> str:
    """The hash of one reference; of several, that of their hashes."""
    hashes = [sha256_source(path, ".rttm") for path in references]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def in_words(document: Mapping[str, Any]) -> str:
    """The figures as text for a terminal."""
    names = {"ancestor_der": '"DER"', "ancestor_false_alarm": "FA", "ancestor_miss": "Miss"}
    names |= {"ancestor_confusion": '"confusion"', "crop_der": "true DER in the same crops"}
    lines = []
    for figure, label in names.items():
        bounds = document["intervals"].get(figure)
        interval = f"   [{bounds['low']:.2f}, {bounds['high']:.2f}]" if bounds else ""
        lines.append(f"{label:27s} {document[figure]:7.2f} %{interval}")
    counts = f"{document['n_crops']} crops of {document['n_recordings']} recordings"
    fitted = f"threshold {document['threshold']:.2f}, fitted to this very set"
    return "\n".join(["original study's metric, no diarization error rate:", *lines, f"{counts}; {fitted}"])


def write_original(folder: Path, score: OriginalScore, document: Mapping[str, Any]) -> None:
    """Write FOLDER/per_recording.csv and, last, FOLDER/score.json."""
    top, bottom = score.ratios()
    figures = np.column_stack([top / bottom, score.wrong_sec, score.speaker_sec]).tolist()
    rows = [[*each, *values] for *each, values in zip(score.recordings, score.crops, figures, strict=True)]
    write_with_recordings(folder, ["recording", "crops", *FIGURES, "error_sec", "reference_sec"], rows, document)
