"""How far apart two signals are: SI-SDR and the distance of their mel spectra. numpy alone."""

from functools import cache

import numpy as np

MOST_DB = 120.0  # what two signals are given that differ by rounding alone, or not at all
BANDS, WINDOW, HOP = 80, 1024, 256
FLOOR = 1e-6  # added to a band's power, -60 dB: otherwise silence would dominate the distance


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, eq. 2), at most MOST_DB.

    Both (T,); their means are removed. NaN for a silent reference, which nothing can be like.
    """
    estimate, reference = (x.astype(np.float64) - x.mean(dtype=np.float64) for x in (estimate, reference))
    energy = reference @ reference
    if energy <= 1e-12 * len(reference):
        return float("nan")
    target = (estimate @ reference) / energy * reference
    signal, noise = target @ target, np.sum((estimate - target) ** 2)
    least = 10 ** (-MOST_DB / 10)
    ratio = max(signal, least * noise) / max(noise, least * signal) if signal + noise > 0 else least
    return float(10 * np.log10(ratio))


def mel_distance(one: np.ndarray, other: np.ndarray, sample_rate: int) -> float:
    """Mean absolute difference of two signals' mel spectra in dB; both (T,), T at least a window of 1024 samples."""
    difference = _mel_db(one, sample_rate) - _mel_db(other, sample_rate)
    return float(np.abs(difference).mean())


def _mel_db(signal: np.ndarray, sample_rate: int) -> np.ndarray:
    """(frames, BANDS): power in dB. A sine at full scale has about 0 dB, whatever the window."""
    window = np.hanning(WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP] * window
    power = np.abs(np.fft.rfft(frames)) ** 2 / (window.sum() / 2) ** 2
    return 10 * np.log10(power @ _bands(sample_rate).T + FLOOR)


@cache
def _bands(sample_rate: int) -> np.ndarray:
    """(BANDS, bins): triangles of height 1, equally wide on the mel scale (2595 log10(1 + f / 700))."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / sample_rate)
    low, center, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.clip(np.minimum((bins - low) / (center - low), (high - bins) / (high - center)), 0, None)
