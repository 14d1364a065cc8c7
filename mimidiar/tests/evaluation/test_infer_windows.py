"""From a model to RTTM: jobs, interruptions and refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner

from mimidiar.annotation.rttm import read_rttm
from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.stored import infer, read_posteriors, write_hypothesis
from mimidiar.evaluation.tune import tune_on
from mimidiar.features.store import META, MatrixStore
from mimidiar.files import read_json, write_json
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model, model_header
from mimidiar.tests.conversations import DIM, FRAME_HZ, make_conversations
from mimidiar.weight_files import save_weights


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A model file (untrained weights), and the (data, feats) of a set of 20 conversations."""
    root = tmp_path_factory.mktemp("infer")
    data, feats = make_conversations(root, "dev", 20, seed=0)
    config = AdapterConfig(DIM, 16, 1, 2, 32, 0.0)
    torch.manual_seed(0)
    path = root / "model.safetensors"
    save_weights(build_model(config), path, model_header(config, FRAME_HZ, 4.0, read_json(feats / META)))
    return path, data, feats


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes().replace(bytes(folder), b"") for path in sorted(folder.iterdir())}


def test_jobs_and_interruptions_do_not_change_a_byte(trained, tmp_path: Path) -> None:
    model, _, feats = trained
    infer(model, feats, tmp_path / "one")
    for job in ((2, 2), (1, 2), None):
        infer(model, feats, tmp_path / "two", job=job)
    infer(model, feats, tmp_path / "cut")
    (tmp_path / "cut/posteriors.2.ark").unlink()
    infer(model, feats, tmp_path / "cut")
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(tmp_path / "cut")
    store, meta = read_posteriors(tmp_path / "one")
    assert meta["frame_hz"] == 12.5 and len(store) == 20 and store.read("dev-3").shape == (100, 4)
    assert store.read("dev-3").min() > 0 and store.read("dev-3").max() < 1


def test_features_of_another_encoder_are_refused(trained, tmp_path: Path) -> None:
    model, _, own = trained
    _, feats = make_conversations(tmp_path, "dev", 1, seed=0)
    write_json(feats / META, read_json(feats / META) | {"tap": "seanet"})
    with pytest.raises(MimidiarError, match=r"tap is seanet, but .* trained on latent"):
        infer(model, feats, tmp_path / "out")
    with pytest.raises(MimidiarError, match="a hop of 9 s does not fit"):
        infer(model, own, tmp_path / "out", window_sec=4, hop_sec=9)
    with pytest.raises(MimidiarError, match=r"a hop of 0\.03 s does not fit"):
        infer(model, own, tmp_path / "out", window_sec=4, hop_sec=0.03)
    infer(model, own, tmp_path / "out", window_sec=4)
    with pytest.raises(MimidiarError, match="holds posteriors with window_sec = 4"):
        infer(model, own, tmp_path / "out", window_sec=8)


def test_tuned_on_one_set_decides_another_and_never_itself(trained, tmp_path: Path) -> None:
    model, data, feats = trained
    infer(model, feats, tmp_path / "dev")
    line = tune_on(tmp_path / "dev", data, tmp_path / "tuned.yaml")
    assert line.startswith("tuned on dev: threshold")
    assert yaml.safe_load((tmp_path / "tuned.yaml").read_text())["tuned_on"] == "dev"
    with pytest.raises(MimidiarError, match="tuned on dev, which holds 20 of these recordings"):
        write_hypothesis(tmp_path / "dev", tmp_path / "tuned.yaml", tmp_path / "hyp.rttm")
    assert not (tmp_path / "hyp.rttm").exists()
    _, other = make_conversations(tmp_path, "test", 3, seed=1)
    infer(model, other, tmp_path / "test")
    command = ["decide", str(tmp_path / "test"), str(tmp_path), "--tuned", str(tmp_path / "tuned.yaml")]
    assert CliRunner().invoke(cli, command).exit_code == 0
    assert set(read_rttm(tmp_path / "hyp.rttm")) <= {"test-0", "test-1", "test-2"}


def test_posteriors_of_every_reference_recording_are_needed(trained, tmp_path: Path) -> None:
    model, data, _ = trained
    _, other = make_conversations(tmp_path, "test", 1, seed=1)
    infer(model, other, tmp_path / "post")
    assert isinstance(read_posteriors(tmp_path / "post")[0], MatrixStore)
    with pytest.raises(MimidiarError, match=r"no posteriors of \d+ recordings: dev-0"):
        tune_on(tmp_path / "post", data, tmp_path / "tuned.yaml")
    (other / "ref.rttm").write_text("")
    with pytest.raises(MimidiarError, match=r"ref.rttm: nobody speaks in it; tune on a set with a reference"):
        tune_on(tmp_path / "post", other, tmp_path / "tuned.yaml")


def test_windows_give_what_the_model_gives(trained, tmp_path: Path) -> None:
    """A window as long as the recording is one pass of the model."""
    model, _, feats = trained
    infer(model, feats, tmp_path / "whole", window_sec=8, hop_sec=4)
    infer(model, feats, tmp_path / "longer", window_sec=80, hop_sec=40)
    whole, longer = (read_posteriors(tmp_path / name)[0].read("dev-0") for name in ("whole", "longer"))
    assert np.allclose(whole, longer, atol=1e-6)
