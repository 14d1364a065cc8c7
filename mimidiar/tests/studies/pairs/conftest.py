"""Made-up conversations whose features say who speaks, or nothing, at either frame rate."""

from pathlib import Path

import numpy as np
import pytest
from lhotse import Recording, SupervisionSegment
from lhotse.audio import AudioSource

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.rttm import read_rttm
from mimidiar.data.manifests import write_set
from mimidiar.features.store import META
from mimidiar.files import write_json
from mimidiar.tests.matrices import write_matrix_store

SECONDS, DIM = 60.0, 32


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight conversations of three speakers, with pauses and overlaps; in `c8` one speaker speaks alone."""
    folder, random = tmp_path_factory.mktemp("pairs") / "data", np.random.default_rng(0)
    recordings, turns = [], []
    for number in range(9):
        name = f"c{number}"
        source = AudioSource("file", [0], f"/nowhere/{name}.wav")
        recordings.append(Recording(name, [source], 16000, round(SECONDS * 16000), SECONDS))
        start = 0.0
        while start < SECONDS - 1:
            end = min(start + random.uniform(0.3, 8.0), SECONDS)
            speaker = f"{name}-{random.integers(3) if number < 8 else 0}"
            turns.append((name, round(start, 3), round(end, 3), speaker))
            start = end + random.uniform(-1.0, 1.0) if number < 8 else end + 0.3
    kept = [each for k, each in enumerate(turns) if not _is_hidden(each, turns[:k])]
    write_set(
        folder,
        recordings,
        [
            SupervisionSegment(f"{name}-{k}", name, start, round(end - start, 6), speaker=speaker)
            for k, (name, start, end, speaker) in enumerate(kept)
        ],
    )
    return folder


def _is_hidden(turn: tuple, earlier: list[tuple]) -> bool:
    """No speaker overlaps with themselves in a valid set."""
    return any(e[0] == turn[0] and e[3] == turn[3] and e[2] > turn[1] and turn[2] > e[1] for e in earlier)


def write_features(
    data: Path,
    folder: Path,
    frame_hz: float = 12.5,
    voices: bool = True,
    offset: float = 0.0,
    claimed: float | None = None,
) -> Path:
    """A store: frames are the voice of whoever speaks, or noise. `offset`: added to all numbers; `claimed`: the frame
    rate in meta.json."""
    random, matrices = np.random.default_rng(1), []
    for name, turns in sorted(read_rttm(data / "ref.rttm").items()):
        speakers = sorted({turn.speaker for turn in turns})
        active = activity_matrix(turns, speakers, round(SECONDS * frame_hz), frame_hz)
        of = np.stack([np.random.default_rng([7, int(s[1]), int(s[3])]).standard_normal(DIM) for s in speakers])
        frames = active @ of if voices else random.standard_normal((len(active), DIM))
        matrices.append((name, (frames + offset).astype(np.float32)))
    write_matrix_store(folder, "feats", matrices)
    meta = {"encoder": "made-up", "tap": "latent", "weights": "none", "weights_sha256": "0" * 64}
    write_json(folder / META, meta | {"frame_hz": claimed or frame_hz, "dim": DIM})
    return folder
