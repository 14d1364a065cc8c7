"""What recordings have and glued utterances lack: a noise floor (pauses would be digital zeros), and a level."""

import numpy as np

from mimidiar.audio.corpus_audio import SAMPLE_RATE

Spoken = list[tuple[float, float]]  # (start, end) of speech in seconds


def add_noise_floor(samples: np.ndarray, spoken: Spoken, snr_range_db: list[float], seed: int) -> np.ndarray:
    """Add pink noise (as in rooms, more at the low end) at a level below the mean power of the speech.

    `samples`: int16 (num_samples,); the level is drawn from `snr_range_db`. Returns int16, scaled down as a whole if
    it would clip.
    """
    rng = np.random.default_rng(seed)
    snr_db = rng.uniform(*snr_range_db)
    return add_noise(samples, spoken, snr_db, _pink_noise(len(samples), rng))


def add_noise(samples: np.ndarray, spoken: Spoken, snr_db: float, noise: np.ndarray) -> np.ndarray:
    """Add `noise` (num_samples,), whose mean power is 1, `snr_db` below that of the speech; int16 as above."""
    level = _speech_rms(samples, spoken) * 10 ** (-snr_db / 20)
    return to_int16(samples + level * noise)


def set_level(samples: np.ndarray, spoken: Spoken, range_dbfs: list[float], seed: int) -> np.ndarray:
    """Bring the speech to an RMS level drawn from `range_dbfs` (dB relative to full scale), all else with it.

    `samples`: int16 (num_samples,). Returns int16; a level at which it would clip becomes the highest at which it
    does not.
    """
    wanted = np.random.default_rng([seed, 1]).uniform(*range_dbfs)
    return to_int16(samples * (32768 * 10 ** (wanted / 20) / _speech_rms(samples, spoken)))


def _speech_rms(samples: np.ndarray, spoken: Spoken) -> float:
    mask = np.zeros(len(samples), bool)
    for start, end in spoken:
        mask[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    return float(np.sqrt(np.mean(samples[mask].astype(np.float64) ** 2)))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Rounded, and scaled down as a whole if it would clip; (num_samples,) at int16's scale."""
    return np.round(samples * min(1.0, 32767 / np.abs(samples).max())).astype(np.int16)


def _pink_noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with power 1/f above 50 Hz, of mean power 1: white noise, weighted in the spectrum."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 50.0)), count)
    return noise / np.sqrt(np.mean(noise**2))
