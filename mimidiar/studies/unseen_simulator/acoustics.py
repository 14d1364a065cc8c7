"""Disturbances of recordings for testing alone: noises other than in training, a telephone's codec, and rooms.

Each noise is (T,) of mean power 1. Rooms are boxes with reflecting walls (Allen & Berkley 1979, "Image method for
efficiently simulating small-room acoustics"): all mirror images of a source up to a distance, one reflection
coefficient for all walls and frequencies.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import signal
from scipy.signal import fftconvolve

MU = 255.0  # of G.711's mu-law
TELEPHONE_HZ = 8000
SOUND_M_PER_SEC = 343.0
MARGIN_M = 0.5  # of sources and microphone to the walls
NEAREST_M = 0.5  # of a source to the microphone
LEAST_M, MOST_M = (3.0, 2.5, 2.3), (9.0, 7.0, 3.5)  # of rooms
KEPT_SHARE = 0.8  # share of the reverberation time in the response, 48 dB down


def babble(tracks: Sequence[np.ndarray], count: int, rng: np.random.Generator) -> np.ndarray:
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


def reflection(room_m: Sequence[float], t60_sec: float) -> float:
    """The walls' reflection coefficient (of pressure) by Sabine's formula; 0 for a room too large for this time."""
    x, y, z = room_m
    absorbed = 0.161 * x * y * z / (2 * (x * y + y * z + x * z) * t60_sec)
    return float(np.sqrt(max(0.0, 1 - absorbed)))


def response(
    room_m: Sequence[float],
    source_m: Sequence[float],
    microphone_m: Sequence[float],
    reflection: float,
    seconds: float,
    sample_rate: int,
) -> np.ndarray:
    """Impulse response (seconds * sample_rate,): each image adds its strength at its sample of arrival."""
    squares, bounces = 0.0, 0
    for axis, (length, source, microphone) in enumerate(zip(room_m, source_m, microphone_m, strict=True)):
        order = int(np.ceil(SOUND_M_PER_SEC * seconds / (2 * length))) + 1
        n, mirrored = np.meshgrid(np.arange(-order, order + 1), (0, 1), indexing="ij")
        away = (2 * n * length + (1 - 2 * mirrored) * source - microphone).ravel()
        shape = [-1 if axis == k else 1 for k in range(3)]
        squares = squares + (away**2).reshape(shape)
        bounces = bounces + (np.abs(n - mirrored) + np.abs(n)).ravel().reshape(shape)
    distance = np.sqrt(squares).ravel()
    arrival = np.round(distance / SOUND_M_PER_SEC * sample_rate).astype(int)
    count = round(seconds * sample_rate)
    kept = arrival < count
    strength = reflection ** bounces.ravel()[kept] / (4 * np.pi * distance[kept])
    return np.bincount(arrival[kept], strength, count)


def draw_responses(
    places: int, t60_range_sec: Sequence[float], sample_rate: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Impulse responses of several places in one room, each from its direct sound on, with energy 1."""
    room, t60 = rng.uniform(LEAST_M, MOST_M), rng.uniform(*t60_range_sec)
    inside = [MARGIN_M] * 3, room - MARGIN_M
    microphone, coefficient, found = rng.uniform(*inside), reflection(room, t60), []
    while len(found) < places:
        source = rng.uniform(*inside)
        if np.linalg.norm(source - microphone) < NEAREST_M:
            continue
        kept = response(room, source, microphone, coefficient, KEPT_SHARE * t60, sample_rate)
        kept = kept[np.flatnonzero(kept)[0] :]
        found.append(kept / np.sqrt(np.sum(kept**2)))
    return found


def convolve(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples (T,) through a response (K,): (T,), in time as before."""
    return fftconvolve(samples, response)[: len(samples)]
