"""Batches: planned for all processes together, shared among them, and loaded in advance."""

import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from mimidiar.training.processes import num_processes, rank


class Draw(NamedTuple):
    """The name of an item that is drawn anew in each epoch."""

    epoch: int
    index: int


class EpochSampler(Sampler):
    """A sampler with other draws in each `epoch`."""

    epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning at the start of an epoch."""
        self.epoch = epoch


class EpochDraws(EpochSampler):
    """All draws of an epoch; the next epoch has others."""

    def __init__(self, count: int):
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Draw]:
        return (Draw(self.epoch, index) for index in range(self.count))


class SharedBatches(Sampler[list]):
    """Batches of `size` draws of a sampler, the last one with the rest; of each batch the share of this process.

    Shares are every n-th item, so that they differ by one at most. The plan does not depend on processes: with any
    number of them a batch has the same items in the same order. A process without an item in a small last batch gets
    its first item, to keep step with the others; by `rows` it does not count.
    """

    def __init__(self, sampler: Sampler, size: int):
        self.sampler, self.size = sampler, size  # Lightning looks for `sampler`, to set its epoch

    def __len__(self) -> int:
        return math.ceil(len(self.sampler) / self.size)

    def rows(self, index: int) -> int:
        """Items of batch `index` in all processes together."""
        return min(self.size, len(self.sampler) - index * self.size)

    def __iter__(self) -> Iterator[list]:
        items = iter(self.sampler)
        while batch := list(islice(items, self.size)):
            yield batch[rank() :: num_processes()] or batch[:1]


class Loader(DataLoader):
    """Loads `SharedBatches`, with workers or without, and measures the time spent waiting for it.

    The batches, and the state of torch's random numbers after each, do not depend on the number of workers.
    """

    def __init__(
        self,
        data: Dataset,
        sampler: Sampler,
        batch_size: int,
        collate: Callable[[list], Any],
        num_workers: int = 0,
        pin_memory: bool = False,
    ):
        super().__init__(
            data,
            batch_sampler=SharedBatches(sampler, batch_size),
            collate_fn=collate,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            pin_memory=pin_memory,
        )
        self.waited_sec = 0.0

    def __iter__(self) -> Iterator[Any]:
        # A new iterator draws one number from torch. A reused one must do so, too, or dropout would differ.
        if self.persistent_workers and self._iterator is not None:
            torch.empty((), dtype=torch.int64).random_()
        return self._timed(super().__iter__())

    def _timed(self, batches: Iterator[Any]) -> Iterator[Any]:
        while True:
            began = time.monotonic()
            batch = next(batches, None)
            self.waited_sec += time.monotonic() - began
            if batch is None:
                return
            yield batch
