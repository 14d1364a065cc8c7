"""The speaker embeddings that a branch learns: of CAM++, on the clean, contiguous speech of each voice."""

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.encoders.registry import describe_encoder
from mimidiar.encoders.speaker.windows import Embedder, embed_segments
from mimidiar.files import atomic_path
from mimidiar.simulation.placement import Placement, Source

ENCODER = "campplus"
LONGEST_SEC, SHORTEST_SEC = 4.0, 0.66  # of a clip; shorter ones mislead CAM++
MOST_SEC = 16.0  # of a voice


def voice_embeddings(source: Source, folder: Path) -> dict[str, np.ndarray]:
    """The unit vector (E,) of each voice that has a clip of speech; kept in `folder`, for all runs."""
    spec, embedder = describe_encoder(ENCODER), None
    found: dict[str, np.ndarray] = {}
    for voice, utterances in tqdm(source.items(), desc="teacher", unit="voice", disable=None):
        path = folder / f"teacher.{spec.weights_sha256[:12]}" / f"{_digest(utterances)}.npy"
        if not path.is_file():
            embedder = embedder or spec.build().embedder
            with atomic_path(path) as partial, partial.open("wb") as file:
                np.save(file, _embed(utterances, embedder))
        if len(vector := np.load(path)):
            found[voice] = vector
    return found


def _digest(utterances: Sequence[SourceUtterance]) -> str:
    rows = [[u.id, u.seconds, u.speech, u.speed, u.formants] for u in utterances]
    decisive = [LONGEST_SEC, SHORTEST_SEC, MOST_SEC, rows]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]


def _embed(utterances: Sequence[SourceUtterance], embedder: Embedder) -> np.ndarray:
    """The mean over the clips, by their length, with length 1; (0,) without a clip."""
    clips = _clips(utterances)
    if not clips:
        return np.zeros(0, np.float32)
    vectors = embed_segments(embedder, [torch.from_numpy(clip) for clip in clips]).numpy()
    mean = (vectors * np.array([len(clip) for clip in clips])[:, None]).sum(0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


def _clips(utterances: Sequence[SourceUtterance]) -> list[np.ndarray]:
    """Contiguous clips (T,) of the first MOST_SEC of speech."""
    found: list[np.ndarray] = []
    seconds = 0.0
    for utterance in utterances:
        samples = Placement(utterance, 0.0, utterance.seconds).samples() if seconds < MOST_SEC else np.zeros(0)
        for start, end in _parts(utterance):
            if seconds < MOST_SEC:
                found.append(samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)])
                seconds += end - start
    return found


def _parts(utterance: SourceUtterance) -> list[tuple[float, float]]:
    """Its speech in equal parts of about LONGEST_SEC at most, without short ones."""
    found = []
    for start, end in utterance.speech:
        edges = np.linspace(start, end, max(1, round((end - start) / LONGEST_SEC)) + 1).tolist()
        found += [(a, b) for a, b in pairwise(edges) if b - a >= SHORTEST_SEC]
    return found
