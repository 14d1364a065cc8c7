"""Recording conditions: levels, noises, rooms and bands, synthetic or from files. All samples are at 16 kHz.

Rooms shift nothing in time: the strongest peak of a response is the direct sound, and its delay is removed, so that
speech at t stays at t.
"""

from collections.abc import Sequence

import numpy as np
import soundfile
from scipy import signal

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio
from mimidiar.data.recordings import RecordingFile
from mimidiar.errors import MimidiarError

SpeechTimes = Sequence[tuple[float, float]]  # (start, end) of speech in seconds
LOWEST_HZ = 40.0  # colored noise is flat below
FLOOR_HZ = 50.0  # likewise a noise floor
TELEPHONE_HZ = (300.0, 3400.0)

# Levels


def rms(samples: np.ndarray) -> float:
    """Root of the mean power, in double precision."""
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def unit_power(samples: np.ndarray) -> np.ndarray:
    """Scaled to a mean power of 1; silence stays silent."""
    return samples / max(rms(samples), 1e-9)


def unit_speech(track: np.ndarray) -> np.ndarray:
    """Scaled so that the non-silent samples have a mean power of 1."""
    speech = track[track != 0]
    return track / max(rms(speech) if len(speech) else 1.0, 1e-9)


def speech_rms(samples: np.ndarray, speech: SpeechTimes) -> float:
    """RMS of the samples (T,) where somebody speaks."""
    mask = np.zeros(len(samples), bool)
    for start, end in speech:
        mask[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    return rms(samples[mask])


def set_level(samples: np.ndarray, speech: SpeechTimes, range_dbfs: Sequence[float], seed: int) -> np.ndarray:
    """Bring the speech to an RMS level drawn from `range_dbfs` (dB relative to full scale), all else with it.

    `samples`: int16 (T,). Returns int16; a level at which it would clip becomes the highest at which it does not.
    """
    wanted = np.random.default_rng([seed, 1]).uniform(*range_dbfs)
    return to_int16(samples * (32768 * 10 ** (wanted / 20) / speech_rms(samples, speech)))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Rounded, and scaled down as a whole if it would clip; (T,) at int16's scale."""
    return np.round(samples * min(1.0, 32767 / np.abs(samples).max())).astype(np.int16)


def faded(samples: np.ndarray, seconds: float) -> np.ndarray:
    """A copy of the samples (T,) with a fade of `seconds` at either end."""
    samples, fade = samples.copy(), min(round(seconds * SAMPLE_RATE), len(samples) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[len(samples) - fade :] *= ramp[::-1]
    return samples


# Noises, (T,) of mean power 1


def colored_noise(length: int, color: float, rng: np.random.Generator, lowest_hz: float = LOWEST_HZ) -> np.ndarray:
    """Power 1/f^color above `lowest_hz`: white noise, weighted in the spectrum. 0 is white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), lowest_hz)
    # The root, for pink noise, keeps the bits of sets made before.
    weighted = spectrum / np.sqrt(frequency) if color == 1 else spectrum * frequency ** (-color / 2)
    return unit_power(np.fft.irfft(weighted, length))


def noise_excerpt(noises: Sequence[RecordingFile], count: int, rng: np.random.Generator) -> np.ndarray:
    """A random excerpt of one of the recorded noises, continued by others where it is too short.

    Raises MimidiarError naming a file that cannot be read, is empty or is at another rate than the speech.
    """
    excerpts: list[np.ndarray] = []
    while (missing := count - sum(map(len, excerpts))) > 0:
        chosen = noises[int(rng.integers(len(noises)))]
        start = int(rng.integers(max(chosen.samples - missing, 0) + 1))
        excerpts.append(unit_power(_read(chosen, start, missing)))
    return unit_power(np.concatenate(excerpts))


def babble(speech: Sequence[RecordingFile], speakers: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`speakers` of the recordings of speech at once, or all where there are fewer, each from a random time on."""
    chosen = rng.choice(len(speech), min(speakers, len(speech)), replace=False)
    return unit_power(np.sum([noise_excerpt([speech[k]], count, rng) for k in chosen], axis=0))


def looped_babble(paths: Sequence[str], length: int, rng: np.random.Generator) -> np.ndarray:
    """All of these files at once, each in a loop from a random time on."""
    sums = np.zeros(length)
    for path in paths:
        samples = unit_power(read_audio(path, SAMPLE_RATE))
        sums += np.resize(np.roll(samples, int(rng.integers(len(samples)))), length)
    return unit_power(sums)


def steady_tones(tones: Sequence[float], length: int, rng: np.random.Generator) -> np.ndarray:
    """Sines of these frequencies in Hz, at levels drawn for each."""
    time = np.arange(length) / SAMPLE_RATE
    return unit_power(np.sum([np.sin(2 * np.pi * (f * time + rng.random())) * rng.random() for f in tones], axis=0))


def add_noise(samples: np.ndarray, speech: SpeechTimes, snr_db: float, noise: np.ndarray) -> np.ndarray:
    """Add `noise` (T,) of mean power 1, `snr_db` below the speech; int16, scaled down if it clips."""
    return to_int16(samples + speech_rms(samples, speech) * 10 ** (-snr_db / 20) * noise)


def add_noise_floor(samples: np.ndarray, speech: SpeechTimes, snr_range_db: Sequence[float], seed: int) -> np.ndarray:
    """Add pink noise, as in rooms, at a level drawn from `snr_range_db`, since pauses would be digital zeros.

    `samples`: int16 (T,). Returns int16, scaled down as a whole if it would clip.
    """
    rng = np.random.default_rng(seed)
    snr_db = rng.uniform(*snr_range_db)
    return add_noise(samples, speech, snr_db, colored_noise(len(samples), 1, rng, FLOOR_HZ))


# Rooms and bands


def read_response(recording: RecordingFile) -> np.ndarray:
    """(K,) float32: the first channel of an impulse response. Raises MimidiarError as for noises, and where it is
    silent."""
    response = _read(recording, 0, recording.samples)
    if not response.any():
        raise MimidiarError(f"{recording.path}: an impulse response of zeros; take it out of the set")
    return response


def made_up_responses(places: int, t60_sec: float, room_seed: int, source_seed: int, torch_seed: int) -> np.ndarray:
    """(places, K): the responses of a room of at most this T60, by lhotse.

    After Luo and Gu 2022, "Fast random approximation of multi-channel room impulse response", arXiv 2208.04101.
    """
    import torch
    from lhotse.augmentation.utils import FastRandomRIRGenerator

    room = FastRandomRIRGenerator(sr=SAMPLE_RATE, max_T60=t60_sec, room_seed=room_seed, source_seed=source_seed)
    with torch.random.fork_rng(devices=[]):  # which lhotse also uses
        torch.default_generator.manual_seed(torch_seed)
        return room(nsource=places)


def in_a_room(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples (T,) convolved with an impulse response (K,), at the power of before; (T,) float32.

    The tail after the end is cut off. By lhotse, which would take a lower peak for a negative direct sound.
    """
    import torch
    from lhotse.augmentation import ReverbWithImpulseResponse

    upright = response * np.sign(response[np.abs(response).argmax()])
    transform = ReverbWithImpulseResponse(rir_generator=lambda nsource: upright[None])
    with torch.inference_mode():
        return transform(samples.astype(np.float32)[None], SAMPLE_RATE)[0]


def with_tail(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples (T,) in a room as above, with the tail after their end; (T + K - 1,) float32."""
    return in_a_room(np.pad(samples, (0, len(response) - 1)), response)


def in_made_up_room(tracks: Sequence[np.ndarray], seed: int, t60_sec: float) -> list[np.ndarray]:
    """Tracks (T,) in a made-up room, each from a different place, at the same power as before."""
    wet_tracks = []
    for track, response in zip(
        tracks, made_up_responses(len(tracks), max(t60_sec, 0.11), seed, seed, seed), strict=True
    ):
        direct = int(np.abs(response).argmax())
        wet = signal.oaconvolve(track, response)[direct : direct + len(track)]
        power = float(np.mean(track.astype(np.float64) ** 2))
        wet_tracks.append(wet * np.sqrt(power / max(float(np.mean(wet.astype(np.float64) ** 2)), 1e-12)))
    return wet_tracks


def telephone_band(samples: np.ndarray) -> np.ndarray:
    """Samples (T,) between 300 and 3400 Hz."""
    return signal.sosfilt(signal.butter(4, TELEPHONE_HZ, "bandpass", fs=SAMPLE_RATE, output="sos"), samples)


def _read(sound: RecordingFile, start: int, count: int) -> np.ndarray:
    """(at most count,) float32 of the first channel."""
    if sound.sample_rate != SAMPLE_RATE:
        raise MimidiarError(f"{sound.path}: {sound.sample_rate} Hz, the speech has {SAMPLE_RATE}; resample the sounds")
    try:
        samples, _ = soundfile.read(sound.path, count, start, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise MimidiarError(f"{sound.path}: cannot be read ({error}); prepare the sounds again") from None
    if not len(samples):
        raise MimidiarError(f"{sound.path}: it has no sample {start} of {sound.samples}; prepare the sounds again")
    return samples[:, 0]
