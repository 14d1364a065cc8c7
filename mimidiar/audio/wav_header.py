"""WAV headers that disagree with their file: recorders that never closed it, sizes modulo 2^32, chunks out of place."""

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mimidiar.errors import MimidiarError

# Lengths that stand for "not known", where the file is shorter: writers that cannot seek back leave them.
UNKNOWN = (range(0x7FFFE000, 0x80000001), range(0xFFFFE000, 0x100000000), range(1 << 62, 1 << 64))
MOST_CHUNKS = 10_000
TAIL = 1 << 16  # bytes at the end of a file of unknown length in which chunks are looked for
SHORTEST_SEC = 0.05  # of samples behind the stated end
KNOWN_CHUNKS = {b"data", b"fmt ", b"fact", b"LIST", b"bext", b"cue ", b"smpl", b"inst", b"id3 ", b"ID3 ", b"JUNK"}
KNOWN_CHUNKS |= {b"iXML", b"PEAK", b"_PMX", b"axml", b"chna", b"PAD ", b"FLLR", b"afsp", b"DISP", b"acid", b"ds64"}
LONGEST_RIFF = 0x7FFF0000


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
    for _ in range(MOST_CHUNKS):
        name, length = _chunk_head(file, at, order)
        if name == b"data" or not _is_name(name):
            break
        content = file.read(min(length, 1 << 12))
        if name in (b"fmt ", b"fact"):
            kept[name] = content
        elif name == b"ds64" and len(content) >= 16:
            long_size = struct.unpack("<Q", content[8:16])[0]
        at, skewed = _next_chunk(file, at + 8 + length, length % 2)
        odd |= skewed
    if name != b"data" or len(kept.get(b"fmt ", b"")) < 14:
        return None
    tag, channels, rate, byte_rate, align = struct.unpack(f"{order}HHIIH", kept[b"fmt "][:14])
    per_sec = min(byte_rate or rate * align, 8 * rate * channels)  # a nonsense header allows no more
    stated = long_size if start[:4] in (b"RF64", b"BW64") and long_size is not None else length
    held = size - at - 8
    known = None if stated > held and any(stated in some for some in UNKNOWN) else stated
    return WavLayout(_chunks(kept, order), order, tag, per_sec, at + 8, known, held, odd)


def _is_name(name: bytes) -> bool:
    """Whether these can be the four letters of a chunk."""
    return len(name) == 4 and name.isascii() and name.decode().isprintable()


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


def mended_header(layout: WavLayout, data: int) -> bytes:
    """That of a WAV with so many bytes of data: RF64 where RIFF cannot hold the number."""
    chunks, order = layout.chunks, layout.order
    if data < LONGEST_RIFF or order == ">":
        size, length = (struct.pack(f"{order}I", min(number, 0xFFFFFFFF)) for number in (12 + len(chunks) + data, data))
        return (b"RIFX" if order == ">" else b"RIFF") + size + b"WAVE" + chunks + b"data" + length
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 4 + 36 + len(chunks) + 8 + data, data, 0, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + chunks + b"data\xff\xff\xff\xff"


def _chunks_follow(file: BinaryIO, at: int, size: int, order: str) -> bool:
    """Whether what follows the data is chunks, or a few bytes, and so no samples."""
    for begin in (at, at + at % 2):
        name, length = _chunk_head(file, begin, order)
        if name in KNOWN_CHUNKS or name[:3] in (b"TAG", b"ID3", b"APE", b"LYR"):
            return True
        if _is_name(name) and begin + 8 + length <= size:
            return True
    return size - at < 8


def _without_tail(file: BinaryIO, layout: WavLayout) -> int:
    """Bytes of samples of a file of unknown length: without the chunks that end where the file does."""
    end = layout.start + layout.held
    file.seek(max(layout.start, end - TAIL))
    tail = file.read()
    for at in range(len(tail) - 8):
        if tail[at : at + 4] in KNOWN_CHUNKS:
            length = struct.unpack(f"{layout.order}I", tail[at + 4 : at + 8])[0]
            end = at + 8 + length
            if end <= len(tail) <= end + length % 2:
                return layout.held - (len(tail) - at)
    return layout.held


def cut_short(path: Path, stated: int, held: int, unit: str = "bytes of samples") -> str:
    return f"{path}: cut short: the header promises {stated} {unit}, the file has {held}; fetch it again"


def mended_length(file: BinaryIO, path: Path, layout: WavLayout, notes: list[str]) -> int | None:
    """Bytes of data to read, where the header should not be believed; None where it should.

    Adds to `notes` what the user should know. MimidiarError where the file is cut short.
    """
    stated, held = layout.stated, layout.held
    if stated is None:
        return _without_tail(file, layout)
    if stated > held:
        if stated - held > layout.tolerance:
            raise MimidiarError(cut_short(path, stated, held))
        notes.append(f"the header promises {stated} bytes of samples, and the file has {held}: all of them are read")
        return held
    behind = layout.start + stated
    if stated == held or _chunks_follow(file, behind, layout.start + held, layout.order):
        if _chunk_head(file, behind + behind % 2, layout.order)[0] in (b"RIFF", b"RF64", b"data"):
            notes.append(f"another recording follows in the same file, and is not read: {held - stated} bytes")
            return stated
        return stated if layout.odd else None
    held = _without_tail(file, layout)
    more = (held - stated) / max(layout.bytes_per_sec, 1)
    if more < SHORTEST_SEC:
        return stated
    notes.append(
        f"the header promises {stated} bytes of samples, and the file has {held}: the {more:,.1f} s beyond are read too"
    )
    return held
