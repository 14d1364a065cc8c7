"""Made-up speaker embeddings beside the features of made-up conversations."""

from pathlib import Path

import numpy as np

from mimidiar.annotation.activity import activity_matrix
from mimidiar.features.store import META
from mimidiar.files import write_json
from mimidiar.tests.conversations import FRAME_HZ
from mimidiar.tests.matrices import write_matrix_store
from mimidiar.training.crops import Conversations

VOICE_DIM = 32


def add_voices(data: Path, feats: Path, seed: int, spread: float = 0.5) -> Path:
    """Beside features, embeddings: of each speaker a direction, as noisy as `spread`; 0 where nobody speaks."""
    random, out = np.random.default_rng(seed), feats.with_name(f"{feats.name}-voices")
    conversations, matrices = Conversations([(data, feats)], 4), []
    for name in conversations.recordings:
        turns = conversations.turns[name]
        active = activity_matrix(turns, sorted({t.speaker for t in turns}), conversations.num_frames(name), FRAME_HZ)
        clean = active @ unit(random.standard_normal((active.shape[1], VOICE_DIM)))
        noise = unit(random.standard_normal(clean.shape)) * spread * active.any(1, keepdims=True)
        matrices.append((name, unit(clean + noise).astype(np.float32)))
    write_matrix_store(out, "feats", matrices)
    meta = {"encoder": "voices", "tap": "window1.5-hop0.6", "weights": "none", "weights_sha256": "v"}
    write_json(out / META, meta | {"frame_hz": FRAME_HZ, "dim": VOICE_DIM})
    return out


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True).clip(min=1e-9)
