"""espeak-ng as a child process: `python -m mimidiar.corpora.espeak FOLDER < jobs.json`.

In a process of its own a crash in C stays there, and whatever state the library keeps is always the same: with its
random numbers (the unsteadiness and breath of some voices) seeded for every job, the same jobs give the same bytes.
"""

import ctypes
import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from mimidiar.audio.corpus_audio import SAMPLE_RATE, write_flac

# Values of espeak-ng's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
CHARS_UTF8 = 1
RATE, PITCH, RANGE = 1, 3, 4
PEAK = 0.5


@dataclass(frozen=True)
class Job:
    """One utterance to speak. `rate` in words a minute; `pitch` and `range` from 0 to 100 (50 is the voice's own)."""

    path: str
    text: str
    voice: str
    rate: int
    pitch: int
    range: int


def open_espeak() -> Callable[[Job], np.ndarray]:
    """Load the library; returns a function that speaks a job into float samples (num_samples,) at SAMPLE_RATE."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise RuntimeError(f"espeak_Initialize returned {rate}")
    heard: list[bytes] = []

    def keep(wav: ctypes.POINTER, count: int, _events: ctypes.c_void_p) -> int:
        if wav and count > 0:
            heard.append(ctypes.string_at(wav, 2 * count))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(keep)
    library.espeak_SetSynthCallback(callback)

    def speak(job: Job, _keep_alive: object = callback) -> np.ndarray:
        heard.clear()
        library.espeak_ng_SetRandSeed(ctypes.c_long(zlib.crc32(job.path.encode())))  # else seeded by the clock
        if library.espeak_SetVoiceByName(job.voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {job.voice}")
        for parameter, value in ((RATE, job.rate), (PITCH, job.pitch), (RANGE, job.range)):
            library.espeak_SetParameter(parameter, value, 0)
        text = job.text.encode("utf-8")
        library.espeak_Synth(text, len(text) + 1, 0, 1, 0, CHARS_UTF8, None, None)
        library.espeak_Synchronize()
        samples = np.frombuffer(b"".join(heard), dtype=np.int16).astype(np.float64)
        return soxr.resample(samples / max(1.0, np.abs(samples).max()), rate, SAMPLE_RATE)

    return speak


def main() -> None:
    """Speak every job of standard input into a 16 kHz FLAC below the folder; prints a line 'path seconds' for each."""
    folder = Path(sys.argv[1])
    speak = open_espeak()
    for row in json.load(sys.stdin):
        job = Job(**row)
        samples = speak(job)
        scaled = np.round(samples * PEAK * 32767).clip(-32768, 32767).astype(np.int16)
        write_flac(folder / job.path, scaled)
        print(job.path, len(scaled) / SAMPLE_RATE)


if __name__ == "__main__":
    main()
