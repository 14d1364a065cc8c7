"""Made-up utterances for tests: each speaker has a direction; half of an utterance is speech, half one same hum."""

from pathlib import Path

import numpy as np
from lhotse import Recording, SupervisionSegment
from lhotse.audio import AudioSource
from lhotse.supervision import AlignmentItem

from mimidiar.data.manifests import write_set
from mimidiar.features.store import META
from mimidiar.files import write_json
from mimidiar.tests.matrices import write_matrix_store

FRAME_HZ = 12.5
DIM = 8
FRAMES = 20


def make_utterances(root: Path, name: str, speakers: int, each: int, seed: int) -> tuple[Path, Path]:
    """A set folder with all pairs as trials, and its features: `speakers` x `each` utterances of 1.6 s."""
    random = np.random.default_rng(seed)
    recordings, supervisions, matrices = [], [], []
    for speaker in range(speakers):
        voice = random.standard_normal(DIM)
        for take in range(each):
            utt = f"{name}-{speaker}-{take}"
            frames = np.full((FRAMES, DIM), 5.0)
            frames[:10] = voice + 0.1 * random.standard_normal((10, DIM))
            matrices.append((utt, frames.astype(np.float32)))
            source = AudioSource("file", [0], f"/nowhere/{utt}.wav")
            recordings.append(Recording(utt, [source], 16000, 25600, 1.6))
            speech = {"vad": [AlignmentItem("speech", 0.0, 0.8)]}
            supervisions.append(SupervisionSegment(utt, utt, 0.0, 1.6, speaker=f"{name}-{speaker}", alignment=speech))
    utts = [(s.id, s.speaker) for s in supervisions]
    trials = [(int(a[1] == b[1]), a[0], b[0]) for i, a in enumerate(utts) for b in utts[i + 1 :]]
    data, feats = root / "data" / name, root / "feats" / name
    write_set(data, recordings, supervisions, trials=trials)
    write_matrix_store(feats, "feats", matrices)
    meta = {"encoder": "made-up", "tap": "latent", "weights_sha256": None, "frame_hz": FRAME_HZ, "dim": DIM}
    write_json(feats / META, meta)
    return data, feats
