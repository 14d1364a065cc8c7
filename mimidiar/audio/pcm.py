"""Files of samples (WAV, FLAC, AIFF, ...) through libsndfile; a WAV header that disagrees with its file is mended."""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from mimidiar.audio.signal import FloatScale, ToRate
from mimidiar.audio.wav_header import UNKNOWN, Part, cut_short, mended_header, mended_length, wav_layout
from mimidiar.errors import MimidiarError

MPEG = {0x50: "mp3", 0x55: "mp3"}  # format tags of MPEG audio in a WAV
READ_NUMBERS = 1 << 22  # at once


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
            if len(block):
                yield block / np.float32(scale) if scale != 1 else block
            if not len(block) or (self.kind[0] == "OGG" and len(block) < count):
                break
        if read < self.samples:
            missing = (self.samples - read) / self.sample_rate
            self.notes.append(f"damaged: {missing:,.1f} s are missing, and what follows them is early by as much")

    def _read(self, start: int, count: int) -> np.ndarray:
        try:
            block = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise MimidiarError(f"{self._cut_short(start)} ({error})") from None
        if len(block) < count and self.kind[0] != "OGG":  # which promises nothing
            raise MimidiarError(self._cut_short(start + len(block)))
        return block

    def _cut_short(self, read: int) -> str:
        promised = f"the header promises {self.samples} samples, reading failed after {read}"
        return f"{self.path}: damaged or cut short: {promised}; fetch it again"

    def _scale(self) -> float:
        """What the samples of a file of floats are divided by: read once for their peak."""
        if self.kind[1] not in ("FLOAT", "DOUBLE"):
            return 1.0
        scale, at_once = FloatScale(), max(1, READ_NUMBERS // self.channels)
        for block in self._file.blocks(at_once, dtype="float32"):
            scale.step(block)
        self._file.seek(0)
        if scale.scale != 1:
            self.notes.append(scale.note)
        return scale.scale


class PcmChain:
    """Files that libsndfile reads, one behind the other in one file: the links of a chained Ogg.

    A later one of another rate is resampled to that of the first; one of other channels keeps them.
    """

    exact = False

    def __init__(self, path: Path, links: Sequence[tuple[int, int]]):
        """`links`: (start, length) of each in bytes. soundfile.LibsndfileError for what libsndfile cannot read."""
        self.path, self.notes, self._parts = path, [], []
        try:
            for start, length in links:
                file = open(path, "rb")  # noqa: SIM115  a Part keeps it
                self._parts.append(PcmFile(path, Part(b"", file, start, length), self.notes))
        except (soundfile.LibsndfileError, TypeError):
            self.close()
            raise
        self.sample_rate, self.channels = self._parts[0].sample_rate, self._parts[0].channels
        self.samples = sum(round(part.samples * self.sample_rate / part.sample_rate) for part in self._parts)

    def close(self) -> None:
        for part in self._parts:
            part.close()

    def blocks(self, count: int) -> Iterator[np.ndarray]:
        """Blocks (n, channels) of float32."""
        to_rate = ToRate(self.sample_rate)
        for part in self._parts:
            for block in part.blocks(count):
                yield from to_rate.step(block, part.sample_rate)
        yield from to_rate.end()


def open_pcm(path: Path) -> "PcmFile | Part":
    """The file as libsndfile reads it; of a WAV that holds MPEG audio, that audio alone.

    soundfile.LibsndfileError or TypeError for what libsndfile cannot read; MimidiarError for a file that is cut short.
    """
    notes: list[str] = []
    file = open(path, "rb")  # noqa: SIM115  a Part keeps it
    layout = wav_layout(file)
    length = None if layout is None else mended_length(file, path, layout, notes)
    if layout is not None and layout.tag in MPEG:
        return Part(b"", file, layout.start, layout.held if length is None else length)
    if length is not None:
        return PcmFile(path, Part(mended_header(layout, length), file, layout.start, length), notes)
    file.close()
    found = PcmFile(path, path, notes)
    _check_promise(found)
    return found


def _check_promise(file: PcmFile) -> None:
    """MimidiarError for a file that is shorter than its header states, which libsndfile mentions only in its log: AIFF,
    AU, W64, SVX (in bytes), VOC, SPHERE (in samples)."""
    stated, held = 0, 0
    if cut := re.search(r"^ *(?:SSND|BODY|riff|Data Size) *: (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE):
        stated, held = int(cut[1]), int(cut[2])
    elif file.kind[0] == "NIST":
        with open(file.path, "rb") as stream:
            count = re.search(rb"^sample_count -i (\d+)", stream.read(1024), re.MULTILINE)
        stated, held = int(count[1]) if count else 0, file.samples
    elif "Seems to be a truncated file" in file.extra_info:
        stated, held = file.path.stat().st_size + 1, file.path.stat().st_size
    if held < stated and not any(stated in some for some in UNKNOWN):
        file.close()
        raise MimidiarError(
            cut_short(file.path, stated, held, "samples" if file.kind[0] == "NIST" else "bytes of samples")
        )
