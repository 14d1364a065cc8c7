"""From frames to one vector per utterance, and from vectors to the scores of trials (Exp 1 and 1.5). No torch here."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.activity import region_frames
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import open_features
from mimidiar.files import write_json
from mimidiar.models.projection import Projection, load_projection
from mimidiar.score.trials import Trials, read_trials, write_scores

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


def cosines(embeddings: Embeddings, trials: Trials, name: str | Path) -> np.ndarray:
    """(trials,): cosine of each pair. MimidiarError for a trial with an utterance that was not embedded."""
    row = {utterance: i for i, utterance in enumerate(embeddings.vectors)}
    missing = sorted({utterance for pair in trials.pairs for utterance in pair} - set(row))
    if missing:
        raise MimidiarError(f"{name}: {len(missing)} utterances have no features, first '{missing[0]}'")
    unit = embeddings.matrix.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True).clip(min=1e-12)
    enrol, test = np.array([[row[enrol], row[test]] for enrol, test in trials.pairs]).T
    return (unit[enrol] * unit[test]).sum(1)


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
    if probe is not None:
        pooling = probe.pooling
    embeddings = pool_utterances(data_dir, feats_dir, pooling)
    if center is not None:
        mean = pool_utterances(*center, pooling).matrix.mean(0)
        embeddings = Embeddings({name: v - mean for name, v in embeddings.vectors.items()}, embeddings.speakers)
    if probe is not None:
        embeddings = _project(embeddings, probe, probe_path)
    trials = read_trials(data_dir / "trials")
    write_scores(out_dir / "scores", trials.pairs, cosines(embeddings, trials, data_dir / "trials"))
    write_json(
        out_dir / "embedding.json", {"pooling": pooling, "centred": center is not None, "probe": bool(probe_path)}
    )


def _project(embeddings: Embeddings, probe: Projection, probe_path: Path) -> Embeddings:
    dim = embeddings.matrix.shape[1]
    if dim != probe.dim:
        raise MimidiarError(f"{probe_path}: the probe needs {probe.dim} dimensions, the features have {dim}")
    return Embeddings(dict(zip(embeddings.vectors, probe(embeddings.matrix), strict=True)), embeddings.speakers)
