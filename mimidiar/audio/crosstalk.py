"""Crosstalk of a call: the voice of one channel heard again, quieter, in another one."""

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

RATE_HZ = 8000  # what is compared: the band of a telephone
FRAME = 640  # samples: 80 ms
WINDOW_FRAMES = 4  # compared at once, around a frame
LAGS = 400  # samples, 50 ms: what the path between the channels may take
QUIETER_DB = 6.0  # than the other channel, at least
ALIKE = 0.6  # correlation at the best lag; own speech of a third of the energy brings it below


def find_crosstalk(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """Chunks (n, C) of a call at 8 kHz -> Bool (T, C): frames of 80 ms in which a channel holds another one's voice.

    A frame is crosstalk where, in 0.32 s around it, another channel is at least 6 dB louder, and the two correlate by
    at least 0.6 at a lag of up to 50 ms. Speech of one's own at the same time keeps them from correlating.
    """
    found, rest = [], None
    around = (WINDOW_FRAMES - 1) * FRAME
    for chunk in chunks:
        if rest is None:
            rest = np.zeros((around // 2, chunk.shape[1]), np.float32)
        rest = np.concatenate([rest, chunk])
        frames = max(0, (len(rest) - around) // FRAME)
        found.append(_compare(rest[: around + frames * FRAME]) if frames else np.zeros((0, rest.shape[1]), bool))
        rest = rest[frames * FRAME :]
    if rest is None:
        return np.zeros((0, 0), bool)
    frames = -(-max(0, len(rest) - around // 2) // FRAME)
    padded = np.pad(rest, ((0, max(0, around + frames * FRAME - len(rest))), (0, 0)))
    return np.concatenate([*found, _compare(padded[: around + frames * FRAME])])


def _compare(signal: np.ndarray) -> np.ndarray:
    """(around + T * FRAME, C) -> Bool (T, C)."""
    if len(signal) < WINDOW_FRAMES * FRAME:
        return np.zeros((0, signal.shape[1]), bool)
    windows = sliding_window_view(signal, WINDOW_FRAMES * FRAME, axis=0)[::FRAME]  # (T, C, W)
    size = 1 << (WINDOW_FRAMES * FRAME + LAGS).bit_length()
    spectra = np.fft.rfft(windows, size, axis=-1)
    energy = np.square(windows, dtype=np.float64).sum(axis=-1)
    found = np.zeros(energy.shape, bool)
    for own in range(energy.shape[1]):
        for other in range(energy.shape[1]):
            louder = energy[:, other] > energy[:, own] * 10 ** (QUIETER_DB / 10)
            found[:, own] |= louder & (_likeness(spectra, energy, own, other, size) >= ALIKE)
    return found


def _likeness(spectra: np.ndarray, energy: np.ndarray, own: int, other: int, size: int) -> np.ndarray:
    """The largest correlation (T,) of two channels over the lags, in magnitude: a path may invert."""
    product = np.fft.irfft(spectra[:, own] * spectra[:, other].conj(), size, axis=-1)
    near = np.concatenate([product[:, : LAGS + 1], product[:, -LAGS:]], axis=1)
    return np.abs(near).max(axis=1) / np.sqrt(np.maximum(energy[:, own] * energy[:, other], 1e-20))
