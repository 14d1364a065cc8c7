"""The study of an encoder's taps: trials scored, and conversations clustered, at each of them.

Clustering is a small diarizer for probing: windows in a probe's space, with oracle speech activity. Only that is of the
reference, so that speaker information alone is measured, beside the trivial baseline `oracle-vad-one` with the same
activity. Average linkage of cosine distances; the distance threshold is the one tuned value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import LABEL_HZ, Region, Turn, intersect, union
from mimidiar.annotation.uem import read_uem
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError, listed
from mimidiar.evaluation.tune import frame_errors
from mimidiar.evaluation.tuned import Tuned, read_tuned, write_tuned
from mimidiar.score.from_files import score_files, write_score
from mimidiar.score.score_file import SCORE_FILE
from mimidiar.score.trials import read_trials
from mimidiar.score.verify_files import verify_files, write_verification
from mimidiar.studies.taps.pooled_store import PooledTaps
from mimidiar.studies.taps.spaces import TapProbes, TapSpace, load_tap_probes
from mimidiar.studies.taps.trial_scores import score_trials

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 31))
DER, TUNED = "collar0", "tuned.yaml"
SPEECH = 0.5  # of a window: with less, its embedding is poor


@dataclass(frozen=True)
class Windows:
    """Windows of one recording with speech: `centers` (W,) in seconds, and the regions with speech."""

    recording: str
    centers: np.ndarray
    speech: list[Region]


def linkage_of(vectors: np.ndarray) -> np.ndarray:
    """The linkage of vectors (W, D); empty for fewer than two."""
    if len(vectors) < 2:
        return np.zeros((0, 4))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return linkage(np.maximum(pdist(unit, "cosine"), 0.0), "average")


def clusters_at(merges: np.ndarray, threshold: float) -> np.ndarray:
    """(W,): the cluster of each window, from 0 in order of appearance."""
    if not len(merges):
        return np.zeros(1, int)
    found = fcluster(merges, threshold, "distance")
    order = {cluster: number for number, cluster in enumerate(dict.fromkeys(found.tolist()))}
    return np.array([order[cluster] for cluster in found.tolist()])


def to_turns(windows: Windows, clusters: np.ndarray) -> list[Turn]:
    """All speech, each time assigned to the cluster of the window with the nearest center."""
    edges = (windows.centers[:-1] + windows.centers[1:]) / 2 if len(windows.centers) > 1 else np.zeros(0)
    turns: list[Turn] = []
    for start, end in windows.speech:
        times = [start, *edges[(edges > start) & (edges < end)].tolist(), end]
        for first, last in pairwise(times):
            name = f"spk{clusters[np.searchsorted(edges, (first + last) / 2)]}"
            if turns and turns[-1].end == first and turns[-1].speaker == name:
                first = turns.pop().start
            turns.append(Turn(windows.recording, first, last, name))
    return turns


def tune_threshold(
    windows: Sequence[Windows], linkages: Sequence[np.ndarray], references: Sequence[Sequence[Turn]]
) -> tuple[float, float]:
    """The threshold with the least frame DER over the recordings, and that DER in %; the lower threshold in a tie."""
    truths = [_active(turns) for turns in references]
    ders = []
    for threshold in THRESHOLDS:
        errors = [
            frame_errors(_active(to_turns(own, clusters_at(merges, threshold))), truth)
            for own, merges, truth in zip(windows, linkages, truths, strict=True)
        ]
        wrong, speech = np.sum(errors, axis=0)
        ders.append(100 * float(wrong) / max(float(speech), 1.0))
    best = int(np.argmin(ders))
    return THRESHOLDS[best], ders[best]


def _active(turns: Sequence[Turn]) -> np.ndarray:
    """Bool (T, S) up to the last turn's end."""
    speakers = sorted({turn.speaker for turn in turns})
    frames = round(max((turn.end for turn in turns), default=0.0) * LABEL_HZ)
    return activity_matrix(turns, speakers, frames, LABEL_HZ)


def folder_name(tap: str) -> str:
    """A tap's name in folders and systems, which have no dots."""
    return tap.replace(".", "-")


def score_taps(
    data_dir: Path,
    pooled_dir: Path,
    out_dir: Path,
    space: TapSpace,
    enrol_dir: Path | None = None,
    job: tuple[int, int] | None = None,
) -> None:
    """Score the trials of a set at every tap, by the cosine of its vectors in `space`.

    OUT/<tap>/<the space's protocol> gets the files of `verify`. `enrol_dir`: the pooled taps of the first utterance of
    each trial, where those of the second are degraded. `job` (k, n): the k-th of n shares of the taps; without it all
    unscored taps. Raises MimidiarError where a speaker of the trials is in the space's training set.
    """
    rows = [row for own in read_source(data_dir).values() for row in own]
    speakers = {row.id: row.speaker for row in rows}
    pairs = read_trials(data_dir / "trials").pairs
    in_trials = {speakers[name] for pair in pairs for name in pair if name in speakers}
    _refuse_seen(space, in_trials, data_dir / "trials")
    recordings = {row.id: row.recording for row in rows}
    sides = [_vectors(folder, recordings, space) for folder in (enrol_dir or pooled_dir, pooled_dir)]
    for tap in _share(space, job):
        folder = out_dir / folder_name(tap) / space.protocol
        if not (folder / SCORE_FILE).is_file():
            enrol, test = (dict(zip(recordings, space.place(vectors, tap), strict=True)) for vectors in sides)
            score_trials(folder, data_dir, enrol, test)
            write_verification(folder, verify_files(folder / "scores", data_dir / "trials"))


def _share(space: TapSpace, job: tuple[int, int] | None) -> list[str]:
    """The k-th of n shares of the taps; all without `job`, where scored taps are skipped."""
    return space.names if job is None else space.names[job[0] - 1 :: job[1]]


def _refuse_seen(space: TapSpace, speakers: set[str], scored: Path) -> None:
    """`scored`: the file of these speakers."""
    if seen := sorted(speakers & set(space.speakers)):
        raise MimidiarError(
            f"{space.source}: its training set has {len(seen)} of the speakers of {scored}: {listed(seen)}; train on a "
            "set without them, or score another set"
        )


def _open_pooled(folder: Path, space: TapSpace) -> PooledTaps:
    """Pooled taps. MimidiarError unless they are those of the space."""
    pooled = PooledTaps(folder)
    if pooled.taps != space.taps:
        raise MimidiarError(
            f"{folder}: its taps are {', '.join(pooled.taps)}; those of {space.source} are {', '.join(space.taps)}: "
            "pool both with the same encoder"
        )
    return pooled


def _vectors(folder: Path, recordings: dict[str, str], space: TapSpace) -> np.ndarray:
    """(utterances, taps, D) of the set's utterances in order. MimidiarError for one without pooled taps."""
    pooled = _open_pooled(folder, space)
    if pooled.pooling.window_sec:
        raise MimidiarError(f"{folder}: taps of windows; trials need whole utterances: pool without --window-sec")
    missing = sorted(set(recordings.values()) - set(pooled.recordings))
    if missing:
        raise MimidiarError(
            f"{folder}: no pooled taps of {len(missing)} recordings: {listed(missing)}; pool that set again"
        )
    return np.stack([pooled.read(recording)[0] for recording in recordings.values()])


def tune_clusters(data_dir: Path, pooled_dir: Path, out_dir: Path, probes_path: Path) -> str:
    """Choose each tap's threshold on the set in `data_dir`; write OUT/tuned.yaml, and return a line about it."""
    probes = load_tap_probes(probes_path)
    pooled = _open_pooled(pooled_dir, probes)
    reference = read_rttm(data_dir / "ref.rttm")
    found = list(_windows(data_dir, pooled, reference))
    thresholds, ders = {}, {}
    for tap in probes.names:
        linkages = [linkage_of(probes.place(vectors, tap)) for _, vectors in found]
        truths = [reference[own.recording] for own, _ in found]
        thresholds[tap], ders[tap] = tune_threshold([own for own, _ in found], linkages, truths)
    found_der = {"frame_der": {tap: round(der, 4) for tap, der in ders.items()}}
    names = tuple(sorted(own.recording for own, _ in found))
    write_tuned(Tuned(thresholds, data_dir.resolve().name, names, found_der), out_dir / TUNED)
    return ", ".join(f"{tap} {thresholds[tap]:g} ({ders[tap]:.1f} %)" for tap in probes.names)


def cluster_taps(
    data_dir: Path,
    pooled_dir: Path,
    out_dir: Path,
    probes_path: Path,
    tuned_path: Path,
    job: tuple[int, int] | None = None,
) -> None:
    """Cluster the windows of a set at every tap, and score: OUT/<tap>/hyp.rttm and OUT/<tap>/collar0.

    `job` as in `score_taps`. Raises MimidiarError for recordings that the thresholds were tuned on, and for speakers
    that the probes were trained on.
    """
    probes = load_tap_probes(probes_path)
    pooled = _open_pooled(pooled_dir, probes)
    tuned = _read_tuned(tuned_path, probes)
    if both := sorted(set(tuned.recordings) & set(pooled.recordings)):
        raise MimidiarError(
            f"{tuned_path}: tuned on {len(both)} of these recordings: {listed(both)}; tune on another set"
        )
    reference = read_rttm(data_dir / "ref.rttm")
    speakers = {turn.speaker for turns in reference.values() for turn in turns}
    _refuse_seen(probes, speakers, data_dir / "ref.rttm")
    found = list(_windows(data_dir, pooled, reference))
    for tap in _share(probes, job):
        folder, threshold = out_dir / folder_name(tap), tuned.values[tap]
        if not (folder / DER / SCORE_FILE).is_file():
            turns = [
                turn
                for own, vectors in found
                for turn in to_turns(own, clusters_at(linkage_of(probes.place(vectors, tap)), threshold))
            ]
            write_rttm(folder / "hyp.rttm", turns)
            score, document = score_files(data_dir / "ref.rttm", folder / "hyp.rttm", data_dir / "all.uem")
            write_score(folder / DER, score, document)


def _windows(
    data_dir: Path, pooled: PooledTaps, reference: dict[str, list[Turn]]
) -> Iterator[tuple[Windows, np.ndarray]]:
    """For each recording with speech, the windows with enough of it (else all), and their vectors (W, taps, D)."""
    if not pooled.pooling.window_sec:
        raise MimidiarError(f"{pooled.folder}: taps of whole recordings; clusters need windows: pool with --window-sec")
    uem = read_uem(data_dir / "all.uem")
    if missing := sorted(set(reference) - set(pooled.recordings)):
        raise MimidiarError(
            f"{pooled.folder}: no pooled taps of {len(missing)} recordings: {listed(missing)}; pool again"
        )
    for name in sorted(reference):
        speech = intersect(union((turn.start, turn.end) for turn in reference[name]), union(uem.get(name, [])))
        if speech:
            vectors = pooled.read(name)
            shares, _ = pooled.pooling.shares([Turn(name, *span, "speech") for span in speech], len(vectors))
            chosen = shares[:, 0] >= SPEECH
            chosen = chosen if chosen.any() else np.ones(len(vectors), bool)
            yield Windows(name, pooled.pooling.centers(len(vectors))[chosen], speech), vectors[chosen]


def _read_tuned(path: Path, probes: TapProbes) -> Tuned[dict]:
    tuned = read_tuned(path, dict, "mimidiar study taps tune")
    if missing := [tap for tap in probes.names if tap not in tuned.values]:
        raise MimidiarError(f"{path}: no threshold for {missing[0]}; run `mimidiar study taps tune` again")
    return tuned
