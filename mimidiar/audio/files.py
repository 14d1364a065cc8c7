"""Read any audio file as one mono float32 signal at a wanted rate: whole, or in chunks of bounded memory.

The two ways run the same code (the whole file is the chunks joined), so they give the same samples bit for bit.
Files of samples are read by libsndfile (`pcm`), all others by FFmpeg (`compressed`).
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from mimidiar.audio.level import LevelGain
from mimidiar.audio.ogg import UNENDED, OggLayout, ogg_layout
from mimidiar.audio.pcm import PcmChain, PcmFile, open_pcm
from mimidiar.audio.signal import CHUNK_SEC, FloatScale, Mixdown, make_resampler, stream_samples
from mimidiar.audio.wav_header import Part
from mimidiar.errors import MimidiarError
from mimidiar.log import log

NARROW_BAND_HZ = 8000  # telephone speech: legal, but half of what a 16 kHz recording shows is not there
RATES_HZ = (2000, 768_000)  # beyond them a header is wrong, and resampling would make hours of nothing
MAGIC_BYTES = 16
# What files begin with that libsndfile reads: WAV and its kin, AIFF, FLAC, AU, CAF, SPHERE, Ogg, VOC, PVF, AVR, PAF. It
# would take much else for MP3, and its decoder prints what it thinks of that.
LIBSNDFILE = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b"fLaC", b".snd", b"dns.", b"caff", b"NIST_1A")
LIBSNDFILE += (b"OggS", b"Creative Voice", b"PVF1", b"2BIT", b" paf", b"fap ")
CHANNELS = 256  # likewise
BLOCK = 1 << 24  # numbers that are read at once, at most
LARGEST = 1 << 48  # samples; libsndfile has more of a FLAC whose header has no number


@dataclass(frozen=True)
class AudioInfo:
    """Values of a file's header: rate in Hz, channels, samples per channel; with `exact` false these are a guess."""

    sample_rate: int
    channels: int
    samples: int
    exact: bool = True

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate


def probe_audio(path: str | Path, audio_stream: int | None = None) -> AudioInfo:
    """Read the header alone. Raises MimidiarError for a file that is missing, no audio, cut short or empty."""
    with closing(_open(path, audio_stream)) as file:
        return AudioInfo(file.sample_rate, file.channels, file.samples, file.exact)


def measure_audio(path: str | Path) -> AudioInfo:
    """`probe_audio`, with the number of samples exact: where the format promises none, all of it is decoded."""
    with closing(_open(path, None)) as file:
        samples = file.samples if file.exact else sum(map(len, file.blocks(1)))
        return AudioInfo(file.sample_rate, file.channels, samples)


def read_audio(path: str | Path, sample_rate: int) -> np.ndarray:
    """The whole file as float32 (T,) at `sample_rate`: channels averaged, resampled by soxr (HQ).

    Raises MimidiarError for a file that is missing, no audio, cut short, without samples, or holds NaN or infinity.
    """
    return np.concatenate(list(stream_audio(path, sample_rate)))


def stream_audio(
    path: str | Path,
    sample_rate: int,
    chunk_sec: float = CHUNK_SEC,
    channel: int | None = None,
    audio_stream: int | None = None,
    with_gain: bool = False,
) -> Iterator[np.ndarray]:
    """Yield what `read_audio` returns in chunks of about `chunk_sec` seconds; a few chunks are in memory at a time.

    With `channel` (from 0) that one alone in place of the mean of all (`Mixdown`); `audio_stream` (from 1): of a
    container with several; `with_gain`: with that of very quiet or very loud recordings (`LevelGain`). What the user
    should know of the file is logged. Raises what `read_audio` raises, at the chunk where the fault lies.
    """
    with closing(_open(path, audio_stream)) as file:
        _warn_narrow_band(file.sample_rate)
        resample, mix = make_resampler(file.sample_rate, sample_rate), Mixdown(file.sample_rate, channel)
        gain = LevelGain(file.sample_rate).step if with_gain else lambda samples: samples
        tell(path, file.notes)
        known, read = len(file.notes), 0
        for block, last in _told_last(file.blocks(_block(file, chunk_sec))):
            _check_finite(block if channel is None else block[:, channel : channel + 1], path, read, file.sample_rate)
            read += len(block)
            chunk = resample(gain(mix.step(block, last)), last)
            if len(chunk):
                yield chunk
        tell(path, file.notes[known:], mix)


def stream_channels(path: str | Path, sample_rate: int, audio_stream: int | None = None) -> Iterator[np.ndarray]:
    """Yield all channels of a file in chunks (n, channels) of float32 at `sample_rate`. Raises what `read_audio` does,
    and MimidiarError where the number of channels changes."""
    with closing(_open(path, audio_stream)) as file:
        resamplers = [make_resampler(file.sample_rate, sample_rate) for _ in range(file.channels)]
        for block, last in _told_last(file.blocks(_block(file, CHUNK_SEC))):
            if block.shape[1] != file.channels:
                raise MimidiarError(f"{path}: has {file.channels} channels at first, and later {block.shape[1]}")
            columns = zip(resamplers, block.T, strict=True)
            yield np.stack([each(np.ascontiguousarray(column), last) for each, column in columns], axis=1)


def _block(file, chunk_sec: float) -> int:
    """Samples of a channel that are read at once."""
    return max(1, min(round(chunk_sec * file.sample_rate), BLOCK // file.channels))


def _told_last(blocks: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """Each block, and whether it is the last one."""
    before = next(blocks, None)
    for block in blocks:
        yield before, False
        before = block
    if before is not None:
        yield before, True


def tell(name: str | Path, notes: list[str], mix: Mixdown | None = None) -> None:
    """Log what the user should know of a file, or of samples."""
    if mix is not None and mix.cancelled_sec:
        instead = f"(one is the other, inverted): channel {mix.loud + 1} is read instead"
        notes = [*notes, f"the channels cancel out for {mix.cancelled_sec:,.1f} s {instead}"]
    for note in notes:
        log.warning(f"{name}: {note}")


def _open(path: str | Path, audio_stream: int | None):
    """The file, opened by libsndfile or FFmpeg. MimidiarError where neither can, or there is nothing in it."""
    path = Path(path)
    if not path.exists():
        raise MimidiarError(f"{path}: no such audio file; restore it, or prepare the data again without it")
    if not path.is_file():
        raise MimidiarError(f"{path}: a folder, pipe or device, and no file; write the audio to a file first")
    if path.stat().st_size == 0:
        raise MimidiarError(f"{path}: the file is empty (0 bytes); fetch it again, or leave it out of the data")
    file = _opened(path, audio_stream)
    try:
        if file.exact and file.samples == 0:
            raise MimidiarError(f"{path}: holds 0 samples; record or fetch it again, or leave it out of the data")
        if not RATES_HZ[0] <= file.sample_rate <= RATES_HZ[1]:
            raise MimidiarError(
                f"{path}: a sample rate of {file.sample_rate} Hz, not from {RATES_HZ[0]} to {RATES_HZ[1]}: its header "
                "is damaged; fetch the file again, or leave it out of the data"
            )
        if file.channels > CHANNELS:
            raise MimidiarError(
                f"{path}: {file.channels} channels, over {CHANNELS}: its header is damaged; fetch it again"
            )
    except MimidiarError:
        file.close()
        raise
    return file


def _opened(path: Path, audio_stream: int | None):
    with open(path, "rb") as file:
        start = file.read(MAGIC_BYTES)
    layout = ogg_layout(path) if start.startswith(b"OggS") else None
    found = None
    if layout and len(layout.links) > 1:
        found = _try_chain(path, layout)
    elif start.startswith(LIBSNDFILE):
        found = _try_pcm(path)
    if isinstance(found, PcmFile | PcmChain) and (audio_stream or 1) > 1:
        found.close()
        raise MimidiarError(f"{path}: has 1 audio stream, none with number {audio_stream} (from 1)")
    if not isinstance(found, PcmFile | PcmChain):
        source, kind = (path, None) if found is None else (found, "mp3")
        found = _compressed(path, source, audio_stream, kind)
        if layout and len(layout.links) > 1:
            found.notes.append(f"{len(layout.links)} streams one behind the other; FFmpeg may read the first alone")
    if layout and not layout.ended:
        found.notes.append(UNENDED)
    return found


def _try_chain(path: Path, layout: OggLayout) -> PcmChain | None:
    """Streams one behind the other; None where libsndfile does not read all of them."""
    try:
        return PcmChain(path, layout.links)
    except (soundfile.LibsndfileError, TypeError):
        return None


def _try_pcm(path: Path) -> PcmFile | Part | None:
    """What `open_pcm` finds; None for what libsndfile does not read, or not to its end."""
    try:
        found = open_pcm(path)
    except (soundfile.LibsndfileError, TypeError):
        return None
    if isinstance(found, PcmFile) and not 0 <= found.samples < LARGEST:
        found.close()
        return None
    return found


def _compressed(path: Path, source: Path | Part, audio_stream: int | None, kind: str | None):
    from mimidiar.audio.compressed import CompressedFile  # a fifth of a second, which files of samples do not need

    return CompressedFile(path, source, audio_stream, kind)


def _check_finite(block: np.ndarray, path: str | Path, start: int, sample_rate: int) -> None:
    """MimidiarError for NaN and infinity in samples (n, channels), the first of which has number `start`."""
    if not np.isfinite(block).all():
        where = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
        raise MimidiarError(
            f"{path}: sample {where} ({where / sample_rate:.2f} s) is not a finite number; "
            "write the file again from its source, or leave it out of the data"
        )


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
    """`read()` gives the signal in chunks (T,) of float32 at `sample_rate`, each time from the beginning.

    `seconds` is what the header states: a guess where the format does not keep its promise (`AudioInfo.exact`).
    """

    name: str | None
    seconds: float
    sample_rate: int
    read: Callable[[], Iterator[np.ndarray]]


def file_recording(
    path: str | Path, channel: int | None = None, name: str | None = None, audio_stream: int | None = None
) -> AudioRecording:
    """An audio file: its channels averaged, or `channel` (from 0) alone; named like the file unless `name` is given.

    MimidiarError for a file that is missing, no audio, cut short, without samples, or has no such channel.
    """
    info = probe_audio(path, audio_stream)
    if channel is not None and not 0 <= channel < info.channels:
        raise MimidiarError(f"{path}: has {info.channels} channels, none with number {channel} (from 0)")
    read = partial(stream_audio, path, info.sample_rate, channel=channel, audio_stream=audio_stream)
    return AudioRecording(Path(path).stem if name is None else name, info.seconds, info.sample_rate, read)


def array_recording(samples: Any, sample_rate: int) -> AudioRecording:
    """Samples in memory: an array (T,), or one of two dimensions; the shorter one is channels, which are averaged.
    Integers are scaled by the full scale of their type, floats only where they must be integers (`FloatScale`).

    MimidiarError for an invalid signal or rate: no samples, NaN, infinity, more dimensions.
    """
    signal = np.asarray(samples)
    if signal.ndim == 2:
        signal = signal.T if signal.shape[0] < signal.shape[1] else signal
    if signal.ndim not in (1, 2) or signal.size == 0 or signal.dtype.kind not in "if":
        raise MimidiarError(
            f"audio of shape {np.shape(samples)} and type {signal.dtype}: expected numbers, (T,) or (T, channels): "
            "floats or signed integers"
        )
    if not (np.isfinite(sample_rate) and sample_rate > 0 and int(sample_rate) == sample_rate):
        raise MimidiarError(f"sample_rate is {sample_rate}; samples in a second are a whole number above 0")
    floats = signal.reshape(len(signal), -1).astype(np.float32)
    _check_finite(floats, "audio", 0, int(sample_rate))
    floats /= np.float32(np.iinfo(signal.dtype).max + 1 if signal.dtype.kind == "i" else 1)
    scale = FloatScale()
    scale.step(floats)
    mix, notes = Mixdown(int(sample_rate)), [scale.note] if scale.scale != 1 else []
    mono = mix.step(floats / np.float32(scale.scale), last=True)
    tell("the samples", notes, mix)
    rate = int(sample_rate)
    return AudioRecording(None, len(mono) / rate, rate, partial(stream_samples, mono, rate, rate, CHUNK_SEC))
