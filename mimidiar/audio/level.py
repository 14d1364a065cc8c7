"""The gain of very quiet or very loud recordings: one causal step on samples, the same offline and streaming.

It is exactly 1 where speech is between -40 and -10 dBFS. Speech is what its energy says: blocks of 80 ms above the
quieter ones of late, whose levels vary as those of words and syllables do. So a stationary noise is not amplified, a
slammed door or a dropout changes little, and all but the range is invariant to the level. Where somebody speaks up
after a long whisper, the gain is turned down from the next block on.
"""

import math
from dataclasses import dataclass

import numpy as np

BLOCK_SEC = 0.08
HISTORY, FLOOR_PERCENTILE = 375, 10  # the floor is this percentile of the blocks of half a minute that are not zero
ABOVE_FLOOR_DB = 6.0  # of a block with speech
TIMES = 6  # blocks of speech before there is a level: half a second
MEMORY, PERCENTILE = 250, 80  # the level is this percentile of as many blocks of speech, 20 s: near their mean power
LEAST_SPREAD_DB = 5.0  # from the 20th to the 90th percentile of these: a hum or a hiss has less
LOWEST_DB, HIGHEST_DB = -40.0, -10.0  # levels at which a gain ends
BELOW_DB, ABOVE_DB = -52.0, -4.0  # levels at which a gain begins: short of it, a level is a guess
TARGET_DB = -25.0
LARGEST_DB = 80.0
TOO_LOUD_DB = -10.0  # of a block that was amplified


class Recent:
    """The last `size` numbers."""

    def __init__(self, size: int):
        self._values, self._next, self.count = np.empty(size), 0, 0

    def add(self, value: float) -> None:
        self._values[self._next % len(self._values)] = value
        self._next += 1
        self.count = min(self._next, len(self._values))

    def percentiles(self, *shares: int) -> list[float]:
        """Of those that are there, by the nearest rank below."""
        ranks = [(self.count - 1) * share // 100 for share in shares]
        sorted_there = np.partition(self._values[: self.count], ranks)
        return [float(sorted_there[rank]) for rank in ranks]


@dataclass
class LevelGain:
    """The gain of one signal at `sample_rate`: each block's is decided by the blocks before it."""

    sample_rate: int

    def __post_init__(self) -> None:
        self._block = max(1, round(BLOCK_SEC * self.sample_rate))
        self._parts: list[np.ndarray] = []  # of the block that is not whole yet
        self._filled = 0
        self._history, self._levels = Recent(HISTORY), Recent(MEMORY)
        self._gains = (1.0, 1.0)  # at the beginning and at the end of that block

    def step(self, samples: np.ndarray) -> np.ndarray:
        """The next samples (n,) float32, multiplied; the very same array where the gain is 1 for all of them."""
        starts, gains, at = [], [], 0
        while at < len(samples):
            part = samples[at : at + self._block - self._filled]
            starts.append(at - self._filled)
            gains.append(self._gains)
            self._parts.append(part)
            self._filled += len(part)
            at += len(part)
            if self._filled == self._block:
                power = float(np.square(np.concatenate(self._parts), dtype=np.float64).mean())
                self._gains = self._gains[1], self._decide(power)
                self._parts, self._filled = [], 0
        if all(pair == (1.0, 1.0) for pair in gains):
            return samples
        edges = [*starts, starts[-1] + self._block]
        values = [pair[0] for pair in gains] + [gains[-1][1]]
        return samples * np.interp(np.arange(len(samples)), edges, values).astype(np.float32)

    def _decide(self, power: float) -> float:
        """The gain after a block of this power."""
        before = self._gains[1]
        if power <= 0:
            return before
        level = 10 * math.log10(power)
        self._history.add(level)
        if before > 1 and level + 20 * math.log10(before) > TOO_LOUD_DB:
            self._levels = Recent(MEMORY)  # another speaker, or a slam: the level is to be learned anew
            self._levels.add(level)
            return self._bounded(level)
        (floor,) = self._history.percentiles(FLOOR_PERCENTILE)
        if level < floor + ABOVE_FLOOR_DB:
            return before
        self._levels.add(level)
        return self._gain(before)

    def _gain(self, before: float) -> float:
        if self._levels.count < TIMES:
            return before
        low, level, high = self._levels.percentiles(20, PERCENTILE, 90)
        if high - low < LEAST_SPREAD_DB:
            return before
        return self._bounded(level)

    def _bounded(self, level: float) -> float:
        """The gain that a level asks for."""
        low, high = (BELOW_DB, ABOVE_DB) if self._gains[1] == 1 else (LOWEST_DB, HIGHEST_DB)
        if low <= level <= high:
            return 1.0
        return 10 ** (min(max(TARGET_DB - level, -LARGEST_DB), LARGEST_DB) / 20)
