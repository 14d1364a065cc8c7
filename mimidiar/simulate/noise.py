"""A noise floor under a conversation, so that its pauses are not digital zeros, which no recording has."""

import numpy as np

from mimidiar.corpora.audio import SAMPLE_RATE


def add_noise_floor(
    samples: np.ndarray, spoken: list[tuple[float, float]], snr_range_db: list[float], seed: int
) -> np.ndarray:
    """Add pink noise (as in rooms, more at the low end) at a level below the mean power of the speech.

    `samples`: int16 (num_samples,); `spoken`: (start, end) of speech in seconds; the level is drawn from
    `snr_range_db`. Returns int16, scaled down as a whole if it would clip.
    """
    rng = np.random.default_rng(seed)
    speech = samples.astype(np.float64)
    mask = np.zeros(len(samples), bool)
    for start, end in spoken:
        mask[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    level = np.sqrt(np.mean(speech[mask] ** 2)) * 10 ** (-rng.uniform(*snr_range_db) / 20)
    mixed = speech + level * _pink_noise(len(samples), rng)
    return np.round(mixed * min(1.0, 32767 / np.abs(mixed).max())).astype(np.int16)


def _pink_noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with power 1/f above 50 Hz, of mean power 1: white noise, weighted in the spectrum."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 50.0)), count)
    return noise / np.sqrt(np.mean(noise**2))
