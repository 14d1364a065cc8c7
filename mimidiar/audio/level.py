"""The gain of very quiet or very loud recordings: one causal step on samples, the same offline and streaming.

It is exactly 1 where speech is between -40 and -10 dBFS. The level is a percentile over blocks of 80 ms that are speech
by their energy alone: some dB above the quietest of late. So a stationary noise is never amplified, a slammed door
changes little, and all but the range is invariant to the level.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

BLOCK_SEC = 0.08
ABOVE_FLOOR_DB = 6.0  # of a block with speech, over the quietest block of late
FLOOR_RISE_DB = 0.12  # a block: 1.5 dB a second
TIMES = 6  # blocks of speech before there is a level: half a second
MEMORY, PERCENTILE = 250, 80  # the level is this percentile of as many blocks of speech, 20 s: near their mean power
LOWEST_DB, HIGHEST_DB = -40.0, -10.0  # levels at which a gain ends
BELOW_DB, ABOVE_DB = -52.0, -4.0  # levels at which a gain begins: short of it, a level is a guess
TARGET_DB = -25.0
LARGEST_DB = 80.0


@dataclass
class LevelGain:
    """The gain of one signal at `sample_rate`: each block's is decided by the blocks before it."""

    sample_rate: int

    def __post_init__(self) -> None:
        self._block = max(1, round(BLOCK_SEC * self.sample_rate))
        self._filled, self._energy = 0, 0.0  # of the block that is not whole yet
        self._floor, self._levels = np.inf, deque(maxlen=MEMORY)
        self._gains = (1.0, 1.0)  # at the beginning and at the end of that block

    def step(self, samples: np.ndarray) -> np.ndarray:
        """The next samples (n,) float32, multiplied; the very same array where the gain is 1 for all of them."""
        starts, gains, at = [], [], 0
        while at < len(samples):
            part = samples[at : at + self._block - self._filled]
            starts.append(at - self._filled)
            gains.append(self._gains)
            self._energy += float(np.dot(part, part))
            self._filled += len(part)
            at += len(part)
            if self._filled == self._block:
                self._gains = self._gains[1], self._decide(self._energy / self._block)
                self._filled, self._energy = 0, 0.0
        if all(pair == (1.0, 1.0) for pair in gains):
            return samples
        return samples * self._curve(starts, gains, len(samples))

    def _curve(self, starts: list[int], gains: list[tuple[float, float]], count: int) -> np.ndarray:
        """The gain of each of `count` samples: a line from block to block."""
        edges = [*starts, starts[-1] + self._block]
        values = [pair[0] for pair in gains] + [gains[-1][1]]
        return np.interp(np.arange(count), edges, values).astype(np.float32)

    def _decide(self, power: float) -> float:
        """The gain after a block of this power."""
        before = self._gains[1]
        if power <= 0:
            return before
        level = 10 * np.log10(power)
        self._floor = min(level, self._floor + FLOOR_RISE_DB)
        if level < self._floor + ABOVE_FLOOR_DB:
            return before
        self._levels.append(level)
        return self._gain(before) if len(self._levels) >= TIMES else before

    def _gain(self, before: float) -> float:
        low, high = (BELOW_DB, ABOVE_DB) if before == 1 else (LOWEST_DB, HIGHEST_DB)
        level = np.percentile(self._levels, PERCENTILE)
        if low <= level <= high:
            return 1.0
        return float(10 ** (np.clip(TARGET_DB - level, -LARGEST_DB, LARGEST_DB) / 20))
