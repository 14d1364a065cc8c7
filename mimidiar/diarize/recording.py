"""The audio of one recording, as one mono signal in chunks: of a file, or from memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.audio.files import probe_audio, stream_audio, stream_samples
from mimidiar.errors import MimidiarError


@dataclass(frozen=True)
class AudioRecording:
    """`read()` gives the signal in chunks (T,) of float32 at `sample_rate`, each time from the beginning."""

    name: str | None
    seconds: float
    sample_rate: int
    read: Callable[[], Iterator[np.ndarray]]


def file_recording(path: str | Path, channel: int | None = None, name: str | None = None) -> AudioRecording:
    """An audio file: its channels averaged, or `channel` (from 0) alone; named like the file unless `name` is given.

    MimidiarError for a file that is missing, no audio, cut short, without samples, or has no such channel.
    """
    info = probe_audio(path)
    if channel is not None and not 0 <= channel < info.channels:
        raise MimidiarError(f"{path}: has {info.channels} channels, asked for number {channel} (from 0)")
    read = partial(stream_audio, path, info.sample_rate, channel=channel)
    return AudioRecording(Path(path).stem if name is None else name, info.seconds, info.sample_rate, read)


def array_recording(samples: Any, sample_rate: int) -> AudioRecording:
    """Samples in memory, of any kind that numpy takes: (T,), or two dimensions, of which the shorter are channels to be
    averaged. Integers count as parts of their type's full scale, floats as they are.

    MimidiarError for what is no signal: no samples, NaN, infinity, more dimensions, or a rate that is none.
    """
    signal = np.asarray(samples)
    if signal.ndim == 2:
        signal = signal.T if signal.shape[0] < signal.shape[1] else signal
    if signal.ndim not in (1, 2) or signal.size == 0 or signal.dtype.kind not in "if":
        raise MimidiarError(
            f"audio of shape {np.shape(samples)} and type {signal.dtype}: expected numbers (T,), or (T, channels)"
        )
    if not (np.isfinite(sample_rate) and sample_rate > 0 and int(sample_rate) == sample_rate):
        raise MimidiarError(f"sample_rate is {sample_rate}; samples in a second are a whole number above 0")
    scale = 1 / (np.iinfo(signal.dtype).max + 1) if signal.dtype.kind == "i" else 1
    mono = (signal if signal.ndim == 1 else signal.mean(axis=1)).astype(np.float32) * np.float32(scale)
    if not np.isfinite(mono).all():
        where = int(np.flatnonzero(~np.isfinite(mono))[0])
        raise MimidiarError(f"audio: sample {where} ({where / sample_rate:.2f} s) is not a finite number")
    rate = int(sample_rate)
    return AudioRecording(None, len(mono) / rate, rate, partial(stream_samples, mono, rate, rate))
