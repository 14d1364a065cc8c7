"""The original study's metric of data sets: stored posteriors, or an oracle diarizer, in random crops.

The true DER is printed beside it, of the same decisions and the same labels in the same crops (`crop_der`: speakers
mapped by `mimidiar.score`, total error time over total speaker time).

Posteriors of whole recordings are cropped. Where `mimidiar eval infer` joined windows, its outputs keep their order
from the first window on, while the original study's model got each crop alone. For recordings no longer than a crop,
both are the same. The demonstration scores an oracle diarizer, for each set of conversations and for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.annotation.activity import active_turns, activity_matrix, frame_count
from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Region, Turn, total_sec
from mimidiar.annotation.uem import read_uem
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.stored import read_posteriors
from mimidiar.files import write_json, write_text
from mimidiar.score.diarization import score_diarization
from mimidiar.studies.original_metric.files import CropPlan, OriginalScore, original_document, write_original
from mimidiar.studies.original_metric.metric import (
    CHANNELS,
    Crop,
    conversation_labels,
    perfect_posteriors,
    smooth,
    sweep,
)

FRAME_HZ = 12.5  # of the oracle diarizer, as in the original study
UEM_SLACK_SEC = 1.0  # an encoder's last frame may be padding
Source = Iterator[tuple[str, list[Crop]]]
SYSTEM = "perfect diarizer, channels in order of arrival in the crop"
MIXED = "mixed"


def crops_of_posteriors(posteriors_dir: Path, data_dir: Path, plan: CropPlan) -> tuple[Source, float]:
    """The crops of each recording that has posteriors, and the frame rate.

    With fewer than four outputs, silent ones are added. Raises MimidiarError when a recording of the reference has no
    posteriors, for more than four outputs, or when the UEM leaves out part of a recording.
    """
    store, meta = read_posteriors(posteriors_dir)
    frame_hz = meta["frame_hz"]
    turns, recordings = read_rttm(data_dir / "ref.rttm"), store.keys()
    if missing := sorted(set(turns) - set(recordings)):
        raise MimidiarError(
            f"{posteriors_dir}: no posteriors of '{missing[0]}' of {data_dir}; run inference on this set"
        )
    for recording in recordings:
        if (columns := store.num_columns(recording)) > CHANNELS:
            raise MimidiarError(
                f"{posteriors_dir}: {recording} has {columns} outputs; the original study's metric needs {CHANNELS}"
            )
    uem = read_uem(data_dir / "all.uem") if (data_dir / "all.uem").is_file() else {}

    def crops() -> Source:
        for recording in recordings:
            matrix = store.read(recording)
            matrix = np.pad(matrix, ((0, 0), (0, CHANNELS - matrix.shape[1])))
            _require_whole(data_dir, recording, uem, len(matrix) / frame_hz)
            labels = _labels(turns.get(recording, []), len(matrix), frame_hz)
            ranges = plan.ranges(recording, len(matrix), frame_hz)
            yield recording, [(matrix[first:last], labels[first:last]) for first, last in ranges]

    return crops(), frame_hz


def _require_whole(data_dir: Path, recording: str, uem: Mapping[str, list[Region]], seconds: float) -> None:
    """Crops lie anywhere in a recording, so that all of it must be scored."""
    scored_sec = total_sec(uem.get(recording, [])) if uem else seconds
    if scored_sec < seconds - UEM_SLACK_SEC:
        raise MimidiarError(
            f"{data_dir / 'all.uem'}: scores {scored_sec:g} s of {recording}, which has {seconds:g} s; the "
            "original study's metric takes crops of whole recordings"
        )


def crops_of_perfect(data_dir: Path, plan: CropPlan) -> tuple[Source, float]:
    """The same for an oracle diarizer with the speakers of each crop in order of arrival."""
    turns, uem = read_rttm(data_dir / "ref.rttm"), read_uem(data_dir / "all.uem")

    def crops() -> Source:
        for recording, regions in uem.items():
            num_frames = frame_count(regions[-1][1], FRAME_HZ)
            labels = _labels(turns.get(recording, []), num_frames, FRAME_HZ)
            ranges = plan.ranges(recording, num_frames, FRAME_HZ)
            yield recording, [(perfect_posteriors(labels[a:b]), labels[a:b]) for a, b in ranges]

    return crops(), FRAME_HZ


def _labels(turns: Sequence[Turn], num_frames: int, frame_hz: float) -> np.ndarray:
    return conversation_labels(activity_matrix(turns, sorted({turn.speaker for turn in turns}), num_frames, frame_hz))


def score_crops(crops: Source, frame_hz: float, der_filtered: bool = True) -> OriginalScore:
    """Both scores of the same crops; the DER of decisions after the original study's median filter, or before it.

    Raises MimidiarError when nobody speaks in any crop.
    """
    with_speech = [(name, kept) for name, own in crops if (kept := [crop for crop in own if crop[1].any()])]
    if not with_speech:
        raise MimidiarError("nobody speaks in any crop of the reference, so there is nothing to score")
    names, recordings = [name for name, _ in with_speech], [own for _, own in with_speech]
    threshold, percent = sweep(recordings)
    decisions = [[((smooth(p) if der_filtered else p) > threshold, y) for p, y in own] for own in recordings]
    seconds = _der_seconds(decisions, frame_hz)
    counts = [len(own) for own in recordings]
    return OriginalScore(names, counts, threshold, percent, *seconds.T, frame_hz, der_filtered)


def _der_seconds(recordings: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]], frame_hz: float) -> np.ndarray:
    """(recordings, 2): error and reference speaker time in all crops of a recording, each crop scored separately.

    Given (decisions, labels) of each crop, both bool (frames, 4).
    """
    truth, hypotheses, uem = {}, {}, {}
    for number, crops in enumerate(recordings):
        for index, (decisions, labels) in enumerate(crops):
            name = f"{number}:{index}"
            truth[name] = _turns(name, labels, frame_hz)
            hypotheses[name] = _turns(name, decisions, frame_hz)
            uem[name] = [(0.0, len(labels) / frame_hz)]
    seconds = np.zeros((len(recordings), 2))
    for score in score_diarization(truth, hypotheses, uem).recordings:
        seconds[int(score.recording.partition(":")[0])] += score.error_sec, score.reference_sec
    return seconds


def _turns(name: str, active: np.ndarray, frame_hz: float) -> list[Turn]:
    channels = [f"channel{k}" for k in range(active.shape[1])]
    return active_turns(active, frame_hz, channels, name)


def demonstrate(data_dirs: Sequence[Path], out_dir: Path, plan: CropPlan) -> str:
    """Score every set, and all together, into OUT/<set>; write OUT/bars.json, and return the table of OUT/table.md."""
    groups = {folder.resolve().name: [folder] for folder in data_dirs}
    if len(groups) < len(data_dirs) or MIXED in groups:
        raise MimidiarError(f"{out_dir}: each set needs a name of its own there, and none the name '{MIXED}'")
    if len(data_dirs) > 1:
        groups[MIXED] = list(data_dirs)
    documents = {}
    for name, folders in groups.items():
        sources = [crops_of_perfect(folder, plan)[0] for folder in folders]
        score = score_crops(chain.from_iterable(sources), FRAME_HZ, der_filtered=False)
        document = original_document(score, plan, [folder / "ref.rttm" for folder in folders], SYSTEM)
        write_original(out_dir / name, score, document)
        documents[_label(folders)] = document
    write_json(out_dir / "bars.json", bars(documents))
    text = table(documents, plan)
    write_text(out_dir / "table.md", text)
    return text


def _label(folders: Sequence[Path]) -> str:
    """'2 speakers' where all recordings of a single set have this number, else its name; of several sets, 'mixed'."""
    if len(folders) > 1:
        return MIXED
    counts = {len({turn.speaker for turn in turns}) for turns in read_rttm(folders[0] / "ref.rttm").values()}
    return f"{counts.pop()} speakers" if len(counts) == 1 else folders[0].resolve().name


def bars(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The input of `mimidiar figure`: the "confusion" of each set, with its interval."""
    name = "ancestor_confusion"
    rows = [{"label": label, "value": document[name]} for label, document in documents.items()]
    for row, document in zip(rows, documents.values(), strict=True):
        if name in document["intervals"]:
            row |= {end: document["intervals"][name][end] for end in ("low", "high")}
    der = max(document["crop_der"] for document in documents.values())
    return {
        "bars": rows,
        "ylabel": 'original study\'s "confusion", %',
        "title": f'"Confusion" of a diarizer without errors (DER {der:g} %)',
    }


def table(documents: Mapping[str, Mapping[str, Any]], plan: CropPlan) -> str:
    """A Markdown table, with its conditions."""
    about = [
        "A diarizer without errors, its outputs in order of arrival, by the original study's metric (quoted)",
        "and by DER, which maps outputs to speakers. The same crops for both: "
        f"{plan.crop_sec:g} s, {plan.per_recording} of each recording, at random.",
        "All in %; [ ]: 95 % bootstrap interval over recordings. FA and Miss come from its median filter.",
    ]
    head = ("conversations of", "recordings", "crops", '"confusion" [95 %]', "FA", "Miss", '"DER" [95 %]', "true DER")
    rows = [head, *(_row(label, document) for label, document in documents.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return "\n".join([*about, "", *lines, ""])


def _row(label: str, document: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        label,
        f"{document['n_recordings']}",
        f"{document['n_crops']}",
        _with_interval(document, "ancestor_confusion"),
        f"{document['ancestor_false_alarm']:.1f}",
        f"{document['ancestor_miss']:.1f}",
        _with_interval(document, "ancestor_der"),
        f"{document['crop_der']:.2f}",
    )


def _with_interval(document: Mapping[str, Any], name: str) -> str:
    bounds = document["intervals"].get(name)
    return f"{document[name]:.1f}" + (f" [{bounds['low']:.1f}, {bounds['high']:.1f}]" if bounds else "")
