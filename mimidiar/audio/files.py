"""Read any audio file as one mono float32 signal at a wanted rate: whole, or in chunks of bounded memory.

The two ways run the same code (the whole file is the chunks joined), so they give the same samples bit for bit.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from mimidiar.errors import MimidiarError

CHUNK_SEC = 30.0
NARROW_BAND_HZ = 8000  # telephone speech: legal, but half of what a 16 kHz recording shows is not there


@dataclass(frozen=True)
class AudioInfo:
    """Values of a file's header: rate in Hz, channels, samples per channel."""

    sample_rate: int
    channels: int
    samples: int

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate


def probe_audio(path: str | Path) -> AudioInfo:
    """Read the header alone. Raises MimidiarError for a file that is missing, no audio, cut short or empty."""
    with _open(path) as file:
        return AudioInfo(file.samplerate, file.channels, file.frames)


def read_audio(path: str | Path, sample_rate: int) -> np.ndarray:
    """The whole file as float32 (T,) at `sample_rate`: channels averaged, resampled by soxr (HQ).

    Raises MimidiarError for a file that is missing, no audio, cut short, without samples, or holds NaN or infinity.
    """
    return np.concatenate(list(stream_audio(path, sample_rate)))


def stream_audio(
    path: str | Path, sample_rate: int, chunk_sec: float = CHUNK_SEC, channel: int | None = None
) -> Iterator[np.ndarray]:
    """Yield what `read_audio` returns in chunks of about `chunk_sec` seconds; a few chunks are in memory at a time.

    With `channel` (from 0) that one alone in place of the mean of all. Raises what `read_audio` raises, at the chunk
    where the fault lies.
    """
    with _open(path) as file:
        _warn_narrow_band(file.samplerate)
        resample = make_resampler(file.samplerate, sample_rate)
        block = max(1, round(chunk_sec * file.samplerate))
        read = 0
        while read < file.frames:
            samples = _read_block(file, path, read, min(block, file.frames - read), channel)
            read += len(samples)
            chunk = resample(samples, read == file.frames)
            if len(chunk):
                yield chunk


def resample(samples: np.ndarray, source_rate: int, sample_rate: int) -> np.ndarray:
    """A whole signal (T,) at another rate, as `read_audio` gives that of a file at `source_rate`."""
    return make_resampler(source_rate, sample_rate)(samples, True)


def stream_samples(
    samples: np.ndarray, source_rate: int, sample_rate: int, chunk_sec: float = CHUNK_SEC
) -> Iterator[np.ndarray]:
    """Yield a signal (T,) in memory as `stream_audio` yields that of a file at `source_rate`."""
    resample = make_resampler(source_rate, sample_rate)
    block = max(1, round(chunk_sec * source_rate))
    for start in range(0, len(samples), block):
        chunk = resample(samples[start : start + block], start + block >= len(samples))
        if len(chunk):
            yield chunk


def in_frames(chunks: Iterable[np.ndarray], frame_samples: int) -> Iterator[np.ndarray]:
    """Chunks of one signal, of any length -> chunks of whole frames; the end is padded with zeros to a whole one."""
    rest = np.zeros(0, np.float32)
    for chunk in chunks:
        audio = np.concatenate([rest, chunk])
        whole = len(audio) // frame_samples * frame_samples
        rest = audio[whole:]
        if whole:
            yield audio[:whole]
    if len(rest):
        yield np.pad(rest, (0, frame_samples - len(rest)))


def _open(path: str | Path) -> soundfile.SoundFile:
    path = Path(path)
    if not path.is_file():
        raise MimidiarError(f"{path}: no such audio file; restore it, or prepare the data again without it")
    if path.stat().st_size == 0:
        raise MimidiarError(f"{path}: the file is empty (0 bytes); fetch it again, or leave it out of the data")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError) as error:
        reason = str(error).rsplit(": ", 1)[-1].rstrip(".")
        raise MimidiarError(
            f"{path}: not audio that libsndfile reads ({reason}); convert it to WAV or FLAC, or leave it out"
        ) from None
    _check_promise(file, path)
    return file


def _check_promise(file: soundfile.SoundFile, path: Path) -> None:
    """Refuse a file without samples, and a WAV or AIFF file that is shorter than stated in its header.

    libsndfile reads such a file without an error, and mentions it only in its log. Writers that cannot seek back
    (pipes) leave the largest possible length in the header; such files are accepted.
    """
    cut = re.search(r"^ *(?:data|SSND) *: (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if cut and int(cut[2]) < int(cut[1]) < 0x7FFF0000:
        file.close()
        raise MimidiarError(
            f"{path}: cut short: the header promises {cut[1]} bytes of samples, the file has {cut[2]}; fetch it again"
        )
    if file.frames == 0:
        file.close()
        raise MimidiarError(f"{path}: holds 0 samples; record or fetch it again, or leave it out of the data")


def _read_block(file: soundfile.SoundFile, path: str | Path, start: int, count: int, channel: int | None) -> np.ndarray:
    """`count` samples from `start` on as mono float32. Raises MimidiarError when they are not there or not finite."""
    try:
        block = file.read(count, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise MimidiarError(f"{_cut_short(file, path, start)} ({error})") from None
    if len(block) < count:
        raise MimidiarError(_cut_short(file, path, start + len(block)))
    if channel is not None:
        block = block[:, channel : channel + 1]
    mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
    if not np.isfinite(mono).all():
        where = start + int(np.flatnonzero(~np.isfinite(mono))[0])
        raise MimidiarError(
            f"{path}: sample {where} ({where / file.samplerate:.2f} s) is not a finite number; "
            "write the file again from its source, or leave it out of the data"
        )
    return np.ascontiguousarray(mono)


def _cut_short(file: soundfile.SoundFile, path: str | Path, read: int) -> str:
    return (
        f"{path}: damaged or cut short: the header promises {file.frames} samples, "
        f"reading failed after {read}; fetch it again"
    )


def make_resampler(source_rate: int, sample_rate: int):
    """A function (samples, is_last) -> resampled samples that keeps its filter state from call to call."""
    if source_rate == sample_rate:
        return lambda samples, is_last: samples
    stream = soxr.ResampleStream(source_rate, sample_rate, 1, dtype="float32", quality="HQ")
    return lambda samples, is_last: stream.resample_chunk(samples, last=is_last)


def _warn_narrow_band(sample_rate: int) -> None:
    # No file name in the text: Python shows one text once, and a telephone corpus has thousands of files.
    if sample_rate <= NARROW_BAND_HZ:
        warnings.warn(
            f"audio at {sample_rate} Hz: the band above {sample_rate // 2} Hz is empty, so features of it do not "
            "compare with those of wide-band recordings",
            stacklevel=3,
        )


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
        raise MimidiarError(f"{path}: has {info.channels} channels, none with number {channel} (from 0)")
    read = partial(stream_audio, path, info.sample_rate, channel=channel)
    return AudioRecording(Path(path).stem if name is None else name, info.seconds, info.sample_rate, read)


def array_recording(samples: Any, sample_rate: int) -> AudioRecording:
    """Samples in memory: an array (T,), or one of two dimensions; the shorter one is channels, which are averaged.
    Integers are scaled by the full scale of their type, floats are not scaled.

    MimidiarError for an invalid signal or rate: no samples, NaN, infinity, more dimensions.
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
