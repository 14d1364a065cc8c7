"""Signals in memory: channels to one, rates, frames."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

CHUNK_SEC = 30.0  # of a recording that are in memory at once
MIX_BLOCK_SEC = 0.5  # what the cancelling of channels is judged by
CANCELLED = 0.05  # energy of the mean, of what channels without anything in common would leave
HEARD = 1e-6  # mean power, -60 dBFS: what cancels below it is told to nobody
BEYOND, BEYOND_SHARE = 2.0, 0.01


class Mixdown:
    """Channels to one signal: their mean, or one `channel` (from 0) alone.

    In blocks whose mean cancels (one channel is the other, inverted), a loud channel takes its place. Blocks are of a
    fixed length, so that chunks of any length give the same samples.
    """

    def __init__(self, sample_rate: int, channel: int | None = None):
        self.cancelled_sec = 0.0  # of blocks that are more than noise
        self.loud: int | None = None  # the channel (from 0) that was taken last in place of the mean
        self._rate, self._channel, self._block = sample_rate, channel, max(1, round(MIX_BLOCK_SEC * sample_rate))
        self._rest: list[np.ndarray] = []
        self._waiting = 0

    def step(self, samples: np.ndarray, last: bool = False) -> np.ndarray:
        """Samples (n, channels) float32 -> mono (m,) float32, up to the last whole block; with `last` all.

        The number of channels may change from call to call.
        """
        if self._rest and samples.shape[1] != self._rest[0].shape[1]:
            before = self._take(True)
            return np.concatenate([before, self.step(samples, last)])
        if samples.shape[1] == 1 or self._channel is not None:
            return np.ascontiguousarray(samples[:, min(self._channel or 0, samples.shape[1] - 1)])
        self._rest.append(samples)
        self._waiting += len(samples)
        return self._take(last)

    def _take(self, last: bool) -> np.ndarray:
        """Mono samples of the whole blocks that wait; with `last`, of all that does."""
        if self._waiting < self._block and not last:
            return np.zeros(0, np.float32)
        joined = np.concatenate(self._rest)
        whole = len(joined) if last else len(joined) // self._block * self._block
        self._rest, self._waiting = [] if last else [joined[whole:]], len(joined) - whole
        blocks = [self._mix(joined[start : start + self._block]) for start in range(0, whole, self._block)]
        return np.concatenate([np.zeros(0, np.float32), *blocks])

    def _mix(self, block: np.ndarray) -> np.ndarray:
        mean = block.mean(axis=1)
        energies = np.square(block, dtype=np.float64).sum(axis=0)
        if np.square(mean, dtype=np.float64).sum() >= CANCELLED * energies.sum() / block.shape[1] ** 2:
            return mean
        if self.loud is None or self.loud >= len(energies) or energies[self.loud] < energies.max() / 4:
            self.loud = int(energies.argmax())
        if energies.max() > HEARD * len(block):
            self.cancelled_sec += len(block) / self._rate
        return np.ascontiguousarray(block[:, self.loud])


class ToRate:
    """Blocks (n, channels) of rates that may change, at one rate."""

    def __init__(self, sample_rate: int):
        self._wanted, self._rate, self._resamplers = sample_rate, sample_rate, []

    def step(self, block: np.ndarray, sample_rate: int) -> list[np.ndarray]:
        """The next block at `sample_rate` -> blocks at the wanted rate, of the channels that they came with."""
        given = self.end() if (sample_rate, block.shape[1]) != (self._rate, len(self._resamplers)) else []
        self._rate = sample_rate
        if sample_rate == self._wanted:
            return [*given, block]
        if not self._resamplers:
            self._resamplers = [make_resampler(sample_rate, self._wanted) for _ in range(block.shape[1])]
        columns = zip(self._resamplers, block.T, strict=True)
        return [*given, np.stack([each(np.ascontiguousarray(column), False) for each, column in columns], axis=1)]

    def end(self) -> list[np.ndarray]:
        """What is left in the resamplers."""
        rest = (
            [np.stack([each(np.zeros(0, np.float32), True) for each in self._resamplers], axis=1)]
            if self._resamplers
            else []
        )
        self._resamplers = []
        return rest


class FloatScale:
    """Whether floats are integers, by their peak and by how many are far beyond a full scale of 1."""

    def __init__(self) -> None:
        self.peak, self._beyond, self._nonzero = 0.0, 0, 0

    def step(self, samples: np.ndarray) -> None:
        """Further samples, of any shape."""
        sizes = np.abs(samples)
        self.peak = max(self.peak, float(sizes.max(initial=0)))
        self._beyond += int((sizes > BEYOND).sum())
        self._nonzero += int((sizes > 0).sum())

    @property
    def scale(self) -> float:
        """What they are divided by: 1, or the full scale of the integers that they are.

        Floats may exceed 1 by some dB, and single ones by much; a recording in which one of a hundred is beyond 2, and
        the largest beyond 64 (36 dB), is one of integers.
        """
        if not 64 < self.peak < np.inf or self._beyond < BEYOND_SHARE * self._nonzero:
            return 1.0
        return next((scale for scale in (2.0**15, 2.0**23) if self.peak <= scale), 2.0**31)

    @property
    def note(self) -> str:
        """What the user should know of a scale other than 1."""
        return f"floats up to {self.peak:,.0f} instead of 1: divided by {self.scale:,.0f}"


def make_resampler(source_rate: int, sample_rate: int):
    """A function (samples, is_last) -> resampled samples that keeps its filter state from call to call."""
    if source_rate == sample_rate:
        return lambda samples, is_last: samples
    stream = soxr.ResampleStream(source_rate, sample_rate, 1, dtype="float32", quality="HQ")
    return lambda samples, is_last: stream.resample_chunk(samples, last=is_last)


def resample(samples: np.ndarray, source_rate: int, sample_rate: int) -> np.ndarray:
    """A whole signal (T,) at another rate, as `read_audio` gives that of a file at `source_rate`."""
    return make_resampler(source_rate, sample_rate)(samples, True)


def stream_samples(samples: np.ndarray, source_rate: int, sample_rate: int, chunk_sec: float) -> Iterator[np.ndarray]:
    """Yield a signal (T,) in memory as `stream_audio` yields that of a file at `source_rate`."""
    resample = make_resampler(source_rate, sample_rate)
    block = max(1, round(chunk_sec * source_rate))
    for start in range(0, len(samples), block):
        chunk = resample(samples[start : start + block], start + block >= len(samples))
        if len(chunk):
            yield chunk


def in_frames(chunks: Iterable[np.ndarray], frame_samples: int) -> Iterator[np.ndarray]:
    """Chunks of one signal, of any length -> chunks of whole frames; the end is padded with zeros to a whole one."""
    rest = np.zeros(0, np.float32)
    for chunk in chunks:
        audio = np.concatenate([rest, chunk])
        whole = len(audio) // frame_samples * frame_samples
        rest = audio[whole:]
        if whole:
            yield audio[:whole]
    if len(rest):
        yield np.pad(rest, (0, frame_samples - len(rest)))
