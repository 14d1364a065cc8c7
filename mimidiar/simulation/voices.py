"""More voices from the speakers there are: pitch and tempo by speed, formants by warping the spectral envelope.

Speed multiplies pitch, formants and tempo; `shift_formants` moves the formants alone. Together, pitch and vocal tract
are free of each other, as between two people. Each voice is a speaker of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
from scipy import fft, signal

from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.errors import MimidiarError

WINDOW, HOP = 512, 256  # samples at 16 kHz
CEPSTRUM = 28  # coefficients of the spectral envelope: up to 1.75 ms, below the pitch period of a child
MOST_DB = 20.0  # of gain in a bin
SPEEDS, FORMANTS = (0.84, 1.19), (0.86, 1.16)  # ranges of the factors
APART = 0.07  # a voice differs from all others of its speaker in one factor by more, in the logarithm
MOST_VOICES = 10  # of a speaker; more are not that far apart
SEPARATOR = "~"  # between the name of a speaker and the number of a voice


def shift_formants(samples: np.ndarray, factor: float) -> np.ndarray:
    """Samples (T,) at 16 kHz with the spectral envelope stretched by `factor`; pitch and time stay. Float32 (T,).

    The envelope is the cepstrum's smooth part (Oppenheim 1969, "Speech analysis-synthesis system based on homomorphic
    filtering").
    """
    if len(samples) < WINDOW:
        return samples
    _, _, spectrum = signal.stft(samples, nperseg=WINDOW, noverlap=WINDOW - HOP)
    power = np.log(np.abs(spectrum) + 1e-7)
    cepstrum = fft.irfft(power, axis=0)
    cepstrum[CEPSTRUM : len(cepstrum) - CEPSTRUM + 1] = 0
    envelope = fft.rfft(cepstrum, axis=0).real
    bins = np.arange(len(envelope))
    source = np.minimum(bins / factor, len(bins) - 1)
    low = source.astype(int).clip(max=len(bins) - 2)
    share = (source - low)[:, None]
    gain = (1 - share) * envelope[low] + share * envelope[low + 1] - envelope
    most = MOST_DB / 20 * np.log(10)
    _, shifted = signal.istft(spectrum * np.exp(gain.clip(-most, most)), nperseg=WINDOW, noverlap=WINDOW - HOP)
    return np.pad(shifted, (0, max(0, len(samples) - len(shifted))))[: len(samples)].astype(np.float32)


def more_voices(
    source: Mapping[str, Sequence[SourceUtterance]], count: int, seed: int
) -> dict[str, list[SourceUtterance]]:
    """Each speaker with `count` voices, the first the own one: speakers "name", "name~1", "name~2", ...

    Voices depend on the speaker's name and the seed alone. MimidiarError for more than MOST_VOICES.
    """
    if not 1 <= count <= MOST_VOICES:
        raise MimidiarError(f"{count} voices of each speaker; ask for 1 to {MOST_VOICES}")
    found: dict[str, list[SourceUtterance]] = {}
    for speaker, utterances in source.items():
        for number, (speed, formants) in enumerate(_draw_voices(speaker, count, seed)):
            name = f"{speaker}{SEPARATOR}{number}" if number else speaker
            found[name] = [replace(u.at_speed(speed), speaker=name, formants=formants) for u in utterances]
    return found


def _draw_voices(speaker: str, count: int, seed: int) -> list[tuple[float, float]]:
    """(speed, formants) of each voice; drawn again while too near to one before."""
    rng = np.random.default_rng([seed, int.from_bytes(sha256(speaker.encode()).digest()[:8])])
    voices = [(1.0, 1.0)]
    while len(voices) < count:
        drawn = tuple(round(float(np.exp(rng.uniform(*np.log(limits)))), 3) for limits in (SPEEDS, FORMANTS))
        if all(max(abs(np.log(a / b)) for a, b in zip(drawn, other, strict=True)) > APART for other in voices):
            voices.append(drawn)
    return voices
