"""One audio file of a corpus: read with strict checks, or written atomically."""

import io
from pathlib import Path

import numpy as np
import soundfile

from mimidiar.audio.files import measure_audio, read_audio
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

SAMPLE_RATE = 16000
LENGTH_TOLERANCE_SEC = 0.1


def read_corpus_audio(path: str | Path, stated_sec: float, record: str) -> np.ndarray:
    """Float32 samples (num_samples,) of a 16 kHz mono file.

    Raises MimidiarError naming `record` (the row of the file) and the file when that is missing, cut short,
    empty, not mono, not 16 kHz, not finite, or longer or shorter than `stated_sec` by more than 0.1 s.
    """
    try:
        _check_header(path, stated_sec)
        return read_audio(path, SAMPLE_RATE)
    except MimidiarError as error:
        raise MimidiarError(f"{record}: {error}") from None


def _check_header(path: str | Path, stated_sec: float) -> None:
    info = measure_audio(path)
    if info.sample_rate != SAMPLE_RATE:
        # Resampling here would leave the conversations without half of their band, and nobody would know.
        raise MimidiarError(
            f"{path}: the sample rate is {info.sample_rate} Hz, expected {SAMPLE_RATE}; "
            f"convert it, for example with `sox IN -r {SAMPLE_RATE} OUT`, or delete the row"
        )
    if info.channels != 1:
        raise MimidiarError(f"{path}: {info.channels} channels, expected 1; mix it down, with `sox IN -c 1 OUT`")
    if abs(info.seconds - stated_sec) > LENGTH_TOLERANCE_SEC:
        raise MimidiarError(
            f"{path}: it lasts {info.seconds:.3f} s, but the row says {stated_sec:.3f} s; correct the row or the file"
        )


def write_flac(path: str | Path, samples: np.ndarray) -> None:
    """Write int16 samples (T,) at 16 kHz as FLAC, atomically. Raises MimidiarError when the disk is full."""
    flac = io.BytesIO()  # in memory, since libsndfile does not report a full disk
    soundfile.write(flac, samples, SAMPLE_RATE, subtype="PCM_16", format="FLAC")
    with atomic_path(path) as partial:
        partial.write_bytes(flac.getbuffer())
