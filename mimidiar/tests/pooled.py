"""Made-up pooled taps for tests: in one tap the speaker is plain, in the other there is noise alone."""

from pathlib import Path

import numpy as np

from mimidiar.features.store import META
from mimidiar.files import write_json
from mimidiar.tests.matrices import write_matrix_store

TAPS = ["seanet", "latent"]
DIM = 16


def write_pooled(folder: Path, vectors: dict[str, np.ndarray], window_sec: float = 0.0, hop_sec: float = 0.0) -> Path:
    """`vectors`: recording -> (windows, taps, D)."""
    write_matrix_store(folder, "feats", [(name, rows.reshape(-1, DIM)) for name, rows in sorted(vectors.items())])
    meta = {"encoder": "made-up", "tap": "all", "weights": "none", "weights_sha256": "0" * 64, "dim": DIM}
    pooling = {"window_sec": window_sec, "hop_sec": hop_sec}
    write_json(folder / META, {**meta, "taps": TAPS, "pooling": pooling, "frame_hz": 0.0})
    return folder


def plain_and_noise(voices: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(N, 2, D): the voices (N, D) in noise in `latent`, noise in `seanet`."""
    noise = random.standard_normal((2, *voices.shape))
    return np.stack([noise[0], 3 + voices + 0.3 * noise[1]], axis=1).astype(np.float32)


def pool_made_up(folder: Path, utterances: dict[str, str], seed: int = 0, shift: float = 0.0) -> Path:
    """Pooled taps of utterances (name -> speaker); a speaker's voice is the same for all seeds."""
    random = np.random.default_rng(seed)
    voice = {who: np.random.default_rng(list(who.encode())).standard_normal(DIM) for who in set(utterances.values())}
    return write_pooled(
        folder,
        {name: plain_and_noise((voice[who] + shift)[None], random) for name, who in sorted(utterances.items())},
    )
