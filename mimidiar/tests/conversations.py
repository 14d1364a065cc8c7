"""Made-up conversations for tests: features in which each speaker has a direction of their own, and who spoke when."""

from pathlib import Path

import numpy as np
from lhotse import Recording, SupervisionSegment
from lhotse.audio import AudioSource

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.turns import Turn
from mimidiar.data.manifests import write_set
from mimidiar.features.store import META
from mimidiar.files import write_json
from mimidiar.tests.matrices import write_matrix_store

FRAME_HZ = 12.5
DIM = 8


def make_conversations(root: Path, name: str, count: int, seed: int, frames: int = 100) -> tuple[Path, Path]:
    """A set folder and its feature folder; two or three speakers take turns, features say who (with a little noise)."""
    random = np.random.default_rng(seed)
    recordings, supervisions, matrices = [], [], []
    for index in range(count):
        recording_id = f"{name}-{index}"
        turns = _turns(random, f"{name}{index}", frames)
        speakers = sorted({turn.speaker for turn in turns})
        active = activity_matrix(turns, speakers, frames, FRAME_HZ)
        voices = random.standard_normal((len(speakers), DIM))
        noise = 0.1 * random.standard_normal((frames, DIM))
        matrices.append((recording_id, (active @ voices + noise).astype(np.float32)))
        recordings.append(_recording(recording_id, frames / FRAME_HZ))
        supervisions += [
            SupervisionSegment(
                f"{recording_id}-{k}", recording_id, t.start, round(t.end - t.start, 6), speaker=t.speaker
            )
            for k, t in enumerate(turns)
        ]
    data, feats = root / "data" / name, root / "feats" / name
    write_set(data, recordings, supervisions)
    write_matrix_store(feats, "feats", matrices)
    meta = {"encoder": "made-up", "tap": "latent", "weights_sha256": None, "frame_hz": FRAME_HZ, "dim": DIM}
    write_json(feats / META, meta)
    return data, feats


def _turns(random: np.random.Generator, prefix: str, frames: int) -> list[Turn]:
    turns, start, count = [], int(random.integers(0, 5)), int(random.integers(2, 4))
    while start < frames - 5:
        end = min(start + int(random.integers(5, 20)), frames)
        turns.append(Turn("", start / FRAME_HZ, end / FRAME_HZ, f"{prefix}-{random.integers(count)}"))
        start = end + int(random.integers(0, 6))
    return turns


def _recording(recording_id: str, seconds: float) -> Recording:
    source = AudioSource("file", [0], f"/nowhere/{recording_id}.wav")
    return Recording(recording_id, [source], 16000, round(seconds * 16000), seconds)
