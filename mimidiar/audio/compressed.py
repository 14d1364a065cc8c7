"""Compressed audio and video containers through PyAV, whose wheels carry FFmpeg.

None of these formats keeps what it promises of its length: a file is read to the end of what decodes. Damaged packets
are passed over and counted. FFmpeg opens no other file or address than the one named (playlists are not read).
"""

import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from mimidiar.annotation.text_file import many
from mimidiar.audio.signal import ToRate
from mimidiar.errors import MimidiarError

FORMATS = (
    "mp3,aac,loas,ogg,mov,matroska,asf,amr,amrnb,amrwb,flac,wav,w64,aiff,caf,au,avi,flv,mpeg,mpegts,ac3,eac3,dts,"
    "wv,ape,tta,shn,nistsphere,gsm,mpc,mpc8,rm,voc"
)
TIMED = ("mov", "matroska", "flv", "mpegts")  # containers that keep a time for every packet
MAX_FAULTS = 1000  # reads that fail one after the other before the file counts as ended
MAX_SECONDS = 1e8
LOUDEST = 8.0  # of a full scale of 1: a decoder on a damaged packet knows no bound
SHORT_SEC = 1.0  # what may be missing of a stated length without a word, or a thousandth of it
GAP_SEC, LONGEST_GAP_SEC = 0.1, 3600.0  # shorter gaps between time stamps are rounding, longer ones another clock
SILENCE_BLOCK = 1 << 20  # samples
FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
ERRORS = (av.FFmpegError, ValueError, MemoryError)  # a ValueError of PyAV's own where FFmpeg leaves a field out

av.logging.set_level(None)  # what decoders note is counted here, not printed


class CompressedFile:
    """An audio stream that PyAV decodes. `samples` is a guess, 0 where there is none; `notes` grow while it is read."""

    exact = False

    def __init__(self, path: Path, source: Path | io.RawIOBase, stream: int | None = None, kind: str | None = None):
        """The audio stream with this number (from 1), else the first. MimidiarError for a file without one."""
        self.path, self.notes = path, []
        self._container = _opened(path, source, kind)
        try:
            self._stream = self._chosen(stream)
            self._frames = self._decoded()
            self._first = next(self._frames, None)
            if self._first is None:
                raise MimidiarError(f"{path}: nothing in its audio stream can be decoded; fetch it again")
        except MimidiarError:
            self.close()
            raise
        self.sample_rate, self.channels = self._first.sample_rate, self._first.layout.nb_channels
        self._origin_sec = (self._container.start_time or 0) / 1e6
        self._stated_sec = _stated_sec(self._container, self._stream)
        if self._container.format.name.startswith("matroska"):  # which states its end
            self._stated_sec = max(0.0, self._stated_sec - max(0.0, self._origin_sec))
        self.samples = round(self._stated_sec * self.sample_rate)

    def close(self) -> None:
        self._container.close()

    def blocks(self, count: int) -> Iterator[np.ndarray]:
        """Blocks (n, channels) of float32, of about `count` samples, until nothing more decodes.

        A later part of another rate is resampled to the first one's; one of other channels keeps them.
        """
        waiting: list[np.ndarray] = []
        for part in self._parts():
            if waiting and (part.shape[1] != waiting[0].shape[1] or sum(map(len, waiting)) >= count):
                yield np.concatenate(waiting)
                waiting = []
            waiting.append(part)
        if waiting:
            yield np.concatenate(waiting)

    def _chosen(self, number: int | None):
        streams = self._container.streams.audio
        if not streams:
            others = ", ".join(sorted({stream.type for stream in self._container.streams})) or "no stream at all"
            raise MimidiarError(f"{self.path}: has no audio stream ({others})")
        if number is not None and number > len(streams):
            raise MimidiarError(f"{self.path}: has {len(streams)} audio streams, none with number {number} (from 1)")
        if number is None and len(streams) > 1:
            self.notes.append(f"has {len(streams)} audio streams, and the first is read; --audio-stream names another")
        return streams[(number or 1) - 1]

    def _decoded(self) -> Iterator[av.AudioFrame]:
        """All frames that decode; what is damaged or missing is noted at the end."""
        damaged = 0
        for packet in self._packets():
            try:
                frames = packet.decode()
            except ERRORS:
                damaged += 1
                continue
            yield from (frame for frame in frames if frame.samples and frame.sample_rate and frame.layout.nb_channels)
        if damaged:
            self.notes.append(f"{many(damaged, 'damaged packet')} passed over; what follows may be early by as much")

    def _packets(self) -> Iterator[av.Packet]:
        """Packets to the end of the file; the last one, which is empty, has a decoder give the rest."""
        faults = 0
        while faults < MAX_FAULTS:
            try:
                for packet in self._container.demux(self._stream):
                    faults = 0
                    yield packet
                return
            except ERRORS:
                faults += 1

    def _parts(self) -> Iterator[np.ndarray]:
        """Decoded samples (n, channels) at the rate of the first frame, with silence where time stamps have a gap."""
        read, silence, to_rate = 0, 0, ToRate(self.sample_rate)
        for frame in self._all_frames():
            samples = as_floats(frame)
            gap = self._gap(frame, read)
            silence += gap
            for block in (*_silence(gap, samples.shape[1]), *to_rate.step(samples, frame.sample_rate)):
                read += len(block)
                yield block
        yield from to_rate.end()
        self._note_length(read, silence)

    def _all_frames(self) -> Iterator[av.AudioFrame]:
        yield self._first
        yield from self._frames

    def _gap(self, frame: av.AudioFrame, read: int) -> int:
        """Samples of silence before a frame, where its container keeps times; from the file's first time on."""
        if frame.pts is None or frame.sample_rate != self.sample_rate or not self._is_timed:
            return 0
        gap = float(frame.pts * frame.time_base) - self._origin_sec - read / self.sample_rate
        return round(gap * self.sample_rate) if GAP_SEC < gap < LONGEST_GAP_SEC else 0

    @property
    def _is_timed(self) -> bool:
        return self._container.format.name.startswith(TIMED)

    def _note_length(self, read: int, silence: int) -> None:
        if silence:
            self.notes.append(f"{silence / self.sample_rate:,.1f} s without samples between its time stamps: silence")
        missing = self._stated_sec - read / self.sample_rate
        if self._is_timed and missing > max(SHORT_SEC, self._stated_sec / 1000):
            self.notes.append(f"{missing:,.1f} s of the {self._stated_sec:,.1f} s that it promises do not decode")


def _silence(count: int, channels: int) -> Iterator[np.ndarray]:
    """`count` samples of silence, some at a time."""
    for start in range(0, count, SILENCE_BLOCK):
        yield np.zeros((min(SILENCE_BLOCK, count - start), channels), np.float32)


def _opened(path: Path, source: Path | io.RawIOBase, kind: str | None):
    whitelists = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    file = str(source) if isinstance(source, Path) else source
    try:
        return av.open(file, format=kind, container_options=whitelists, metadata_errors="ignore")
    except ERRORS as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MimidiarError(
            f"{path}: not audio that libsndfile or FFmpeg reads ({reason}); convert it to WAV or FLAC, or leave it out"
        ) from None


def _stated_sec(container, stream) -> float:
    """The length that the file states, or that FFmpeg guesses, in seconds; 0 where that is none."""
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    else:
        seconds = (container.duration or 0) / 1e6
    return seconds if 0 < seconds < MAX_SECONDS else 0.0


def as_floats(frame: av.AudioFrame) -> np.ndarray:
    """The samples of a frame as float32 (n, channels); what is no number, or beyond all measure, is bounded."""
    kind = frame.format.name.removesuffix("p")
    samples = frame.to_ndarray()
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
    samples = samples.astype(np.float32) - (128 if kind == "u8" else 0)
    samples /= np.float32(FULL_SCALE[kind])
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).clip(-LOUDEST, LOUDEST)
