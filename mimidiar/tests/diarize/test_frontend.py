"""Frames of audio are those of stored features, whatever the encoders and their rates, and however the audio comes."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from mimidiar.audio.files import file_recording, read_audio
from mimidiar.diarize.frontend import AudioFrontend, StoredFeatures
from mimidiar.diarize.pipeline import Frames, join_frames
from mimidiar.diarize.segmenter import SpeechGate
from mimidiar.encoders.registry import describe_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import extract
from mimidiar.features.fused_store import fuse
from mimidiar.models.projection import load_projection
from mimidiar.studies.taps.train import Probe, save_probe
from mimidiar.tests.diarizers import hear_what_is_loud
from mimidiar.tests.encoders.branch.files import write_branch
from mimidiar.tests.encoders.speaker.checkpoints import seeded_campplus
from mimidiar.tests.tones import SPEECH, write_tones

NAME = "v-1-0"


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    hear_what_is_loud(monkeypatch)
    return write_tones(tmp_path / "data", [0, 1], each=1, level=1.0)


def frames_of(frontend: AudioFrontend, data: Path, size: int) -> Frames:
    """By chunks of `size` samples."""
    recording = file_recording(data / f"wav/{NAME}.flac")
    signal = np.concatenate(list(recording.read()))
    stream = frontend.stream(recording.sample_rate)
    parts = [stream.push(signal[start : start + size]) for start in range(0, len(signal), size)]
    return join_frames([*parts, stream.end()])


@pytest.mark.parametrize("size", [100_000, 7001])
@pytest.mark.parametrize(("codec", "tap"), [("logmel", None), ("mimi-random", "latent"), ("mimi-random", "seanet")])
def test_two_encoders_in_one_pass_are_the_two_stores(data, tmp_path, codec, tap, size) -> None:
    weights = tmp_path / "campplus.safetensors"
    save_file(seeded_campplus().state_dict(), weights)
    specs = [describe_encoder(codec, tap), describe_encoder("campplus", "window1.5-hop0.6-speech", weights)]
    for spec, checkpoint in zip((*specs, describe_encoder("vad")), (None, weights, None), strict=True):
        extract(data, tmp_path / spec.name, spec.name, spec.tap, checkpoint, device="cpu")
    fuse([tmp_path / spec.name for spec in specs], tmp_path / "both")
    stored = StoredFeatures(tmp_path / "both", tmp_path / "campplus", tmp_path / "vad").read(NAME)
    found = frames_of(AudioFrontend([spec.build("cpu") for spec in specs], None), data, size)
    assert len(found) == 28  # frames of 80 ms in 2.2 s
    for name, array in stored.arrays().items():
        np.testing.assert_allclose(getattr(found, name), array, atol=2e-5, err_msg=name)
    middles = (np.arange(28) + 0.5) * 0.08
    inside = np.any([(middles >= start) & (middles < end) for start, end in SPEECH], axis=0)
    assert np.abs(found.activity[0].astype(int) - inside).sum() <= 2 * len(SPEECH)  # silero-vad's steps are of 32 ms
    assert np.array_equal(np.linalg.norm(found.embeddings[0], axis=1) > 0.5, found.activity[0])


def test_a_probe_projects_the_codecs_frames(data, tmp_path) -> None:
    spec = describe_encoder("logmel")
    for encoder in ("logmel", "vad"):
        extract(data, tmp_path / encoder, encoder, device="cpu")
    save_probe(Probe(spec.dim, 7, "all"), tmp_path / "probe.safetensors")
    probe = load_projection(tmp_path / "probe.safetensors")
    found = frames_of(AudioFrontend([spec.build("cpu")], probe), data, 9999)
    stored = StoredFeatures(tmp_path / "logmel", tmp_path / "logmel", tmp_path / "vad", probe).read(NAME)
    assert found.features.shape == (1, 28, 160) and found.embeddings.shape == (1, 28, 7)
    for name, array in stored.arrays().items():
        np.testing.assert_allclose(getattr(found, name), array, atol=1e-5, err_msg=name)
    assert 0 < found.activity.sum() < 28


@pytest.mark.parametrize("tap", ["lookahead0", "lookahead3"])
def test_a_branch_says_who_speaks_and_whether_anybody_does(data, tmp_path, tap) -> None:
    """Without silero-vad; vectors and activity are columns of its frames, stored or in one pass of audio."""
    spec = describe_encoder("branch", tap, write_branch(tmp_path / "branch.safetensors"))
    extract(data, tmp_path / "feats", "branch", tap, tmp_path / "branch.safetensors", device="cpu")
    found = frames_of(AudioFrontend([spec.build("cpu")], None), data, 9999)
    stored = StoredFeatures(tmp_path / "feats", tmp_path / "feats", tmp_path / "feats").read(NAME)
    assert found.features.shape == (1, 28, 194) and found.embeddings.shape == (1, 28, 192)
    assert np.array_equal(found.embeddings, found.features[..., :192])
    assert np.array_equal(found.activity, found.features[..., 192] > 0.5)
    for name, array in stored.arrays().items():
        np.testing.assert_allclose(getattr(found, name), array, atol=2e-4, err_msg=name)


def test_no_audio_has_no_frames() -> None:
    stream = AudioFrontend([describe_encoder("logmel").build("cpu")], None).stream(48000)
    assert len(stream.push(np.zeros(1, np.float32))) == 0 and len(stream.end()) <= 1


def test_stores_that_cannot_be_meant_are_refused(data, tmp_path) -> None:
    extract(data, tmp_path / "logmel", "logmel", device="cpu")
    save_probe(Probe(7, 7, "all"), tmp_path / "probe.safetensors")
    with pytest.raises(MimidiarError, match=r"the probe reads 7 dimensions, and .* has 80"):
        StoredFeatures(embeddings=tmp_path / "logmel", probe=load_projection(tmp_path / "probe.safetensors"))
    with pytest.raises(MimidiarError, match="80 columns, which is no speech activity; extract --encoder vad"):
        StoredFeatures(vad=tmp_path / "logmel")
    with pytest.raises(MimidiarError, match="no features of 'nobody'; extract the features of this set"):
        StoredFeatures(tmp_path / "logmel").read("nobody")


def test_the_gate_keeps_posteriors_near_speech_and_says_where_embeddings_count() -> None:
    activity = np.zeros((1, 100), bool)
    activity[0, 20:30] = activity[0, 90:93] = True  # the second is alone, and too short
    lanes = np.full((1, 100, 2, 3), 0.7, np.float32)
    lanes[0, 40:, 1] = np.nan
    frames = Frames(np.ones((1, 100), bool), activity=activity, embeddings=np.ones((1, 100, 4)), lanes=lanes)
    given, _ = SpeechGate(0.5).step(frames, {})
    near = np.zeros(100, bool)
    near[14:36] = True
    assert np.array_equal(given.lanes[0, :, 0, 0] > 0, near)
    assert np.array_equal(np.isnan(given.lanes), np.isnan(lanes))
    assert np.array_equal(given.embedded[0], np.arange(100) // 10 == 2)


def test_signals_of_another_rate_are_resampled_once_for_each_rate(data) -> None:
    """As a whole file is."""
    recording = file_recording(data / f"wav/{NAME}.flac")
    encoder = describe_encoder("mimi-random").build("cpu")
    found = frames_of(AudioFrontend([encoder], None), data, 5000)
    import torch

    audio = torch.from_numpy(read_audio(data / f"wav/{NAME}.flac", 24000))[None]
    wanted, _ = encoder.encode(audio, torch.tensor([audio.shape[1]]))
    np.testing.assert_allclose(found.features[0], wanted[0].numpy(), atol=2e-5)
    assert recording.sample_rate != 24000
