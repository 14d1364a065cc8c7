"""A speaker encoder under `mimidiar extract`: recordings in batches, and long ones streamed from their files."""

import numpy as np
import torch

from mimidiar.audio.files import read_audio
from mimidiar.data.recordings import read_recordings
from mimidiar.encoders.registry import load_encoder
from mimidiar.encoders.speaker import encoder as encoder_module
from mimidiar.features.extraction import extract
from mimidiar.features.store import FeatureStore
from mimidiar.files import sha256_file
from mimidiar.tests.features.test_extraction import write_set


def test_stores_of_embeddings(campplus_checkpoint, tmp_path):
    data = write_set(tmp_path / "data", [0.04, 2.0, 1.3, 7.0], rate=22050)
    tap = "window1.5-hop1"
    extract(data, tmp_path / "feats", "campplus", tap, campplus_checkpoint, device="cpu", batch_sec=6.0)
    store = FeatureStore(tmp_path / "feats")
    assert (store.meta["encoder"], store.meta["tap"], store.frame_hz, store.dim) == ("campplus", tap, 12.5, 192)
    assert store.meta["weights_sha256"] == sha256_file(campplus_checkpoint)
    encoder = load_encoder("campplus", tap, campplus_checkpoint)
    for recording in read_recordings(data):
        audio = torch.from_numpy(read_audio(recording.path, 16000))[None]
        expected, frames = encoder.encode(audio, torch.tensor([audio.shape[1]]))
        found = store.read(recording.id)
        assert found.shape == (int(frames[0]), 192) and found.dtype == np.float32
        np.testing.assert_allclose(found, expected[0], atol=1e-4)


def test_embeddings_over_speech_alone(campplus_checkpoint, tmp_path, monkeypatch):
    """A recording that is longer than a batch is read whole as well; outside of its speech a store holds zeros."""
    regions = {7: [(1.0, 2.5), (4.0, 5.0)], 2: [(0.5, 1.0)]}
    monkeypatch.setattr(encoder_module, "find_speech", lambda rows: [regions[len(row) // 16000] for row in rows])
    data = write_set(tmp_path / "data", [2.0, 7.0])
    for tap in ("window1.5-hop1", "window1.5-hop1-speech"):
        extract(data, tmp_path / tap, "campplus", tap, campplus_checkpoint, device="cpu", batch_sec=5.0)
    everywhere, masked = (FeatureStore(tmp_path / tap) for tap in ("window1.5-hop1", "window1.5-hop1-speech"))
    assert masked.meta["tap"].endswith("-speech")
    for name, seconds in (("rec-0", 2), ("rec-1", 7)):
        middles = (np.arange(masked.num_frames(name)) + 0.5) / 12.5
        inside = np.any([(start <= middles) & (middles < end) for start, end in regions[seconds]], axis=0)
        found, whole = masked.read(name), everywhere.read(name)
        assert found.shape == whole.shape and not found[~inside].any() and whole[~inside].any()
        np.testing.assert_allclose(found[inside], whole[inside], atol=1e-4)
