"""Files of samples (WAV, FLAC, AIFF, ...) through libsndfile; a WAV header that disagrees with its file is mended."""

import io
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from mimidiar.audio.signal import integer_scale, scale_note
from mimidiar.errors import MimidiarError

ENDLESS = 0x7FFF0000  # lengths from here on stand for "not known": writers that cannot seek back leave them
KNOWN_CHUNKS = {b"data", b"fmt ", b"fact", b"LIST", b"bext", b"cue ", b"smpl", b"inst", b"id3 ", b"ID3 ", b"JUNK"}
KNOWN_CHUNKS |= {b"iXML", b"PEAK", b"_PMX", b"axml", b"chna", b"PAD ", b"FLLR", b"afsp", b"DISP", b"acid", b"ds64"}
MPEG = {0x50: "mp3", 0x55: "mp3"}  # format tags of MPEG audio in a WAV
READ_NUMBERS = 1 << 22  # at once


@dataclass(frozen=True)
class WavLayout:
    """Where the samples of a WAV file lie, by its header and by its size, in bytes; `stated` None: not known."""

    chunks: bytes  # of the format, and of what belongs to it
    order: str  # of bytes, as `struct` has it
    tag: int
    bytes_per_sec: int
    start: int
    stated: int | None
    held: int
    odd: bool  # a chunk of odd length without its padding byte

    @property
    def tolerance(self) -> float:
        """Bytes by which a header may be wrong: a second, or a thousandth; of short files a tenth."""
        return max(min(self.bytes_per_sec, self.held / 10), self.held / 1000)


class Part(io.RawIOBase):
    """Some bytes, and then a stretch of a file, as one file to be read."""

    def __init__(self, before: bytes, file: BinaryIO, start: int, length: int):
        self._before, self._file, self._start, self._size = before, file, start, len(before) + length
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer) -> int:
        view = memoryview(buffer).cast("B")
        if self._at < len(self._before):
            found = self._before[self._at : self._at + len(view)]
        else:
            self._file.seek(self._start + self._at - len(self._before))
            found = self._file.read(max(0, min(len(view), self._size - self._at)))
        view[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()


def wav_layout(file: BinaryIO) -> WavLayout | None:
    """The layout of a RIFF, RIFX, RF64 or BW64 file; None for any other, and where it has no format or no data."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64") or start[8:] != b"WAVE":
        return None
    order, kept, long_size, at, odd = ">" if start[:4] == b"RIFX" else "<", {}, None, 12, False
    while True:
        name, length = _chunk_head(file, at, order)
        if name == b"data" or not name:
            break
        content = file.read(min(length, 1 << 12))
        if name in (b"fmt ", b"fact"):
            kept[name] = content
        elif name == b"ds64" and len(content) >= 16:
            long_size = struct.unpack("<Q", content[8:16])[0]
        at, skewed = _next_chunk(file, at + 8 + length, length % 2)
        odd |= skewed
    if not name or len(kept.get(b"fmt ", b"")) < 14:
        return None
    tag, channels, rate, byte_rate = struct.unpack(f"{order}HHII", kept[b"fmt "][:12])
    stated = long_size if start[:4] in (b"RF64", b"BW64") and long_size is not None else length
    known = stated if stated < ENDLESS or (stated > 0xFFFFFFFF and stated < 1 << 62) else None
    per_sec = min(byte_rate, 8 * rate * channels)  # a nonsense header allows no more
    return WavLayout(_chunks(kept, order), order, tag, per_sec, at + 8, known, size - at - 8, odd)


def _chunk_head(file: BinaryIO, at: int, order: str) -> tuple[bytes, int]:
    file.seek(at)
    head = file.read(8)
    return (head[:4], struct.unpack(f"{order}I", head[4:])[0]) if len(head) == 8 else (b"", 0)


def _next_chunk(file: BinaryIO, end: int, padding: int) -> tuple[int, bool]:
    """Where the chunk after one that ends at `end` begins, and whether the padding byte before it is missing."""
    file.seek(end)
    near = file.read(5)
    missing = bool(padding) and near[:4] in KNOWN_CHUNKS and near[1:] not in KNOWN_CHUNKS
    return end + (0 if missing else padding), missing


def _chunks(kept: dict[bytes, bytes], order: str) -> bytes:
    return b"".join(
        name + struct.pack(f"{order}I", len(content)) + content + b"\0" * (len(content) % 2)
        for name, content in kept.items()
    )


def _header(layout: WavLayout, data: int) -> bytes:
    """That of a WAV with so many bytes of data: RF64 where RIFF cannot hold the number."""
    chunks, order = layout.chunks, layout.order
    if data < ENDLESS or order == ">":
        size, length = (struct.pack(f"{order}I", min(number, 0xFFFFFFFF)) for number in (12 + len(chunks) + data, data))
        return (b"RIFX" if order == ">" else b"RIFF") + size + b"WAVE" + chunks + b"data" + length
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 4 + 36 + len(chunks) + 8 + data, data, 0, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + chunks + b"data\xff\xff\xff\xff"


def _chunks_follow(file: BinaryIO, at: int, size: int, order: str) -> bool:
    """Whether what follows the data is chunks, or a few bytes, and so no samples."""
    for begin in (at, at + at % 2):
        name, length = _chunk_head(file, begin, order)
        if name in KNOWN_CHUNKS or name[:3] in (b"TAG", b"ID3"):
            return True
        if name and name.isascii() and name.decode().isprintable() and begin + 8 + length <= size:
            return True
    return size - at < 8


def _cut_short(path: Path, stated: int, held: int) -> str:
    return f"{path}: cut short: the header promises {stated} bytes of samples, the file has {held}; fetch it again"


def _mended(file: BinaryIO, path: Path, layout: WavLayout, notes: list[str]) -> int | None:
    """Bytes of data to read, where the header should not be believed; None where it should.

    Adds to `notes` what the user should know. MimidiarError where the file is cut short.
    """
    stated, held = layout.stated, layout.held
    if stated is None:
        return held
    if stated > held:
        if stated - held > layout.tolerance:
            raise MimidiarError(_cut_short(path, stated, held))
        notes.append(f"the header promises {stated} bytes of samples, and the file has {held}: all of them are read")
        return held
    if stated == held or _chunks_follow(file, layout.start + stated, layout.start + held, layout.order):
        return stated if layout.odd else None
    more = (held - stated) / max(layout.bytes_per_sec, 1)
    notes.append(
        f"the header promises {stated} bytes of samples, and the file has {held}: the {more:,.1f} s beyond are read too"
    )
    return held


class PcmFile:
    """A file that libsndfile reads. `notes`: what the user should know of it."""

    exact = True

    def __init__(self, path: Path, source: Path | io.RawIOBase, notes: list[str]):
        """soundfile.LibsndfileError, or TypeError, for what libsndfile cannot read."""
        self.path, self.notes = path, notes
        self._file = soundfile.SoundFile(source)
        self.sample_rate, self.channels, self.samples = self._file.samplerate, self._file.channels, self._file.frames
        self.kind = self._file.format, self._file.subtype
        self.extra_info = self._file.extra_info

    def close(self) -> None:
        self._file.close()

    def blocks(self, count: int) -> Iterator[np.ndarray]:
        """Blocks (n, channels) of float32, n <= count. MimidiarError where samples are missing."""
        scale, read = self._scale(), 0
        while read < self.samples:
            block = self._read(read, min(count, self.samples - read))
            read += len(block)
            yield block / np.float32(scale) if scale != 1 else block

    def _read(self, start: int, count: int) -> np.ndarray:
        try:
            block = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise MimidiarError(f"{self._cut_short(start)} ({error})") from None
        if len(block) < count:
            raise MimidiarError(self._cut_short(start + len(block)))
        return block

    def _cut_short(self, read: int) -> str:
        promised = f"the header promises {self.samples} samples, reading failed after {read}"
        return f"{self.path}: damaged or cut short: {promised}; fetch it again"

    def _scale(self) -> float:
        """What the samples of a file of floats are divided by: read once for their peak."""
        if self.kind[1] not in ("FLOAT", "DOUBLE"):
            return 1.0
        at_once = max(1, READ_NUMBERS // self.channels)
        peaks = [np.abs(block).max() for block in self._file.blocks(at_once, dtype="float32")]
        self._file.seek(0)
        scale = integer_scale(max(peaks, default=0.0))
        if scale != 1:
            self.notes.append(scale_note(max(peaks), scale))
        return scale


def open_pcm(path: Path) -> "PcmFile | Part":
    """The file as libsndfile reads it; of a WAV that holds MPEG audio, that audio alone.

    soundfile.LibsndfileError or TypeError for what libsndfile cannot read; MimidiarError for a file that is cut short.
    """
    notes: list[str] = []
    file = open(path, "rb")  # noqa: SIM115  a Part keeps it
    layout = wav_layout(file)
    length = None if layout is None else _mended(file, path, layout, notes)
    if layout is not None and layout.tag in MPEG:
        return Part(b"", file, layout.start, layout.held if length is None else length)
    if length is not None:
        return PcmFile(path, Part(_header(layout, length), file, layout.start, length), notes)
    file.close()
    found = PcmFile(path, path, notes)
    _check_promise(found)
    return found


def _check_promise(file: PcmFile) -> None:
    """Refuse an AIFF file that is shorter than stated in its header, which libsndfile mentions only in its log."""
    cut = re.search(r"^ *SSND *: (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if cut and int(cut[2]) < int(cut[1]) < ENDLESS:
        file.close()
        raise MimidiarError(_cut_short(file.path, int(cut[1]), int(cut[2])))
