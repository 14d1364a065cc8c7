"""Several processes learn what one does: the same losses, whatever is trained, and after an interruption."""

import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mimidiar.config import load_config, save_config
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import fuse
from mimidiar.tests.conversations import make_conversations
from mimidiar.tests.tapped import make_tapped
from mimidiar.tests.training.mixed import make_mixtures
from mimidiar.tests.training.together import Sets, assert_same_losses, log, start, wait
from mimidiar.tests.training.voices import add_voices
from mimidiar.training.config import TrainConfig
from mimidiar.training.fit import train
from mimidiar.training.mixtures import on_mixtures
from mimidiar.training.processes import agreed_processes, take_gpu
from mimidiar.training.trainer import ReseedEachEpoch

# Fourteen recordings in batches of six: the last batch has two, of which a third process gets nothing. Those that are
# watched make nine crops: in the last batch the second process has nothing either.
SMALL = [
    "model.model_dim=16", "model.num_layers=1", "model.num_heads=2", "model.ff_dim=32", "model.dropout=0",
    "model.attention_dropout=0", "crop_sec=4", "batch_size=6", "epochs=2", "learning_rate=0.01", "warmup_steps=2",
]  # fmt: skip
CLUSTERING = ["clustering_weight=0.5", "clustering_layer=1", "clustering_dim=3"]
LAUNCHERS = {
    "mimidiar": ["train", "--processes=2"],
    "torchrun": ["--nproc-per-node=2", "-m", "mimidiar.cli", "train"],
}
UNFREEZE = ["unfreeze.layers=1", "unfreeze.history_sec=2", "unfreeze.learning_rate=0.001", "unfreeze.near_weight=1"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def sets(root: Path) -> tuple[Sets, Sets]:
    return [make_conversations(root, "train", 14, seed=0)], [make_conversations(root, "dev", 3, seed=1, frames=120)]


def fused(sets: tuple[Sets, Sets], root: Path) -> tuple[Sets, Sets]:
    found = []
    for seed, ((data, feats),) in enumerate(sets):
        fuse((feats, add_voices(data, feats, seed)), root / "fused" / data.name)
        found.append([(data, root / "fused" / data.name)])
    return tuple(found)


@pytest.mark.parametrize("kind", ["conversations", "fusion", "unfreeze", "mixtures"])
def test_losses_are_those_of_one_process(kind: str, sets, root: Path, tmp_path: Path) -> None:
    """Also of what has sums of its own, and where a process has nothing in the last batch."""
    train_sets, dev_sets = sets
    changes, options = CLUSTERING, {}
    if kind == "fusion":
        changes, (train_sets, dev_sets) = ["fusion.anchors=3", "sort_weight=0"], fused(sets, root)
    elif kind == "unfreeze":
        train_sets = [make_tapped(tmp_path, "train", 7, seed=0)]
        changes, dev_sets = [*UNFREEZE, *CLUSTERING], [make_tapped(tmp_path, "dev", 3, seed=1)]
    elif kind == "mixtures":
        data, dev = make_mixtures(tmp_path)
        changes, train_sets, dev_sets = ["mixtures.count=7", "model.max_speakers=2"], [], [dev]
        options = {"on_the_fly": partial(on_mixtures, data=data)}
    several = 3 if kind == "conversations" else 2
    for processes in (1, several):
        config = load_config(TrainConfig, None, [*SMALL, *changes])
        run = start(config, train_sets, dev_sets, tmp_path / str(processes), processes, **options)
        assert wait(run) == [0] * processes
    assert_same_losses(tmp_path / str(several), tmp_path / "1")


def test_what_one_process_has_begun_two_finish(sets, tmp_path: Path, monkeypatch) -> None:
    config = load_config(TrainConfig, None, [*SMALL, *CLUSTERING, "epochs=3"])
    train(config, *sets, tmp_path / "whole", 1)

    def power_cut(callback: ReseedEachEpoch, trainer, _) -> None:
        if trainer.current_epoch == 1:
            raise RuntimeError("power cut")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power cut"):
        patch.setattr(ReseedEachEpoch, "on_train_epoch_start", power_cut)
        train(config, *sets, tmp_path / "cut", 1)
    assert len(log(tmp_path / "cut")) == 1
    assert wait(start(config, *sets, tmp_path / "cut", 2)) == [0, 0]
    assert_same_losses(tmp_path / "cut", tmp_path / "whole")
    finished = [json.loads((tmp_path / name / "finished.json").read_text()) for name in ("cut", "whole")]
    assert finished[0]["best_epoch"] == finished[1]["best_epoch"]


@pytest.mark.parametrize("victim", [pytest.param(0, marks=pytest.mark.long), 1])
def test_processes_that_were_killed_go_on_and_end_in_the_same_weights(victim: int, sets, tmp_path: Path) -> None:
    """When one of them dies the others end, too; the next run draws the same dropout in each."""
    config = load_config(TrainConfig, None, [*SMALL, *CLUSTERING, "model.dropout=0.2", "epochs=6"])
    assert wait(start(config, *sets, tmp_path / "whole", 2)) == [0, 0]
    run = start(config, *sets, tmp_path / "cut", 2, hold=(victim, 5))
    while not (tmp_path / "cut/log.jsonl").exists() or len(log(tmp_path / "cut")) < 2:
        assert all(member.is_alive() for member in run)
        time.sleep(0.005)
    run[victim].kill()
    codes = wait(run)
    assert codes[victim] == -signal.SIGKILL and codes[1 - victim] != 0
    assert not (tmp_path / "cut/finished.json").exists()
    assert wait(start(config, *sets, tmp_path / "cut", 2)) == [0, 0]
    for name in ("model.safetensors", "log.jsonl", "finished.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.long
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_both_ways_to_start_several(launcher: str, sets, tmp_path: Path) -> None:
    (train_set,), (dev_set,) = sets
    save_config(load_config(TrainConfig, None, [*SMALL, "epochs=1"]), tmp_path / "train.yaml")
    config = load_config(TrainConfig, tmp_path / "train.yaml")
    train(config, *sets, tmp_path / "one", 1)
    command = [Path(sys.executable).with_name(launcher), *LAUNCHERS[launcher]]
    command += [tmp_path / "two", "--train", *train_set, "--dev", *dev_set, "--config", tmp_path / "train.yaml"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("waited for data in ") == 1 and "MEMBER: 2/2" in done.stderr
    assert_same_losses(tmp_path / "two", tmp_path / "one")


def test_each_process_draws_noise_of_its_own() -> None:
    def draw(epoch: int, rank: int) -> float:
        ReseedEachEpoch(7).on_train_epoch_start(SimpleNamespace(current_epoch=epoch, global_rank=rank), None)
        return torch.rand(1).item()

    drawn = {(epoch, rank): draw(epoch, rank) for epoch in range(3) for rank in range(3)}
    assert len(set(drawn.values())) == 9
    assert all(draw(*which) == value for which, value in drawn.items())


def test_a_batch_must_be_shared_equally() -> None:
    with pytest.raises(MimidiarError, match=r"here: batch_size is 8, which 3 processes cannot .* a multiple of 3"):
        load_config(TrainConfig).check_run("here", 3, ["a"])
    load_config(TrainConfig).check_run("here", 4, ["a"])


def test_the_command_and_torchrun_must_agree(monkeypatch) -> None:
    assert agreed_processes(None) == 1 and agreed_processes(3) == 3
    for name, value in {"LOCAL_RANK": "0", "RANK": "2", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert agreed_processes(None) == agreed_processes(4) == 4
    with pytest.raises(MimidiarError, match="--processes 2, but torchrun started 4"):
        agreed_processes(2)


@pytest.mark.gpu
def test_two_gpus(sets, tmp_path: Path) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("this machine has no two GPUs")
    (train_set,), (dev_set,) = sets
    save_config(load_config(TrainConfig, None, SMALL), tmp_path / "train.yaml")
    for processes in ("1", "2"):
        command = ["mimidiar", "train", tmp_path / processes, "--train", *train_set, "--dev", *dev_set]
        command += ["--config", tmp_path / "train.yaml", "--device=cuda", f"--processes={processes}"]
        subprocess.run(list(map(str, command)), check=True, timeout=300)
    assert_same_losses(tmp_path / "2", tmp_path / "1")


def test_more_gpus_than_there_are_is_an_error() -> None:
    there = torch.cuda.device_count()
    with pytest.raises(MimidiarError, match=rf"{there + 1} processes on GPUs, but this machine has {there}"):
        take_gpu(there + 1)
