"""Crosstalk of a call: the voice of one channel heard again, quieter, in another one."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

RATE_HZ = 8000  # what is compared: the band of a telephone
FRAME = 640  # samples: 80 ms
SEGMENT, HOP = 1024, 128  # of the spectra: 128 ms, which should be long against the path between the channels
SEGMENTS = 64  # spectra around a frame that are averaged: a second
AROUND = SEGMENT + (SEGMENTS - 1) * HOP  # samples that a frame is compared by
QUIETER_DB = 1.0  # than the other channel in the frame, at least
EXPLAINED = 0.4  # share of the energy that must come from the other channel; by chance, it is about 0.1


@dataclass(frozen=True)
class Crosstalk:
    """`frames`: Bool (T, C), frames of 80 ms in which a channel holds another one's voice. `alike`: the correlation of
    the two channels that have the least in common, over the whole call; near 1, all hold the same."""

    frames: np.ndarray
    alike: float


def find_crosstalk(chunks: Iterable[np.ndarray]) -> Crosstalk:
    """Chunks (n, C) of a call at 8 kHz -> its crosstalk.

    A frame is crosstalk where another channel is at least 1 dB louder, and explains 40 % of the channel's energy in
    the second around it: the sum over frequencies of |Sxy|^2 / Syy (coherence; Carter et al. 1973) over that of Sxx.
    The path between the channels may be any filter short against 128 ms; speech of one's own is not explained by it.
    """
    found, rest, products = [], None, 0.0
    around = AROUND - FRAME
    for chunk in chunks:
        if rest is None:
            rest = np.zeros((around // 2, chunk.shape[1]), np.float32)
        rest, products = np.concatenate([rest, chunk]), products + chunk.T.astype(np.float64) @ chunk
        frames = max(0, (len(rest) - around) // FRAME)
        found.append(_compare(rest[: around + frames * FRAME], frames))
        rest = rest[frames * FRAME :]
    if rest is None:
        return Crosstalk(np.zeros((0, 0), bool), 0.0)
    frames = -(-max(0, len(rest) - around // 2) // FRAME)
    padded = np.pad(rest, ((0, max(0, around + frames * FRAME - len(rest))), (0, 0)))
    sizes = np.sqrt(np.maximum(np.diag(products), 1e-20))
    return Crosstalk(
        np.concatenate([*found, _compare(padded, frames)]), float((products / np.outer(sizes, sizes)).min())
    )


def _compare(signal: np.ndarray, frames: int) -> np.ndarray:
    """(AROUND - FRAME + frames * FRAME, C) -> Bool (frames, C)."""
    channels = signal.shape[1]
    found = np.zeros((frames, channels), bool)
    if not frames:
        return found
    pieces = sliding_window_view(signal, SEGMENT, axis=0)[::HOP] * np.hanning(SEGMENT).astype(np.float32)
    spectra = np.fft.rfft(pieces, axis=-1)  # (segments, C, F)
    powers = [_averages(np.abs(spectra[:, channel]) ** 2, frames) for channel in range(channels)]
    own = signal[(AROUND - FRAME) // 2 :][: frames * FRAME].reshape(frames, FRAME, channels)
    energy = np.square(own, dtype=np.float64).sum(axis=1)
    for one, other in combinations(range(channels), 2):
        common = np.abs(_averages(spectra[:, one] * spectra[:, other].conj(), frames)) ** 2
        for channel, louder in ((one, other), (other, one)):
            is_louder = energy[:, louder] > energy[:, channel] * 10 ** (QUIETER_DB / 10)
            explained = (common / np.maximum(powers[louder], 1e-20)).sum(axis=1)
            found[:, channel] |= is_louder & (explained >= EXPLAINED * powers[channel].sum(axis=1))
    return found


def _averages(values: np.ndarray, frames: int) -> np.ndarray:
    """(segments, F) -> (frames, F): means over the segments around each frame."""
    precise = np.cumsum(values, axis=0, dtype=np.result_type(values.dtype, np.float64))
    sums = np.concatenate([np.zeros((1, values.shape[1])), precise])
    starts = np.arange(frames) * (FRAME // HOP)
    return (sums[starts + SEGMENTS] - sums[starts]) / SEGMENTS
