"""Recorded sounds that speech is made worse with: a stretch of noise, and the impulse response of a room."""

from collections.abc import Sequence

import numpy as np
import soundfile

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.data.recordings import RecordingFile
from mimidiar.errors import MimidiarError


def noise_stretch(noises: Sequence[RecordingFile], count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) of mean power 1: a random stretch of one of the noises, and where it is too short, of others after it.

    Raises MimidiarError naming a file that cannot be read, is empty or is at another rate than the speech.
    """
    pieces: list[np.ndarray] = []
    while (missing := count - sum(map(len, pieces))) > 0:
        chosen = noises[int(rng.integers(len(noises)))]
        start = int(rng.integers(max(chosen.samples - missing, 0) + 1))
        pieces.append(unit_power(_read(chosen, start, missing)))
    return unit_power(np.concatenate(pieces))


def babble(speech: Sequence[RecordingFile], talkers: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) of mean power 1: so many of the recordings of speech at once, or all where there are fewer."""
    chosen = rng.choice(len(speech), min(talkers, len(speech)), replace=False)
    return unit_power(np.sum([noise_stretch([speech[k]], count, rng) for k in chosen], axis=0))


def read_response(recording: RecordingFile) -> np.ndarray:
    """(K,) float32: the first channel of an impulse response. Raises MimidiarError as above, and where it is silent."""
    response = _read(recording, 0, recording.samples)
    if not response.any():
        raise MimidiarError(f"{recording.path}: an impulse response of zeros; take it out of the set")
    return response


def in_a_room(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples (T,) convolved with an impulse response (K,), at the power of before; (T,) float32.

    The strongest peak of the response is the direct sound: its delay is taken away, so that what was said at t is heard
    at t. What is heard after the end is cut off. By lhotse, which would take a lower peak for the direct sound where
    that is negative.
    """
    import torch
    from lhotse.augmentation import ReverbWithImpulseResponse

    upright = response * np.sign(response[np.abs(response).argmax()])
    transform = ReverbWithImpulseResponse(rir_generator=lambda nsource: upright[None])
    with torch.inference_mode():
        return transform(samples.astype(np.float32)[None], SAMPLE_RATE)[0]


def with_tail(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples (T,) in a room as above, with what is heard after their end; (T + K - 1,) float32."""
    return in_a_room(np.pad(samples, (0, len(response) - 1)), response)


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


def unit_power(samples: np.ndarray) -> np.ndarray:
    """Scaled to a mean power of 1; silence stays silent."""
    return samples / max(float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))), 1e-9)
