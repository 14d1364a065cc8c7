"""Tuning of the clustering's distance threshold on a development set, by frame DER."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.diarize.binarize import Binarization, binarize
from mimidiar.diarize.clustering import Clustering, SpeakerTree, find_centroids, grow_tree, local_speakers
from mimidiar.diarize.pipeline import Pipeline
from mimidiar.diarize.segmenter import Window, windows_of
from mimidiar.diarize.tracker import join_clusters
from mimidiar.errors import MimidiarError, listed
from mimidiar.evaluation.stored import NO_GATE, Gate, StoredWindows, reference_frames
from mimidiar.evaluation.tune import baseline_frame_der, frame_der, reference_turns
from mimidiar.evaluation.tuned import Tuned, write_tuned

DISTANCES = (0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 1.0, 1.15)
SAME_VOICE = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)
MIN_SPEAKER_SEC = (2.0, 4.0, 8.0, 16.0, 32.0)


def tune_clustering(source: StoredWindows, data_dir: Path, out_dir: Path, gate: Gate = NO_GATE) -> str:
    """Tune the clustering on the set in `data_dir` by frame DER, write OUT/tuned.yaml, and return a line with the
    chosen values.
    """
    turns = reference_turns(data_dir)
    if missing := sorted(set(turns) - set(source.keys())):
        raise MimidiarError(f"{source.folder}: no windows of {len(missing)} recordings: {listed(missing)}; infer them")
    names = sorted(source.keys())
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
    tree = grow_tree(local_speakers(windows, frames.embeddings[0]), Clustering.min_alone_sec)
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
