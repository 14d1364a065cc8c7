"""Training: it learns, it stops early, and a killed run ends where an undisturbed one does."""

import json
import signal
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.tests.conversations import make_conversations
from mimidiar.tests.training.together import start, wait
from mimidiar.training.config import TrainConfig
from mimidiar.training.fit import train

CONFIG = """
model: {model_dim: 16, num_layers: 1, num_heads: 2, ff_dim: 32, dropout: 0.2, feature_noise: 0.3}
crop_sec: 4
batch_size: 4
epochs: 6
patience: 6
learning_rate: 0.01
warmup_steps: 4
clustering_weight: 0.5
clustering_layer: 1
clustering_dim: 3
"""


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Path, Path], tuple[Path, Path]]:
    root = tmp_path_factory.mktemp("train")
    (root / "train.yaml").write_text(CONFIG)
    return root, make_conversations(root, "train", 24, seed=0), make_conversations(root, "dev", 6, seed=1)


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def count_epochs(folder: Path) -> int:
    return len(log(folder)) if (folder / "log.jsonl").exists() else 0


def test_a_killed_run_goes_on_and_ends_in_the_same_weights(sets, tmp_path: Path) -> None:
    root, train_set, dev_set = sets
    run = load_config(TrainConfig, root / "train.yaml"), [train_set], [dev_set]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert wait(start(*run, whole)) == [0]
    for epochs, end, code in ((1, "kill", -signal.SIGKILL), (3, "terminate", 128 + signal.SIGTERM)):
        (process,) = start(*run, cut, hold=(0, 5))
        while process.is_alive() and count_epochs(cut) < epochs:
            time.sleep(0.005)
        getattr(process, end)()
        assert wait([process]) == [code]
    assert not (cut / "finished.json").exists()
    assert wait(start(*run, cut)) == [0]
    assert [line["epoch"] for line in log(cut)] == list(range(6))
    assert log(cut) == log(whole)
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (cut / "finished.json").read_bytes() == (whole / "finished.json").read_bytes()


def test_it_learns_and_keeps_the_best_epoch(sets, tmp_path: Path) -> None:
    root, train_set, dev_set = sets
    plain = ["epochs=30", "model.dropout=0.0", "sort_weight=0.0", "model.feature_noise=0.0"]
    config = load_config(TrainConfig, root / "train.yaml", plain)
    train(config, [train_set], [dev_set], tmp_path / "m", seed=1)
    losses = [line["val_loss"] for line in log(tmp_path / "m")]
    assert min(losses) < 0.7 * losses[0]
    finished = json.loads((tmp_path / "m" / "finished.json").read_text())
    assert finished["best_epoch"] == losses.index(min(losses))
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        "config.yaml", "finished.json", "last.ckpt", "log.jsonl", "model.safetensors", "seed.json", "tensorboard"
    }  # fmt: skip


def test_it_stops_when_nothing_gets_better(sets, tmp_path: Path) -> None:
    root, train_set, dev_set = sets
    config = load_config(TrainConfig, root / "train.yaml", ["learning_rate=1e-30", "epochs=50", "patience=2"])
    train(config, [train_set], [dev_set], tmp_path / "m", seed=1)
    assert len(log(tmp_path / "m")) < 10


def test_a_run_that_stopped_early_stays_as_it_is(sets, tmp_path: Path) -> None:
    """Also when it was killed after its last checkpoint, before it could say that it was finished."""
    root, train_set, dev_set = sets
    folder = tmp_path / "m"
    # With a rate of 0 the loss never gets better than in the first epoch; a longer run would write a later one.
    config = load_config(TrainConfig, root / "train.yaml", ["learning_rate=1e-30", "epochs=9", "patience=2"])
    train(config, [train_set], [dev_set], folder, seed=1)
    names = ["model.safetensors", "log.jsonl", "finished.json", "last.ckpt"]
    before = {name: (folder / name).read_bytes() for name in names}
    assert len(log(folder)) < 9
    for leave_out in ([], ["finished.json"]):
        for name in leave_out:
            (folder / name).unlink()
        train(config, [train_set], [dev_set], folder, seed=1)
        assert {name: (folder / name).read_bytes() for name in names} == before


def test_a_model_that_cannot_be_built_leaves_no_folder(sets, tmp_path: Path) -> None:
    root, train_set, dev_set = sets
    config = load_config(TrainConfig, root / "train.yaml", ["model.norm=mid"])
    with pytest.raises(MimidiarError, match="norm is 'mid'"):
        train(config, [train_set], [dev_set], tmp_path / "m", seed=1)
    assert not (tmp_path / "m").exists()


def test_a_loss_that_is_no_number_is_an_error(sets, tmp_path: Path) -> None:
    root, train_set, dev_set = sets
    config = load_config(TrainConfig, root / "train.yaml", ["learning_rate=1e30", "warmup_steps=1", "clip_norm=1e30"])
    with pytest.raises(MimidiarError, match="no number from the start"):
        train(config, [train_set], [dev_set], tmp_path / "m", seed=1)
    assert not (tmp_path / "m" / "finished.json").exists()


def test_another_seed_gives_other_weights_and_is_refused_in_the_same_folder(sets, tmp_path: Path) -> None:
    root, train_set, dev_set = sets
    config = load_config(TrainConfig, root / "train.yaml", ["epochs=1"])
    for seed in (1, 2):
        train(config, [train_set], [dev_set], tmp_path / str(seed), seed)
    weights = [load_file(tmp_path / seed / "model.safetensors")["output.weight"] for seed in ("1", "2")]
    assert (weights[0] != weights[1]).any()
    with pytest.raises(MimidiarError, match="another configuration or seed"):
        train(config, [train_set], [dev_set], tmp_path / "1", seed=2)
    config.learning_rate = 0.5
    with pytest.raises(MimidiarError, match="another configuration or seed"):
        train(config, [train_set], [dev_set], tmp_path / "2", seed=2)


@pytest.mark.parametrize(
    "key",
    [
        "sort_weight=1.5",
        "model.feature_noise=-1",
        "schedule=linear",
        "crop_sec=0",
        "batch_size=-1",
        "clustering_weight=-1",
        "clustering_dim=0",
        "warmup_steps=-1",
    ],
)
def test_values_that_make_no_sense_are_named(key: str) -> None:
    with pytest.raises(MimidiarError, match=f"here: {key.split('=')[0]} is"):
        load_config(TrainConfig, None, [key]).check("here")
