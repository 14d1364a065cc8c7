"""An encoder is one file and one line of the registry: one of another frame rate and dimension, from stage 3 to 5."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import SupervisionSegment

from mimidiar.audio.files import read_audio
from mimidiar.data.manifests import file_recording, write_set
from mimidiar.encoders.recordings import encode_chunks
from mimidiar.encoders.registry import ENCODERS, load_encoder
from mimidiar.features.store import FeatureStore, MatrixStore
from mimidiar.files import read_json
from mimidiar.models.build import load_model
from mimidiar.tests.encoders.toy import toy
from mimidiar.tests.recipes import call

RATE, SEC = 16000, 8.0
CONFIG = """
model: {model_dim: 16, num_layers: 1, num_heads: 2, ff_dim: 32, dropout: 0.0}
crop_sec: 4
batch_size: 2
epochs: 1
warmup_steps: 1
"""


def write_talk(root: Path, name: str) -> Path:
    """A set of one conversation: two speakers by turns, one loud and one soft."""
    turns = [(f"{name}-a", 0.0, 2.0, 0.3), (f"{name}-b", 2.5, 5.0, 0.03), (f"{name}-a", 5.5, 8.0, 0.3)]
    sound = np.zeros(round(SEC * RATE))
    for _, start, end, level in turns:
        part = slice(round(start * RATE), round(end * RATE))
        sound[part] = level * np.random.default_rng(0).standard_normal(part.stop - part.start).clip(-3, 3)
    root.mkdir(exist_ok=True)
    soundfile.write(root / f"{name}.wav", sound, RATE)
    segments = [
        SupervisionSegment(f"{name}-{k}", name, start, end - start, speaker=speaker)
        for k, (speaker, start, end, _) in enumerate(turns)
    ]
    write_set(root / name, [file_recording(name, root / f"{name}.wav", RATE, len(sound))], segments)
    return root / name


def test_fifty_frames_a_second_of_seven_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS, "toy", toy)  # the one line
    monkeypatch.delitem(sys.modules, "mimidiar.cli.feats", raising=False)  # whose help lists the encoders
    for name in ("train", "dev", "test"):
        data = write_talk(tmp_path / "data", name)
        call(tmp_path, ["mimidiar", "feats", "extract", str(data), f"feats/{name}", "--encoder", "toy"])
    store = FeatureStore(tmp_path / "feats/test")
    assert (store.frame_hz, store.dim, store.read("test").shape) == (50, 7, (400, 7))
    encoder = load_encoder("toy")
    signal = read_audio(tmp_path / "data/test.wav", encoder.sample_rate)
    assert np.allclose(store.read("test"), np.concatenate(list(encode_chunks(encoder, [signal]))))

    (tmp_path / "train.yaml").write_text(CONFIG)
    sets = ["--train", "data/train", "feats/train", "--dev", "data/dev", "feats/dev"]
    call(tmp_path, ["mimidiar", "train", "model", *sets, "--config", "train.yaml"])
    assert load_model(tmp_path / "model/model.safetensors").frame_hz == 50
    for name in ("dev", "test"):
        call(tmp_path, ["mimidiar", "eval", "infer", "model/model.safetensors", f"feats/{name}", f"exp/{name}"])
    assert MatrixStore(tmp_path / "exp/test/posteriors.scp").read("test").shape == (100, 4)
    call(tmp_path, ["mimidiar", "eval", "tune", "exp/dev", "data/dev", "tuned"])
    call(tmp_path, ["mimidiar", "eval", "binarize", "exp/test", "scores", "--tuned", "tuned/tuned.yaml"])
    call(tmp_path, ["mimidiar", "score", "data/test/ref.rttm", "scores/hyp.rttm", "-o", "scores/collar0"])
    assert read_json(tmp_path / "scores/collar0/score.json")["der"] >= 0
