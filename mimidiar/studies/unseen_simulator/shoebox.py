"""Rooms as boxes with reflecting walls (Allen & Berkley 1979, "Image method for efficiently simulating small-room
acoustics"): all mirror images of a source up to a distance, one reflection coefficient for all walls and frequencies.
"""

from collections.abc import Sequence

import numpy as np
from scipy.signal import fftconvolve

SOUND_M_PER_SEC = 343.0
MARGIN_M = 0.5  # of sources and microphone to the walls
NEAREST_M = 0.5  # of a source to the microphone
LEAST_M, MOST_M = (3.0, 2.5, 2.3), (9.0, 7.0, 3.5)  # of rooms
KEPT_SHARE = 0.8  # share of the reverberation time in the response, 48 dB down


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
