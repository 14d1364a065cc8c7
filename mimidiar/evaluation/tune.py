"""Tuning on a development set, by frame DER: of the post-processing, and of the clustering's distance threshold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from tqdm import tqdm

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.diarize.binarize import Binarization, binarize
from mimidiar.diarize.clustering import Clustering, SpeakerTree, find_centroids, grow_tree, local_speakers
from mimidiar.diarize.pipeline import Pipeline
from mimidiar.diarize.segmenter import Window, windows_of
from mimidiar.diarize.tracker import join_clusters
from mimidiar.errors import MimidiarError, listed
from mimidiar.evaluation.stored import NO_GATE, Gate, StoredWindows, read_posteriors, reference_frames
from mimidiar.evaluation.tuned import Tuned, write_tuned

# What posteriors were made with: a diarizer is bundled with the same.
MADE_WITH = ("window_sec", "hop_sec", "speech_margin_sec")
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
MEDIAN_FRAMES = (1, 5, 11, 17, 25, 37)
MIN_TURN_SEC = (0.0, 0.24, 0.48, 0.8)
MIN_PAUSE_SEC = (0.0, 0.24, 0.48, 0.8)
DISTANCES = (0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 1.0, 1.15)
SAME_VOICE = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)
MIN_SPEAKER_SEC = (2.0, 4.0, 8.0, 16.0, 32.0)


def tune(posteriors: dict[str, np.ndarray], truth: dict[str, np.ndarray], frame_hz: float, set_name: str) -> Tuned:
    """Search threshold and median length together, then minimum turn and pause together, for the least frame DER.

    posteriors: recording -> (T, K); truth: recording -> bool (T, S) of all reference speakers. Ties: the earlier,
    plainer choice.
    """
    names = sorted(posteriors)

    def loss(how: Binarization) -> float:
        return frame_der((binarize(posteriors[name], frame_hz, how), truth[name]) for name in names)

    smoothing = [Binarization(threshold, median) for threshold, median in product(THRESHOLDS, MEDIAN_FRAMES)]
    best = min(smoothing, key=loss)
    durations = [replace(best, min_turn_sec=t, min_pause_sec=p) for t, p in product(MIN_TURN_SEC, MIN_PAUSE_SEC)]
    best = min(durations, key=loss)
    found = {"frame_der": loss(best), "baseline_frame_der": baseline_frame_der(truth.values())}
    return Tuned(best, set_name, tuple(names), found)


def tune_on(posteriors_dir: Path, data_dir: Path, path: Path) -> str:
    """Tune on the set in `data_dir`, write tuned.yaml, and return a line with the chosen values."""
    store, meta = read_posteriors(posteriors_dir)
    turns = reference_turns(data_dir, store.keys(), f"{posteriors_dir}: no posteriors")
    hz, posteriors = meta["frame_hz"], {name: store.read(name) for name in store.keys()}  # noqa: SIM118 (not a dict)
    truth = {name: reference_frames(turns.get(name, []), len(matrix), hz) for name, matrix in posteriors.items()}
    tuned = tune(posteriors, truth, hz, data_dir.resolve().name)
    tuned.found.update({key: meta[key] for key in MADE_WITH if key in meta})
    write_tuned(tuned, path)
    return tuned.summary()


def reference_turns(data_dir: Path, known: list[str], without: str) -> dict[str, list[Turn]]:
    """The reference of the set in `data_dir` by recording. MimidiarError for one without speech, and, in the words
    `without`, for recordings that are not among the `known`.
    """
    if not (turns := read_rttm(data_dir / "ref.rttm")):
        raise MimidiarError(f"{data_dir / 'ref.rttm'}: nobody speaks in it; tune on a set with a reference")
    if missing := sorted(set(turns) - set(known)):
        raise MimidiarError(f"{without} of {len(missing)} recordings: {listed(missing)}; run inference on {data_dir}")
    return turns


def frame_der(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """Frame DER in % of recordings: hypothesis bool (T, K) and reference bool (T, S) of each."""
    wrong, speech = np.sum([frame_errors(*pair) for pair in pairs], axis=0)
    return 100 * float(wrong) / max(float(speech), 1.0)


def baseline_frame_der(truths: Iterable[np.ndarray]) -> float:
    """Frame DER in % of the better of two trivial baselines: one speaker throughout, and one speaker in all speech."""
    truths = list(truths)
    kinds: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda truth: np.ones((len(truth), 1), bool),
        lambda truth: truth.any(axis=1, keepdims=True),
    ]
    return min(frame_der((kind(truth), truth) for truth in truths) for kind in kinds)


def frame_errors(hypothesis: np.ndarray, reference: np.ndarray) -> tuple[int, int]:
    """Error frames and reference speech of one recording: bool (T, K) against (T, S), columns mapped to speakers at
    best.

    A frame costs max(reference speakers, hypothesis speakers) - correct ones, which is DER's missed + false alarm +
    confusion.
    """
    length = max(len(hypothesis), len(reference))
    hyp, ref = (np.pad(x, ((0, length - len(x)), (0, 0))).astype(np.int64) for x in (hypothesis, reference))
    together = ref.T @ hyp
    correct = together[linear_sum_assignment(-together)].sum()
    return int(np.maximum(ref.sum(1), hyp.sum(1)).sum() - correct), int(ref.sum())


def tune_clustering(source: StoredWindows, data_dir: Path, out_dir: Path, gate: Gate = NO_GATE) -> str:
    """Tune the clustering on the set in `data_dir` by frame DER, write OUT/tuned.yaml, and return a line with the
    chosen values.
    """
    turns, names = reference_turns(data_dir, source.keys(), f"{source.folder}: no windows"), sorted(source.keys())
    cases = [_case(source, name, turns.get(name, []), gate) for name in tqdm(names, desc="embeddings", disable=None)]
    choices = [
        Clustering(distance, same_voice, min_speaker_sec=least)
        for distance, same_voice, least in product(DISTANCES, SAME_VOICE, MIN_SPEAKER_SEC)
        if same_voice < distance
    ]
    found = [_try(cases, clustering) for clustering in tqdm(choices, desc="tuning", disable=None)]
    best = min(range(len(choices)), key=lambda i: found[i][0])
    worth = dict(zip(("frame_der", "counted_right"), found[best], strict=True))
    worth["baseline_frame_der"] = baseline_frame_der(case.truth for case in cases)
    worth |= {key: source.meta[key] for key in ("window_sec", "hop_sec")} | gate.meta
    tuned = Tuned(choices[best], data_dir.resolve().name, tuple(names), worth)
    write_tuned(tuned, out_dir / "tuned.yaml")
    return tuned.summary()


@dataclass(frozen=True)
class _Case:
    """A recording of the tuning set: all that is independent of the tuned values."""

    windows: list[Window]
    tree: SpeakerTree
    truth: np.ndarray


def _case(source: StoredWindows, name: str, turns: list[Turn], gate: Gate) -> _Case:
    frames = Pipeline(gate.steps).run(source.read(name))
    windows = windows_of(frames.lanes[0])
    embedded = None if frames.embedded is None else frames.embedded[0]
    tree = grow_tree(local_speakers(windows, frames.embeddings[0], embedded), Clustering.min_alone_sec)
    return _Case(windows, tree, reference_frames(turns, windows[-1].stop, LABEL_HZ))


def _try(cases: list[_Case], clustering: Clustering) -> tuple[float, float]:
    """Frame DER in % and speaker-count accuracy (share of recordings)."""
    pairs, right = [], 0
    for case in cases:
        posteriors = join_clusters(case.tree, find_centroids(case.tree, clustering), case.windows)
        active = binarize(posteriors, LABEL_HZ, Binarization(median_frames=1))
        pairs.append((active, case.truth))
        right += np.count_nonzero(active.any(0)) == case.truth.shape[1]
    return frame_der(pairs), right / len(cases)
