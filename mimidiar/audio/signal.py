"""Signals in memory: channels to one, rates, frames."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

CHUNK_SEC = 30.0  # of a recording that are in memory at once
MIX_BLOCK_SEC = 0.5  # what the cancelling of channels is judged by
CANCELLED = 0.05  # energy of the mean, of what channels without anything in common would leave


class Mixdown:
    """Channels to one signal: their mean, or one `channel` (from 0) alone.

    Where the mean cancels (one channel is the other, inverted), the loudest so far takes its place from that block on.
    Blocks are of a fixed length, so that chunks of any length give the same samples.
    """

    def __init__(self, sample_rate: int, channel: int | None = None):
        self.cancelled: int | None = None  # the channel (from 0) that replaced the mean
        self._channel, self._block = channel, max(1, round(MIX_BLOCK_SEC * sample_rate))
        self._rest: list[np.ndarray] = []
        self._waiting = 0

    def step(self, samples: np.ndarray, last: bool = False) -> np.ndarray:
        """Samples (n, channels) float32 -> mono (m,) float32, up to the last whole block; with `last` all."""
        if samples.shape[1] == 1 or self._channel is not None:
            return np.ascontiguousarray(samples[:, min(self._channel or 0, samples.shape[1] - 1)])
        self._rest.append(samples)
        self._waiting += len(samples)
        if self._waiting < self._block and not last:
            return np.zeros(0, np.float32)
        joined = np.concatenate(self._rest)
        whole = len(joined) if last else len(joined) // self._block * self._block
        self._rest, self._waiting = [joined[whole:]], len(joined) - whole
        blocks = [self._mix(joined[start : start + self._block]) for start in range(0, whole, self._block)]
        return np.concatenate([np.zeros(0, np.float32), *blocks])

    def _mix(self, block: np.ndarray) -> np.ndarray:
        mean = block.mean(axis=1)
        if self.cancelled is None:
            energies = np.square(block, dtype=np.float64).sum(axis=0)
            if np.square(mean, dtype=np.float64).sum() < CANCELLED * energies.sum() / block.shape[1] ** 2:
                self.cancelled = int(energies.argmax())
        return mean if self.cancelled is None else np.ascontiguousarray(block[:, self.cancelled])


def integer_scale(peak: float) -> float:
    """What floats with this largest magnitude are divided by: 1, or the full scale of the integers that they are.

    Floats of a full scale of 1 may exceed it by some dB; nothing that is recorded reaches 64 (36 dB).
    """
    if not 64 < peak < np.inf:
        return 1.0
    return next((scale for scale in (2.0**15, 2.0**23) if peak <= scale), 2.0**31)


def scale_note(peak: float, scale: float) -> str:
    return f"floats up to {peak:,.0f} instead of 1: divided by {scale:,.0f}"


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
