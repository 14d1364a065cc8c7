"""A changed codec against the frozen one: the layers alone against the whole codec, from audio to tokens and back."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from lhotse import SupervisionSegment

from mimidiar.cli import cli
from mimidiar.data.manifests import file_recording, write_set
from mimidiar.encoders.mimi.sizes import MINI
from mimidiar.encoders.mimi.tap import load_mimi
from mimidiar.encoders.mimi.upper_layers import put_top, top_of
from mimidiar.encoders.registry import describe_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import extract
from mimidiar.features.store import META, FeatureStore
from mimidiar.files import read_json, write_json
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model, model_header
from mimidiar.report.make_record import Place, make_record
from mimidiar.report.record import read_record, write_record
from mimidiar.studies.token_drift.drift import make_codebooks, measure_drift
from mimidiar.studies.token_drift.score import drift_document
from mimidiar.tests.encoders.mimi.checkpoints import filled_mimi, save_checkpoint
from mimidiar.tests.matrices import write_matrix_store
from mimidiar.tests.speech import RATE, speech
from mimidiar.weight_files import save_weights

TAP = "transformer.0"
SECONDS = 6.4


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data`: two recordings of speech; `feats` of the tap by a codec with codebooks, `weights.safetensors`."""
    root = tmp_path_factory.mktemp("drift")
    recordings = []
    for seed in (1, 2):
        path = root / f"rec{seed}.wav"
        soundfile.write(path, speech(SECONDS, seed), RATE, subtype="FLOAT")
        recordings.append(file_recording(path.stem, path, RATE, round(SECONDS * RATE)))
    turns = [SupervisionSegment(r.id, r.id, 0.0, SECONDS, speaker=r.id) for r in recordings]
    write_set(root / "data", recordings, turns)
    save_checkpoint(filled_mimi(MINI, seed=5), root / "weights.safetensors")
    extract(root / "data", root / "feats", "mimi-mini", TAP, root / "weights.safetensors", device="cpu")
    return root


def save_model(root: Path, path: Path, factor: float, feats: str = "feats") -> Path:
    """A model whose part of the codec is the frozen one, its weights times `factor`."""
    meta = read_json(root / feats / META)
    checkpoint = root / "weights.safetensors" if meta["encoder"] == "mimi-mini" else None
    top = top_of(describe_encoder(meta["encoder"], TAP, checkpoint).build_codec("cpu"), MINI, 1)
    with torch.no_grad():
        for weight in top.parameters():
            weight.mul_(factor)
    config = AdapterConfig(MINI.dimension, 16, 1, 2, 32, 0.0)
    save_weights(build_model(config, top=top), path, model_header(config, 25.0, 4.0, meta, top=top))
    return path


def test_the_codec_that_did_not_change_has_no_drift_at_all(root, tmp_path: Path) -> None:
    model = save_model(root, tmp_path / "same.safetensors", 1.0)
    drifts, used, protocol = measure_drift(model, root / "data", root / "feats", root / "weights.safetensors")
    document = drift_document(drifts, used, None, protocol)
    wanted = {"token_drift": 0, "frames_changed": 0, "latent_distance": 0, "mel_change_db": 0, "si_sdr_change_db": 120}
    assert {name: document[name] for name in wanted} == wanted
    assert document["n_decoded"] == 2 and min(used) > 10 and protocol["codebooks"] == "the codec's own"


@torch.no_grad()
def test_tokens_and_sound_are_those_of_the_whole_changed_codec(root, tmp_path: Path) -> None:
    model = save_model(root, tmp_path / "changed.safetensors", 1.05)
    drifts, _, _ = measure_drift(model, root / "data", root / "feats", root / "weights.safetensors", decode_sec=99)
    frozen, changed = (load_mimi(root / "weights.safetensors", MINI) for _ in range(2))
    top = top_of(frozen, MINI, 1)
    for weight in top.parameters():
        weight.mul_(1.05)
    put_top(top, changed)
    for seed, drift in zip((1, 2), drifts, strict=True):
        audio = torch.from_numpy(speech(SECONDS, seed).copy())[None, None]
        before, after = (codec.encode(audio)[0] for codec in (frozen, changed))
        wanted = (before != after).sum(1).numpy()
        assert drift.frames == before.shape[1] == 80 and wanted.min() > 0
        # A frame on the edge between two codes may fall to either side by rounding.
        assert np.abs(drift.changed - wanted).max() <= 1
        assert abs(drift.frames_changed - int((before != after).any(0).sum())) <= 1
        sounds = [codec.decode(codes[None])[0, 0] for codec, codes in ((frozen, before), (changed, after))]
        error = (sounds[1] - sounds[0]).square().sum() / sounds[0].square().sum()
        assert drift.sound.si_sdr_change_db == pytest.approx(float(-10 * error.log10()), abs=3)


def test_from_the_command_line_to_a_record(root, tmp_path: Path) -> None:
    model = save_model(root, tmp_path / "model.safetensors", 1.05)
    words = ["drift", model, root / "data", root / "feats", tmp_path / "drift", "--decode-sec", 0]
    done = CliRunner().invoke(cli, [*map(str, words), "--checkpoint", str(root / "weights.safetensors")])
    assert done.exit_code == 0 and "token drift" in done.output, done.output
    document = json.loads((tmp_path / "drift/score.json").read_text())
    record = make_record(tmp_path / "drift", "drift", Place("unfreeze-warm-x", "test", 1))
    assert record.kind == "drift" and record.metrics["token_drift"] == document["token_drift"] > 0
    assert read_record(write_record(tmp_path, record)) == record


def longer(feats: Path, out: Path, times: int = 10) -> Path:
    """A store with each recording again and again, a little different each time: enough frames for codebooks."""
    random, store = np.random.default_rng(0), FeatureStore(feats)
    matrices = [(name, np.tile(store.read(name), (times, 1))) for name in store.keys()]  # noqa: SIM118 (not a dict)
    noisy = [(name, x + 0.03 * x.std() * random.standard_normal(x.shape).astype(np.float32)) for name, x in matrices]
    write_matrix_store(out, "feats", noisy)
    write_json(out / META, read_json(feats / META))
    return out


def test_an_untrained_codec_needs_codebooks_filled_for_it(root, tmp_path: Path) -> None:
    extract(root / "data", tmp_path / "feats", "mimi-random", TAP, device="cpu")
    model = save_model(tmp_path, tmp_path / "model.safetensors", 1.05)
    with pytest.raises(MimidiarError, match="its codebooks are empty; fill them by `mimidiar study codebooks`"):
        measure_drift(model, root / "data", tmp_path / "feats")
    long = longer(tmp_path / "feats", tmp_path / "long")
    books = tmp_path / "books.safetensors"
    assert make_codebooks(long, books, None, seed=0) >= 512
    drifts, used, protocol = measure_drift(model, root / "data", tmp_path / "feats", codebooks=books, decode_sec=0)
    assert min(used) > 1 and sum(drift.changed.sum() for drift in drifts) > 0 and drifts[0].sound is None
    assert protocol["codebooks"] == "k-means of training latents" and len(protocol["codebooks_sha256"]) == 64
    trained = save_model(root, tmp_path / "trained.safetensors", 1.0)
    weights = root / "weights.safetensors"
    with pytest.raises(MimidiarError, match="has codebooks of its own; leave these out"):
        measure_drift(trained, root / "data", root / "feats", weights, codebooks=books)
    with pytest.raises(MimidiarError, match="its codebooks are filled"):
        make_codebooks(root / "feats", tmp_path / "no.safetensors", weights, seed=0)
    assert not (tmp_path / "no.safetensors").exists()


def test_a_frozen_codec_is_refused(root, tmp_path: Path) -> None:
    meta = read_json(root / "feats" / META)
    config = AdapterConfig(2 * MINI.dimension, 16, 1, 2, 32, 0.0)
    save_weights(build_model(config), tmp_path / "plain.safetensors", model_header(config, 25.0, 4.0, meta))
    with pytest.raises(MimidiarError, match="its codec is frozen, so that nothing drifts"):
        measure_drift(tmp_path / "plain.safetensors", root / "data", root / "feats")
