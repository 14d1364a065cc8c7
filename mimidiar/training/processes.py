"""The processes that train one model together: their number, this one's rank, and their sums.

Each has its share of every global batch, and gradients are averaged over processes. A loss is a mean over frames of the
whole batch, though, and shares differ in frames: the mean of their means is not the mean of all. So a process divides
the sum over its share by the mean count of all shares (`per_process`). The mean of these quotients, and of their
gradients, equals that of one process with the whole batch.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch import distributed as dist

from mimidiar.errors import MimidiarError

PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Machine:
    """The resources of a run. They change the last digits of the weights, and are therefore in no configuration."""

    device: str = "cpu"  # auto, cpu or cuda
    processes: int = 1  # each with its own GPU on cuda
    num_workers: int = 0  # that read data for each process


def agreed_processes(wanted: int | None) -> int:
    """The number of training processes: those launched with this one, else `wanted`, else 1.

    Raises MimidiarError when both are known and differ.
    """
    there = launched()
    if there is None:
        return wanted or 1
    if wanted not in (None, there):
        raise MimidiarError(f"--processes {wanted}, but torchrun started {there}; leave --processes out")
    return there


def launched() -> int | None:
    """The number of processes of the launcher that started this one; None without a launcher."""
    return int(os.environ["WORLD_SIZE"]) if {"LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys() else None


def processes_here(processes: int) -> int:
    """The number of them on this machine: all, unless torchrun gives another."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", processes)) if launched() else processes


def rank() -> int:
    """The number of this process, from 0; the first one alone writes."""
    if is_connected():
        return dist.get_rank()
    return int(os.environ.get("RANK", os.environ["LOCAL_RANK"])) if launched() else 0


def num_processes() -> int:
    """Processes that are connected with each other; 1 before they are."""
    return dist.get_world_size() if is_connected() else 1


def is_connected() -> bool:
    """Whether sums are over several processes."""
    return dist.is_available() and dist.is_initialized()


def disconnect() -> None:
    """After training, whether or not there were several processes."""
    if is_connected():
        dist.destroy_process_group()


def total(x: Tensor) -> Tensor:
    """The sum of x over all processes, without gradient; all of them must call it. Of a single process, x itself."""
    if not is_connected():
        return x
    x = x.detach().clone()
    dist.all_reduce(x)
    return x


def per_process(x: Tensor) -> Tensor:
    """The mean of x over all processes, likewise."""
    return total(x) / num_processes() if is_connected() else x


def copy_from_first(tensors: Iterable[Tensor]) -> None:
    """Copy these tensors from the first process to all others."""
    if is_connected():
        for tensor in tensors:
            dist.broadcast(tensor, 0)


def end_with_launcher() -> None:
    """End this process when its launcher is killed (Linux), so that none continues to write unseen."""
    if launched() and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def take_gpu(processes: int) -> None:
    """Make `cuda` this process's own GPU. MimidiarError unless this machine has one for each of its processes."""
    wanted, there = processes_here(processes), torch.cuda.device_count()
    if there < wanted:
        raise MimidiarError(f"{wanted} processes on GPUs, but this machine has {there}; take fewer processes")
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) if launched() else 0)
