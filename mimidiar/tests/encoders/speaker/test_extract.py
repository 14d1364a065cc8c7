"""A speaker encoder under `mimidiar feats extract`: recordings in batches, and long ones streamed from their files."""

import numpy as np
import torch

from mimidiar.audio.files import read_audio
from mimidiar.data.recordings import read_recordings
from mimidiar.encoders.recordings import encode_chunks
from mimidiar.encoders.registry import describe_encoder, load_encoder
from mimidiar.features.extraction import extract
from mimidiar.features.store import FeatureStore
from mimidiar.files import sha256_file
from mimidiar.tests.diarizers import hear_what_is_loud
from mimidiar.tests.encoders.speaker.test_windows import noise
from mimidiar.tests.encoders.test_speech import cut_anywhere
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
    """In a batch and, longer than a batch, as a stream: outside of what `vad` has as speech a store holds zeros."""
    hear_what_is_loud(monkeypatch, level=0.05)
    data = write_set(tmp_path / "data", [2.0, 7.0])
    for encoder, tap in (("campplus", "window1.5-hop1"), ("campplus", "window1.5-hop1-speech"), ("vad", "speech")):
        checkpoint = None if encoder == "vad" else campplus_checkpoint
        extract(data, tmp_path / tap, encoder, tap, checkpoint, device="cpu", batch_sec=5.0)
    names = ("window1.5-hop1", "window1.5-hop1-speech", "speech")
    everywhere, masked, activity = (FeatureStore(tmp_path / tap) for tap in names)
    assert masked.meta["tap"].endswith("-speech") and (activity.frame_hz, activity.dim) == (12.5, 1)
    for name in ("rec-0", "rec-1"):
        inside = activity.read(name)[:, 0] > 0
        found, whole = masked.read(name), everywhere.read(name)
        assert 0 < inside.sum() < len(inside)
        assert found.shape == whole.shape and not found[~inside].any() and whole[~inside].any()
        np.testing.assert_allclose(found[inside], whole[inside], atol=1e-4)


def test_campplus_in_chunks_is_the_whole(campplus_checkpoint):
    spec = describe_encoder("campplus", "window1.5-hop0.6", campplus_checkpoint)
    encoder, audio = spec.build("cpu"), noise(round(6.7 * 16000))
    whole, _ = encoder.encode(audio[None], torch.tensor([len(audio)]))
    found = np.concatenate(list(encode_chunks(encoder, cut_anywhere(audio.numpy(), 0))))
    np.testing.assert_allclose(found, whole[0].numpy(), atol=1e-5)
