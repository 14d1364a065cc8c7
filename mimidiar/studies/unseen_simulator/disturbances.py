"""Disturbances of recordings for testing alone: noises other than in training, and a telephone's codec.

Each noise is (T,) of mean power 1.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import signal

MU = 255.0  # of G.711's mu-law
TELEPHONE_HZ = 8000


def babble(tracks: Sequence[np.ndarray], count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """All tracks at once, each at the same level, in a loop from a random time on."""
    loops = [np.roll(np.resize(track, count), rng.integers(count)) / max(_rms(track), 1e-9) for track in tracks]
    return _unit(np.sum(loops, axis=0))


def brown(count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Wind, or traffic outside: a leaky random walk (corner at 30 Hz), with a level that changes within seconds."""
    leak = np.exp(-2 * np.pi * 30 / sample_rate)
    walk = signal.lfilter([1.0], [1.0, -leak], rng.standard_normal(count))
    knots = rng.uniform(0.3, 1.0, count // (2 * sample_rate) + 2)
    return _unit(walk * np.interp(np.arange(count) / (2 * sample_rate), np.arange(len(knots)), knots))


def hum(count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A mains hum near 50 or 60 Hz, as a clipped sine: odd overtones; with some hiss."""
    mains = rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002)
    wave = np.clip(3 * np.sin(2 * np.pi * mains * np.arange(count) / sample_rate), -1, 1)
    return _unit(wave + 0.05 * rng.standard_normal(count))


def clicks(count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Knocks and keys, two a second on average: each a decaying resonance with random pitch and strength."""
    noise = np.zeros(count)
    length = sample_rate // 10
    time = np.arange(length) / sample_rate
    for start in np.flatnonzero(rng.random(count) < 2 / sample_rate):
        knock = rng.lognormal(0, 0.7) * np.exp(-time / rng.uniform(0.002, 0.02))
        knock *= np.sin(2 * np.pi * rng.uniform(300, 5000) * time)
        noise[start : start + length] += knock[: count - start]
    return _unit(noise + 0.01 * rng.standard_normal(count))


NOISES: dict[str, Callable[[int, int, np.random.Generator], np.ndarray]] = {
    "brown": brown,
    "hum": hum,
    "clicks": clicks,
}


def telephone(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Samples (T,) through G.711: 8 kHz, 300 Hz and more, 8 bits of mu-law at the level of a call."""
    narrow = signal.resample_poly(samples, 1, sample_rate // TELEPHONE_HZ)
    narrow = signal.sosfilt(signal.butter(4, 300, "highpass", fs=TELEPHONE_HZ, output="sos"), narrow)
    scale = 0.5 / max(np.abs(narrow).max(), 1e-9)
    pressed = np.sign(narrow) * np.log1p(MU * np.abs(narrow * scale)) / np.log1p(MU)
    coded = np.round(pressed * 127) / 127
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU / scale
    wide = signal.resample_poly(decoded, sample_rate // TELEPHONE_HZ, 1)
    return wide[: len(samples)]


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _unit(samples: np.ndarray) -> np.ndarray:
    return samples / max(_rms(samples), 1e-9)
