"""Made-up conversations with features of a tap of the untrained codec, at 25 Hz and of its size."""

from pathlib import Path

import numpy as np

from mimidiar.encoders.registry import describe_encoder
from mimidiar.features.store import META, FeatureStore
from mimidiar.files import write_json
from mimidiar.tests.conversations import DIM, make_conversations
from mimidiar.tests.matrices import write_matrix_store

TAP = "transformer.0"


def make_tapped(root: Path, name: str, count: int, seed: int, frames: int = 100) -> tuple[Path, Path]:
    """The folders of `make_conversations`; its features, in the codec's dimensions, each for two frames of the tap."""
    data, plain = make_conversations(root, name, count, seed, frames)
    spec = describe_encoder("mimi-random", TAP)
    wider = np.random.default_rng(0).standard_normal((DIM, spec.dim)).astype(np.float32)
    store, feats = FeatureStore(plain), root / "feats.tap" / name
    names = store.keys()
    matrices = [(key, np.repeat(store.read(key) @ wider, 2, axis=0)) for key in names]
    write_matrix_store(feats, "feats", matrices)
    write_json(feats / META, spec.meta())
    return data, feats
