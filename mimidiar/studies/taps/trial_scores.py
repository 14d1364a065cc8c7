"""From frames to one vector per utterance, and from vectors to the scores of trials (Exp 1 and 1.5). No torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.activity import region_frames
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import open_features
from mimidiar.files import write_json
from mimidiar.models.projection import load_projection
from mimidiar.score.trials import read_trials, write_scores

POOLINGS = ("all", "speech")


@dataclass(frozen=True)
class Embeddings:
    """One vector (D,) per utterance, and its speaker."""

    vectors: dict[str, np.ndarray]
    speakers: dict[str, str]

    @property
    def matrix(self) -> np.ndarray:
        """(N, D), rows in the order of `vectors`."""
        return np.stack(list(self.vectors.values()))


def pool_utterances(data_dir: str | Path, feats_dir: str | Path, pooling: str) -> Embeddings:
    """Mean over time of every utterance of a set: over `all` frames, or over `speech` frames by the manifest's
    alignment.

    An utterance without a single speech frame is averaged over all its frames.
    """
    if pooling not in POOLINGS:
        raise MimidiarError(f"pooling is '{pooling}'; choose one of {', '.join(POOLINGS)}")
    store = open_features(feats_dir)
    vectors, speakers = {}, {}
    utterances = [utterance for rows in read_source(data_dir).values() for utterance in rows]
    for utterance in tqdm(utterances, desc="pooling", unit="utt", disable=None):
        frames = store.read(utterance.recording)
        chosen = (
            region_frames(utterance.speech, len(frames), store.frame_hz) if pooling == "speech" else np.zeros(0, bool)
        )
        vectors[utterance.id] = frames[chosen].mean(0) if chosen.any() else frames.mean(0)
        speakers[utterance.id] = utterance.speaker
    return Embeddings(vectors, speakers)


def score_trials(
    out_dir: Path, data_dir: Path, enrol: Mapping[str, np.ndarray], test: Mapping[str, np.ndarray]
) -> None:
    """Write OUT/scores: the cosine of each pair of DATA/trials, of vectors (D,) by utterance on either side.

    Raises MimidiarError for a trial with an utterance that has none.
    """
    pairs = read_trials(data_dir / "trials").pairs
    missing = {one for one, _ in pairs if one not in enrol} | {other for _, other in pairs if other not in test}
    if missing:
        raise MimidiarError(
            f"{data_dir / 'trials'}: {len(missing)} utterances have no features, first '{min(missing)}'"
        )
    sides = []
    for vectors, names in zip((enrol, test), zip(*pairs, strict=True), strict=True):
        row = {name: number for number, name in enumerate(vectors)}
        unit = np.stack(list(vectors.values())).astype(np.float64)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True).clip(min=1e-12)
        sides.append(unit[[row[name] for name in names]])
    write_scores(out_dir / "scores", pairs, (sides[0] * sides[1]).sum(1))


def embed(
    data_dir: Path,
    feats_dir: Path,
    out_dir: Path,
    pooling: str = "all",
    center: tuple[Path, Path] | None = None,
    probe_path: Path | None = None,
) -> None:
    """Score the trials of a set into OUT/scores.

    `center` = (data, feats) of the training set whose mean is subtracted. With a probe the pooling is the probe's, and
    scores are cosines in its output space.
    """
    probe = load_projection(probe_path) if probe_path else None
    if probe is not None and center is not None:
        raise MimidiarError("a probe has its own mean; give either a probe or a set to center on")
    pooling = probe.pooling if probe else pooling
    embeddings = pool_utterances(data_dir, feats_dir, pooling)
    matrix = embeddings.matrix
    if center is not None:
        matrix = matrix - pool_utterances(*center, pooling).matrix.mean(0)
    if probe is not None:
        if matrix.shape[1] != probe.dim:
            raise MimidiarError(
                f"{probe_path}: the probe needs {probe.dim} dimensions, the features have {matrix.shape[1]}"
            )
        matrix = probe(matrix)
    vectors = dict(zip(embeddings.vectors, matrix, strict=True))
    score_trials(out_dir, data_dir, vectors, vectors)
    write_json(
        out_dir / "embedding.json", {"pooling": pooling, "centred": center is not None, "probe": bool(probe_path)}
    )
