"""The ancestor's metric of a data set: stored posteriors, or a perfect diarizer, in random crops.

The true DER is printed beside it, of the same decisions and the same labels in the same crops (`crop_der`: speakers
mapped by `mimidiar.score`, total error time over total speaker time).

Posteriors of whole recordings are cut as they are. Where `mimidiar infer` joined windows, its channels keep their order
from the first window on, while the ancestor's model saw each crop alone; for recordings no longer than a crop, it is
the same.

`score.json`: `kind` "ancestor"; `ancestor_der`, `ancestor_false_alarm`, `ancestor_miss`, `ancestor_confusion` in % of
the frames with speech; `threshold`; `crop_der` in % of speaker time; `n_recordings`, `n_crops`; `intervals` over
recordings (of all that are in %; the threshold stays); `system`, `warnings`, `protocol`. `per_recording.csv`: the same
figures by recording.
"""

import csv
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.annotation.lines import sha256_source
from mimidiar.annotation.regions import Region, total_sec
from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.annotation.uem import read_uem
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json, write_text
from mimidiar.infer.posteriors import read_posteriors
from mimidiar.labels import Interval, activity_matrix, frame_count, intervals
from mimidiar.score.ancestor import (
    CHANNELS,
    MEDIAN_FRAMES,
    THRESHOLDS,
    Crop,
    perfect_posteriors,
    session_labels,
    smooth,
    sweep,
)
from mimidiar.score.bootstrap import ratio_intervals
from mimidiar.score.diarization import CONVENTIONS, score_diarization

FRAME_HZ = 12.5  # of the perfect diarizer, as of the ancestor
UEM_SLACK_SEC = 1.0  # an encoder's last frame may be of silence that it added
FIGURES = ("ancestor_der", "ancestor_false_alarm", "ancestor_miss", "ancestor_confusion", "crop_der")
Source = Iterator[tuple[str, list[Crop]]]


@dataclass(frozen=True)
class CropPlan:
    """Crops of `crop_sec` at random places, `per_recording` of each; a shorter recording is one crop."""

    crop_sec: float = 90.0
    per_recording: int = 5
    seed: int = 0

    def spans(self, recording: str, num_frames: int, frame_hz: float) -> list[tuple[int, int]]:
        """[first, last) frames; what they are depends on no other recording."""
        length = round(self.crop_sec * frame_hz)
        if length < 1:
            raise MimidiarError(f"crops of {self.crop_sec:g} s are shorter than a frame at {frame_hz:g} Hz")
        if num_frames <= length:
            return [(0, num_frames)]
        rng = np.random.default_rng([self.seed, zlib.crc32(recording.encode())])
        starts = rng.integers(0, num_frames - length, size=self.per_recording, endpoint=True)
        return [(int(start), int(start) + length) for start in starts]


@dataclass(frozen=True)
class AncestorScore:
    """By recording: `percent` (recordings, 4) of the ancestor's figures, `wrong_sec` and `speaker_sec` of the DER."""

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


def crops_of_posteriors(posteriors_dir: Path, data_dir: Path, plan: CropPlan) -> tuple[Source, float]:
    """The crops of each recording that has posteriors, and the frame rate.

    Raises MimidiarError when a recording of the reference has none, when they are not of four channels, or
    when the UEM leaves out part of a recording.
    """
    store, frame_hz = read_posteriors(posteriors_dir)
    turns, recordings = read_rttm(data_dir / "ref.rttm"), store.keys()
    if missing := sorted(set(turns) - set(recordings)):
        raise MimidiarError(
            f"{posteriors_dir}: no posteriors of '{missing[0]}' of {data_dir}; run inference on this set"
        )
    for recording in recordings:
        if (columns := store.num_columns(recording)) != CHANNELS:
            raise MimidiarError(
                f"{posteriors_dir}: {recording} has {columns} channels; the ancestor's metric is defined for {CHANNELS}"
            )
    uem = read_uem(data_dir / "all.uem") if (data_dir / "all.uem").is_file() else {}

    def crops() -> Source:
        for recording in recordings:
            matrix = store.read(recording)
            _require_whole(data_dir, recording, uem, len(matrix) / frame_hz)
            labels = _labels(turns.get(recording, []), len(matrix), frame_hz)
            spans = plan.spans(recording, len(matrix), frame_hz)
            yield recording, [(matrix[first:last], labels[first:last]) for first, last in spans]

    return crops(), frame_hz


def _require_whole(data_dir: Path, recording: str, uem: Mapping[str, list[Region]], seconds: float) -> None:
    """Crops lie anywhere in a recording: none of it may be out of what is scored."""
    scored_sec = total_sec(uem.get(recording, [])) if uem else seconds
    if scored_sec < seconds - UEM_SLACK_SEC:
        raise MimidiarError(
            f"{data_dir / 'all.uem'}: scores {scored_sec:g} s of {recording}, which has {seconds:g} s; the ancestor's "
            "metric takes crops of whole recordings"
        )


def crops_of_perfect(data_dir: Path, plan: CropPlan) -> tuple[Source, float]:
    """The same for a diarizer that knows who speaks when, and numbers the speakers of each crop as they come."""
    turns, uem = read_rttm(data_dir / "ref.rttm"), read_uem(data_dir / "all.uem")

    def crops() -> Source:
        for recording, regions in uem.items():
            num_frames = frame_count(regions[-1][1], FRAME_HZ)
            labels = _labels(turns.get(recording, []), num_frames, FRAME_HZ)
            spans = plan.spans(recording, num_frames, FRAME_HZ)
            yield recording, [(perfect_posteriors(labels[a:b]), labels[a:b]) for a, b in spans]

    return crops(), FRAME_HZ


def _labels(turns: Sequence[Turn], num_frames: int, frame_hz: float) -> np.ndarray:
    spans = [Interval(turn.start, turn.end, turn.speaker) for turn in turns]
    return session_labels(activity_matrix(spans, sorted({s.speaker for s in spans}), num_frames, frame_hz))


def score_crops(crops: Source, frame_hz: float, der_filtered: bool = True) -> AncestorScore:
    """Both scores of the same crops; the DER of decisions after the ancestor's median filter, or before it.

    Raises MimidiarError when nobody speaks in any crop.
    """
    spoken = [(name, kept) for name, own in crops if (kept := [crop for crop in own if crop[1].any()])]
    if not spoken:
        raise MimidiarError("nobody speaks in any crop of the reference, so there is nothing to score")
    names, recordings = [name for name, _ in spoken], [own for _, own in spoken]
    threshold, percent = sweep(recordings)
    decided = [[((smooth(p) if der_filtered else p) > threshold, y) for p, y in own] for own in recordings]
    seconds = _der_seconds(decided, frame_hz)
    counts = [len(own) for own in recordings]
    return AncestorScore(names, counts, threshold, percent, *seconds.T, frame_hz, der_filtered)


def _der_seconds(recordings: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]], frame_hz: float) -> np.ndarray:
    """(recordings, 2): error and reference speaker time in all crops of a recording, each crop scored by itself.

    Given (decisions, labels) of each crop, both bool (frames, 4).
    """
    truth, decided, uem = {}, {}, {}
    for number, crops in enumerate(recordings):
        for index, (decisions, labels) in enumerate(crops):
            name = f"{number}:{index}"
            truth[name] = _turns(name, labels, frame_hz)
            decided[name] = _turns(name, decisions, frame_hz)
            uem[name] = [(0.0, len(labels) / frame_hz)]
    seconds = np.zeros((len(recordings), 2))
    for score in score_diarization(truth, decided, uem).recordings:
        seconds[int(score.recording.partition(":")[0])] += score.error_sec, score.reference_sec
    return seconds


def _turns(name: str, active: np.ndarray, frame_hz: float) -> list[Turn]:
    channels = [f"channel{k}" for k in range(active.shape[1])]
    return [Turn(name, turn.start, turn.end, turn.speaker) for turn in intervals(active, frame_hz, channels)]


def ancestor_document(
    score: AncestorScore, plan: CropPlan, references: Sequence[Path], system: str | None
) -> dict[str, Any]:
    """What `score.json` says; `references`: the RTTM files that were the truth."""
    found = dict(zip(FIGURES, ratio_intervals(*score.ratios()), strict=True))
    several = len(score.recordings) > 1
    bounds = {name: {"low": i.low, "high": i.high, "level": i.level} for name, i in found.items() if several}
    return {
        "kind": "ancestor",
        **{name: round(interval.value, 6) for name, interval in found.items()},
        "threshold": score.threshold,
        "n_recordings": len(score.recordings),
        "n_crops": sum(score.crops),
        "intervals": {name: {key: round(value, 6) for key, value in own.items()} for name, own in bounds.items()},
        "system": system,
        "warnings": [],
        "protocol": _protocol(score, plan, references),
    }


def _protocol(score: AncestorScore, plan: CropPlan, references: Sequence[Path]) -> dict[str, Any]:
    return {
        "metric": "the ancestor's: channel k against speaker k of the session, mean over crops",
        "crop_der": f"speakers mapped, {'after' if score.der_filtered else 'before'} the median filter",
        "thresholds": f"lowest of {THRESHOLDS[0]:.2f} ... {THRESHOLDS[-1]:.2f} on this very set",
        "median_frames": MEDIAN_FRAMES,
        "crop_sec": plan.crop_sec,
        "crops_per_recording": plan.per_recording,
        "frame_hz": score.frame_hz,
        "resampled": "recordings",
        "conventions": CONVENTIONS,
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
    return "\n".join(["ancestor's metric, no diarization error rate:", *lines, f"{counts}; {fitted}"])


def write_ancestor(folder: Path, score: AncestorScore, document: Mapping[str, Any]) -> None:
    """Write FOLDER/per_recording.csv and, last, FOLDER/score.json."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["recording", "crops", *FIGURES, "error_sec", "reference_sec"])
    top, bottom = score.ratios()
    for name, crops, figures, seconds in zip(
        score.recordings, score.crops, top / bottom, zip(score.wrong_sec, score.speaker_sec, strict=True), strict=True
    ):
        writer.writerow([name, crops, *(round(float(value), 6) for value in (*figures, *seconds))])
    write_text(folder / "per_recording.csv", stream.getvalue())
    write_json(folder / "score.json", document)
