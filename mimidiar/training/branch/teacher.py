"""The speaker embeddings that a branch learns: of CAM++, on the clean, contiguous speech of each voice."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.encoders.protocol import EncoderSpec
from mimidiar.encoders.registry import describe_encoder
from mimidiar.encoders.speaker.windows import embed_segments
from mimidiar.files import atomic_path
from mimidiar.simulation.placement import Placement, Source

LONGEST_SEC, SHORTEST_SEC = 4.0, 0.66  # of a clip; shorter ones mislead CAM++
MOST_SEC = 16.0  # of a voice


def voice_embeddings(source: Source, folder: Path) -> tuple[list[str], np.ndarray]:
    """The names of the voices that have speech enough, and their unit vectors (V, 192); kept in `folder`."""
    spec = describe_encoder("campplus", "window1.5-hop0.6")
    path = folder / f"teacher.{_digest(source, spec)[:12]}.npz"
    if not path.is_file():
        vectors = _embed(source, spec)
        with atomic_path(path) as partial, partial.open("wb") as file:
            np.savez(file, names=np.array(list(vectors)), vectors=np.stack(list(vectors.values())))
    with np.load(path) as found:
        return found["names"].tolist(), found["vectors"]


def _digest(source: Source, spec: EncoderSpec) -> str:
    rows = [[u.id, u.speaker, u.seconds, u.speech, u.formants] for own in source.values() for u in own]
    decisive = [spec.weights_sha256, LONGEST_SEC, SHORTEST_SEC, MOST_SEC, rows]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


def _embed(source: Source, spec: EncoderSpec) -> dict[str, np.ndarray]:
    embedder = spec.build().embedder
    found = {}
    for voice, utterances in tqdm(source.items(), desc="teacher", unit="voice", disable=None):
        clips = _clips(utterances)
        if clips:
            vectors = embed_segments(embedder, [torch.from_numpy(clip) for clip in clips]).numpy()
            mean = (vectors * np.array([len(clip) for clip in clips])[:, None]).sum(0)
            found[voice] = (mean / np.linalg.norm(mean)).astype(np.float32)
    return found


def _clips(utterances: Sequence[SourceUtterance]) -> list[np.ndarray]:
    """Contiguous clips (T,) of up to LONGEST_SEC, of the first MOST_SEC of speech, utterance by utterance."""
    clips, seconds = [], 0.0
    for utterance in utterances:
        samples = None
        for start, end in utterance.speech:
            parts = max(1, round((end - start) / LONGEST_SEC))
            length = (end - start) / parts
            for part in range(parts if length >= SHORTEST_SEC and seconds < MOST_SEC else 0):
                if samples is None:
                    samples = Placement(utterance, 0.0, utterance.seconds).samples()
                first = round((start + part * length) * SAMPLE_RATE)
                clips.append(samples[first : first + round(length * SAMPLE_RATE)])
                seconds += length
    return clips
