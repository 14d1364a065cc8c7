"""Training in processes of their own, one or several together, as torchrun starts them; what they learn is the same."""

import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
from safetensors.numpy import load_file

from mimidiar.training.config import TrainConfig
from mimidiar.training.fit import train
from mimidiar.training.processes import Machine
from mimidiar.training.trainer import ReseedEachEpoch

Sets = Sequence[tuple[Path, Path]]


def start(
    config: TrainConfig,
    train_sets: Sets,
    dev_sets: Sets,
    folder: Path,
    processes: int = 1,
    hold: tuple[int, int] | None = None,
    **options,
) -> list[BaseProcess]:
    """Begin a run of the adapter with seed 1; `hold` as of `begin`."""
    arguments = config, train_sets, dev_sets, folder, 1, Machine(processes=processes)
    return begin(train, arguments, options, processes, hold)


def begin(
    function: Callable,
    arguments: tuple,
    options: dict[str, Any],
    processes: int,
    hold: tuple[int, int] | None = None,
) -> list[BaseProcess]:
    """Begin a run, from a server that has imported Lightning once and has no threads to fork.

    `hold` (rank, epoch): that process never begins that epoch, so that however late it is killed, it has not finished.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["mimidiar.training.fit", "mimidiar.studies.codec_training.loop"])
    port = free_port()
    members = [
        context.Process(target=take_part, args=(rank, processes, port, hold, function, arguments, options))
        for rank in range(processes)
    ]
    for member in members:
        member.start()
    return members


def take_part(
    rank: int,
    processes: int,
    port: int,
    hold: tuple[int, int] | None,
    function: Callable,
    arguments: tuple,
    options: dict[str, Any],
) -> None:
    """What one process does: train, and know of the others what torchrun would tell it."""
    if processes > 1:
        told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
        told |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
        os.environ.update({name: str(value) for name, value in told.items()})
    if hold and hold[0] == rank:
        hold_back(hold[1])
    function(*arguments, **options)


def hold_back(epoch: int) -> None:
    """Wait at the start of an epoch for a signal; of TERM Lightning takes note, and ends the run after a batch."""
    begin_epoch = ReseedEachEpoch.on_train_epoch_start

    def wait_and_begin(callback: ReseedEachEpoch, trainer: L.Trainer, task: L.LightningModule) -> None:
        while trainer.current_epoch == epoch and not trainer.received_sigterm:
            time.sleep(0.01)
        begin_epoch(callback, trainer, task)

    ReseedEachEpoch.on_train_epoch_start = wait_and_begin


def wait(members: list[BaseProcess]) -> list[int]:
    """The exit codes of a run's processes."""
    for member in members:
        member.join(timeout=600)
    if hung := [member for member in members if member.is_alive()]:
        for member in hung:
            member.kill()
        raise AssertionError(f"{len(hung)} of {len(members)} training processes hang")
    return [member.exitcode for member in members]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def assert_same_losses(folder: Path, reference: Path) -> None:
    """Every number of every epoch to 1e-4 of the model's units, percents of errors to 1e-2."""
    ours, theirs = log(folder), log(reference)
    assert len(ours) == len(theirs) and {"train_loss", "val_loss", "val_der"} < ours[0].keys()
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() == other.keys()
        for name, value in other.items():
            assert mine[name] == pytest.approx(value, abs=1e-2 if name == "val_der" else 1e-4), name
    weights = load_file(reference / "model.safetensors")
    for name, values in load_file(folder / "model.safetensors").items():
        np.testing.assert_allclose(values, weights[name], atol=2e-3, err_msg=name)
