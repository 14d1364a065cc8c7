"""Batches are planned for all processes and shared among them; workers change nothing but how long one waits."""

import time
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset

from mimidiar.config import load_config
from mimidiar.tests.conversations import make_conversations
from mimidiar.train import batches
from mimidiar.train.batches import Loader, SharedBatches
from mimidiar.train.config import TrainConfig
from mimidiar.train.fit import train
from mimidiar.train.processes import Machine

CONFIG = [
    "model.model_dim=16", "model.num_layers=1", "model.num_heads=2", "model.ff_dim=32", "model.dropout=0.2",
    "crop_sec=4", "batch_size=4", "epochs=3", "warmup_steps=2", "learning_rate=0.01",
]  # fmt: skip


class Numbers(Dataset):
    """What an index is, after a while."""

    def __init__(self, wait_sec: float = 0.0):
        self.wait_sec = wait_sec

    def __getitem__(self, index: int) -> int:
        time.sleep(self.wait_sec)
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


def test_a_loader_knows_how_long_it_was_waited_for() -> None:
    slow, quick = Loader(Numbers(0.02), range(10), 4, list), Loader(Numbers(), range(10), 4, list)
    assert [len(list(slow)), len(list(quick))] == [3, 3]
    assert slow.waited_sec >= 0.2 and quick.waited_sec < slow.waited_sec


def test_a_model_does_not_depend_on_workers_and_says_how_long_it_waited(tmp_path: Path, capsys) -> None:
    sets = [make_conversations(tmp_path, "train", 10, seed=0)], [make_conversations(tmp_path, "dev", 3, seed=1)]
    for workers in (0, 2):
        config = load_config(TrainConfig, None, CONFIG)
        train(config, *sets, tmp_path / str(workers), 1, Machine(num_workers=workers))
        assert "waited for data in " in capsys.readouterr().out
    for name in ("model.safetensors", "log.jsonl"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert "waiting" not in (tmp_path / "0/log.jsonl").read_text()
