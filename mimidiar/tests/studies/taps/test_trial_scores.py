"""Pooling, centring, probes and trial scores."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.models.projection import PROBE_FORMAT, load_projection
from mimidiar.score.trials import read_scores
from mimidiar.score.verify_files import verify_files
from mimidiar.studies.taps.train import Probe, ProbeConfig, train_probe
from mimidiar.studies.taps.trial_scores import embed, pool_utterances
from mimidiar.tests.utterances import make_utterances
from mimidiar.weight_files import fill, load_weights


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("utts")
    return make_utterances(root, "train", 6, 4, seed=0), make_utterances(root, "trials", 5, 4, seed=1)


def eer(folder: Path, data: Path) -> float:
    return verify_files(folder / "scores", data / "trials").document["eer"]


def test_pooling_over_speech_leaves_the_rest_out(sets) -> None:
    _, (data, feats) = sets
    speech, everything = (pool_utterances(data, feats, pooling).vectors["trials-0-0"] for pooling in ("speech", "all"))
    assert np.allclose(everything, (speech + 5.0) / 2, atol=1e-5)
    with pytest.raises(MimidiarError, match="choose one of all, speech"):
        pool_utterances(data, feats, "mean")


def test_scores_are_cosines_of_the_means(sets, tmp_path: Path) -> None:
    train, (data, feats) = sets
    embed(data, feats, tmp_path, pooling="speech", center=train)
    mean = np.mean(list(pool_utterances(*train, "speech").vectors.values()), axis=0)
    vectors = pool_utterances(data, feats, "speech").vectors
    for (a, b), score in list(read_scores(tmp_path / "scores").items())[::17]:
        x, y = vectors[a] - mean, vectors[b] - mean
        assert score == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), abs=1e-5)


def test_the_probe_learns_its_speakers_and_is_scored_on_others(sets, tmp_path: Path) -> None:
    train, (data, feats) = sets
    train_probe(ProbeConfig(pooling="speech", normalize=True, learning_rate=0.05), *train, tmp_path / "probe", seed=1)
    report = json.loads((tmp_path / "probe/train.json").read_text())
    assert report["speakers"] == 6 and report["utterances"] == 24 and report["train_accuracy"] == 1.0
    embed(data, feats, tmp_path / "out", probe_path=tmp_path / "probe/model.safetensors")
    assert json.loads((tmp_path / "out/embedding.json").read_text())["pooling"] == "speech"
    assert eer(tmp_path / "out", data) < 20


def test_the_projection_is_the_probes_layer_without_its_bias(sets, tmp_path: Path) -> None:
    train, _ = sets
    train_probe(ProbeConfig(normalize=True, epochs=3), *train, tmp_path, seed=1)
    tensors, header = load_weights(tmp_path / "model.safetensors", PROBE_FORMAT)
    probe = Probe(header["dim"], header["num_speakers"], header["pooling"])
    fill(probe, tensors, tmp_path)
    pooled = np.random.default_rng(0).normal(size=(5, header["dim"])).astype(np.float32)
    wanted = (probe(torch.from_numpy(pooled)) - probe.linear.bias).detach().numpy()
    assert np.allclose(load_projection(tmp_path / "model.safetensors")(pooled), wanted, atol=1e-5)


def test_scoring_trials_loads_no_torch(sets, tmp_path: Path) -> None:
    train, (data, feats) = sets
    train_probe(ProbeConfig(epochs=1), *train, tmp_path, seed=1)
    program = (
        "import sys; from pathlib import Path; from mimidiar.studies.taps.trial_scores import embed\n"
        "a, b, c, d = map(Path, sys.argv[1:]); embed(a, b, c, probe_path=d)\n"
        "print(sorted({'torch', 'lhotse'} & set(sys.modules)))"
    )
    line = [sys.executable, "-c", program, data, feats, tmp_path / "out", tmp_path / "model.safetensors"]
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_same_seed_gives_the_same_probe(sets, tmp_path: Path) -> None:
    train, _ = sets
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_probe(ProbeConfig(epochs=3), *train, tmp_path / name, seed)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b and a != c


def test_a_probe_of_one_speaker_and_a_probe_of_other_features_are_named(sets, tmp_path: Path) -> None:
    data, feats = make_utterances(tmp_path, "one", 1, 3, seed=0)
    with pytest.raises(MimidiarError, match="1 speaker to train on; a probe needs at least 2"):
        train_probe(ProbeConfig(), data, feats, tmp_path / "p", seed=0)
    result = CliRunner().invoke(cli, ["embed", str(data), str(feats), str(tmp_path), "--probe", str(tmp_path / "none")])
    assert "no such model" in str(result.exception)
