"""Batches are planned for all processes and shared among them; workers change nothing but how long one waits."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.tests.conversations import make_conversations
from mimidiar.training import batches
from mimidiar.training.batches import Loader, SharedBatches
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Conversations, RandomCrops
from mimidiar.training.fit import train
from mimidiar.training.processes import Machine

CONFIG = [
    "model.model_dim=16", "model.num_layers=1", "model.num_heads=2", "model.ff_dim=32", "model.dropout=0.2",
    "crop_sec=4", "batch_size=4", "epochs=3", "warmup_steps=2", "learning_rate=0.01",
]  # fmt: skip


class Numbers(Dataset):
    """What an index is; each takes `wait_sec` by the clock `now_sec`."""

    def __init__(self, wait_sec: float = 0.0):
        self.wait_sec, self.now_sec = wait_sec, 0.0

    def __getitem__(self, index: int) -> int:
        self.now_sec += self.wait_sec
        return index


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_shares_make_up_the_batches_of_one_process(count: int, monkeypatch) -> None:
    """Every item is in one share, shares differ by one at most, and `rows` tells who has nothing of a small batch."""
    alone, shares = list(SharedBatches(range(13), 12)), []
    for rank in range(count):
        monkeypatch.setattr(batches, "rank", lambda rank=rank: rank)
        monkeypatch.setattr(batches, "num_processes", lambda: count)
        plan = SharedBatches(range(13), 12)
        shares.append(list(plan))
        assert len(shares[-1]) == len(plan) == len(alone) == 2
    for index, (batch, *own) in enumerate(zip(alone, *shares, strict=True)):
        rows = plan.rows(index)
        assert rows == len(batch)
        assert sorted(item for share in own[:rows] for item in share) == batch
        assert max(map(len, own[:rows])) - min(map(len, own[:rows])) <= 1
        assert all(share == batch[:1] for share in own[rows:])


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_change_neither_batches_nor_random_numbers(num_workers: int) -> None:
    def epochs(workers: int) -> list:
        torch.manual_seed(3)
        loader, found = Loader(Numbers(), range(10), 4, list, workers), []
        for _ in range(3):
            found.append([*loader, torch.rand(1).item()])
        return found

    assert epochs(num_workers) == epochs(0)
    assert epochs(0)[0][:-1] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_loader_knows_how_long_it_was_waited_for(monkeypatch) -> None:
    """And not how long what is done with its batches takes."""
    numbers = Numbers(0.02)
    monkeypatch.setattr(batches, "time", SimpleNamespace(monotonic=lambda: numbers.now_sec))
    loader = Loader(numbers, range(10), 4, list)
    for _ in loader:
        numbers.now_sec += 1
    assert loader.waited_sec == pytest.approx(10 * 0.02)


def test_a_model_does_not_depend_on_workers_and_says_how_long_it_waited(tmp_path: Path, capsys) -> None:
    sets = [make_conversations(tmp_path, "train", 10, seed=0)], [make_conversations(tmp_path, "dev", 3, seed=1)]
    for workers in (0, 2):
        config = load_config(TrainConfig, None, CONFIG)
        train(config, *sets, tmp_path / str(workers), 1, Machine(num_workers=workers))
        assert "waited for data in " in capsys.readouterr().out
    for name in ("model.safetensors", "log.jsonl"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert "waiting" not in (tmp_path / "0/log.jsonl").read_text()


@pytest.fixture
def two_sets(tmp_path: Path) -> Conversations:
    """Three recordings a-0 ... and five b-0 ..."""
    folders = [make_conversations(tmp_path, name, count, seed=count) for name, count in (("a", 3), ("b", 5))]
    return Conversations(folders, max_speakers=4)


def drawn(crops: RandomCrops, epoch: int) -> dict[str, int]:
    """How often each recording comes in an epoch."""
    crops.set_epoch(epoch)
    names = [crop.recording for crop in crops]
    assert len(names) == len(crops)
    return {name: names.count(name) for name in sorted(set(names))}


def test_a_set_counts_by_its_weight(two_sets: Conversations) -> None:
    thrice = RandomCrops(two_sets, 2.4, per_recording=2, seed=1, weights=[3, 1])
    assert drawn(thrice, 0) == {f"a-{n}": 6 for n in range(3)} | {f"b-{n}": 2 for n in range(5)}
    starts = {crop.start for crop in thrice if crop.recording == "a-0"}
    assert len(starts) > 3  # other crops, not the same again


def test_weights_of_1_change_nothing(two_sets: Conversations) -> None:
    assert list(RandomCrops(two_sets, 2.4, 2, 1, [1, 1])) == list(RandomCrops(two_sets, 2.4, 2, 1))


def test_a_fraction_is_made_up_by_chance_the_same_for_the_same_seed_and_epoch(two_sets: Conversations) -> None:
    def draw(seed: int, epoch: int) -> dict[str, int]:
        return drawn(RandomCrops(two_sets, 2.4, 1, seed, [2, 0.5]), epoch)

    epochs = [draw(1, epoch) for epoch in range(40)]
    own = np.array([[counts.get(f"b-{n}", 0) for n in range(5)] for counts in epochs])
    assert (own.sum(1) == 2).all() and (own <= 1).all()  # 5 x 0.5, rounded
    assert all(counts[f"a-{n}"] == 2 for counts in epochs for n in range(3))
    assert draw(1, 3) == epochs[3] and (own.mean(0) > 0.15).all() and (own.mean(0) < 0.65).all()


def test_what_leaves_no_crop_or_means_no_set_is_named(two_sets: Conversations) -> None:
    with pytest.raises(MimidiarError, match=r"/a: 3 recordings x 1 crops x weight 0\.1 give no crop in an epoch"):
        RandomCrops(two_sets, 2.4, 1, 1, [0.1, 1])
    config = load_config(TrainConfig, None, ["set_weights.ami_*=3", "set_weights.sim_two=0.5"])
    config.check_run("here", 1, ["ami_mix_train", "sim_two", "sim_four"])
    assert [config.weight_of(name) for name in ("ami_sdm_train", "sim_two", "sim_four")] == [3, 0.5, 1]
    with pytest.raises(MimidiarError, match=r"here: set_weights.ami_\* fits no training set; there are sim_two, sim_"):
        config.check_run("here", 1, ["sim_two", "sim_four"])
    config.set_weights["ami_mix*"] = 2.0
    with pytest.raises(MimidiarError, match=r"here: set_weights has ami_\* and ami_mix\* for ami_mix_train; leave one"):
        config.check_run("here", 1, ["ami_mix_train", "sim_two"])
    with pytest.raises(MimidiarError, match="here: set_weights need training sets, and there are none"):
        config.check_run("here", 1, [])
    with pytest.raises(MimidiarError, match=r"here: set_weights\.a is 0.0; it must be above 0, or leave the set out"):
        load_config(TrainConfig, None, ["set_weights.a=0"]).check("here")


def test_a_weighted_run_has_more_steps(tmp_path: Path) -> None:
    """As the command has it, with a set named by a pattern."""
    sets = [make_conversations(tmp_path, name, 4, seed=k) for k, name in enumerate(("ami_train", "sim_train", "dev"))]
    steps = []
    for weight in (1, 3):
        config = load_config(TrainConfig, None, [*CONFIG, "epochs=1", f"set_weights.ami_*={weight}"])
        train(config, sets[:2], sets[2:], tmp_path / str(weight), 1)
        steps.append((tmp_path / str(weight) / "log.jsonl").read_text().count('"step": ' + str(weight + 1)))
    assert steps == [1, 1]  # 4 + 4 crops and 12 + 4 in batches of 4
