"""What a diarizer hears in a recording is what the stages extract, whatever the encoders and their rates."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from mimidiar.diarize.audio_source import file_sound
from mimidiar.diarize.cluster_files import Voices
from mimidiar.diarize.frontend import hear
from mimidiar.encoders.registry import describe_encoder
from mimidiar.features.extraction import extract
from mimidiar.features.fused_store import fuse
from mimidiar.models.projection import load_projection
from mimidiar.studies.taps.classifier import Probe, save_probe
from mimidiar.tests.diarizers import hear_what_is_loud
from mimidiar.tests.encoders.speaker.checkpoints import seeded_campplus
from mimidiar.tests.tones import SPEECH, write_tones

NAME = "v-1-0"


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    hear_what_is_loud(monkeypatch)
    return write_tones(tmp_path / "data", [0, 1], each=1, level=1.0)


@pytest.mark.parametrize(("codec", "tap"), [("logmel", None), ("mimi-random", "latent"), ("mimi-random", "seanet")])
def test_two_encoders_are_heard_as_they_are_fused(data, tmp_path, codec, tap) -> None:
    weights = tmp_path / "campplus.safetensors"
    save_file(seeded_campplus().state_dict(), weights)
    specs = [describe_encoder(codec, tap), describe_encoder("campplus", "window1.5-hop0.6-speech", weights)]
    for spec, checkpoint in zip(specs, (None, weights), strict=True):
        extract(data, tmp_path / spec.name, spec.name, spec.tap, checkpoint, device="cpu")
    store = fuse([tmp_path / spec.name for spec in specs], tmp_path / "both")
    found = hear(file_sound(data / f"wav/{NAME}.flac"), [spec.build("cpu") for spec in specs], None, 0.2)
    np.testing.assert_allclose(found.features, store.read(NAME), atol=2e-5)
    frames = 28  # of 80 ms in 2.2 s
    np.testing.assert_allclose(found.voices, Voices(tmp_path / "campplus").read(NAME, frames), atol=2e-5)
    middles = (np.arange(frames) + 0.5) * 0.08
    inside = np.any([(middles >= start) & (middles < end) for start, end in SPEECH], axis=0)
    assert np.array_equal(np.linalg.norm(found.voices, axis=1) > 0.5, inside)
    near = np.any([(middles >= start - 0.2) & (middles < end + 0.2) for start, end in SPEECH], axis=0)
    assert np.array_equal(found.near_speech, near)


def test_a_probe_hears_voices_where_there_is_speech(data, tmp_path) -> None:
    spec = describe_encoder("logmel")
    extract(data, tmp_path / "feats", "logmel", device="cpu")
    save_probe(Probe(spec.dim, 7, "all"), tmp_path / "probe.safetensors")
    sound, probe = file_sound(data / f"wav/{NAME}.flac"), load_projection(tmp_path / "probe.safetensors")
    found = hear(sound, [spec.build("cpu")], probe, 0.0)
    assert found.features.shape == (56, 80) and found.voices.shape == (28, 7)
    everywhere = Voices(tmp_path / "feats", tmp_path / "probe.safetensors").read(NAME, 28)
    np.testing.assert_allclose(found.voices[found.near_speech], everywhere[found.near_speech], atol=1e-5)
    assert not found.voices[~found.near_speech].any() and 0 < found.near_speech.sum() < 28
