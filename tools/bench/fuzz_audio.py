"""Audio files for `fuzz.py`: valid ones of many formats, with damaged headers."""

import io
import logging
import os
import random
import struct
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from mimidiar.audio.files import measure_audio, probe_audio, stream_audio
from mimidiar.log import log
from mimidiar.tests.audio.made import bursts, chunk, cover, mp3, ogg, wav, write_av

SECONDS, RATE = 2.0, 16000
MOST_SAMPLES = 1 << 25  # decoded of one case; what a header promises is not waited for
HEADER = 400  # bytes in which most of the damage is done
PCM = {"aiff": "AIFF", "au": "AU", "caf": "CAF", "w64": "W64", "flac": "FLAC", "rf64": "RF64", "sph": "NIST"}
CONTAINERS = {
    "m4a": ("aac", None),
    "mp4": ("aac", None),
    "mov": ("pcm_s16le", None),
    "mkv": ("flac", None),
    "webm": ("libopus", None),
    "wma": ("wmav2", "asf"),
    "amr": ("libopencore_amrnb", None),
    "aac": ("aac", "adts"),
}
NUMBERS = (0, 1, 2, 3, 7, 0x7F, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@cache
def valid_files() -> dict[str, list[bytes]]:
    """suffix -> files, two seconds long."""
    sound = bursts(SECONDS)
    stereo = np.stack([sound, -sound], axis=1)
    files = {
        "wav": [
            wav(sound),
            wav(stereo, before=chunk(b"LIST", b"INFOx")),
            _pcm(sound, "WAV", "FLOAT"),
            _pcm(sound, "WAV", "GSM610"),
            _pcm(sound, "WAV", "MS_ADPCM"),
            _pcm(stereo, "WAVEX", "PCM_24"),
        ],
        "mp3": [mp3(sound), mp3(sound, tagged=False), cover(500) + mp3(sound, mode="CONSTANT"), mp3(sound) * 2],
        "ogg": [ogg(sound, "VORBIS"), ogg(sound, "VORBIS") * 2],
        "opus": [ogg(sound, "OPUS")],
    }
    files |= {suffix: [_pcm(sound, kind, "PCM_16")] for suffix, kind in PCM.items()}
    with tempfile.TemporaryDirectory() as folder:
        for suffix, (codec, kind) in CONTAINERS.items():
            rate = {"amr": 8000, "webm": 48000}.get(suffix, 44100)
            path = write_av(Path(folder) / f"a.{suffix}", bursts(SECONDS, rate), rate, codec, kind=kind)
            files[suffix] = [path.read_bytes()]
    return files


def _pcm(samples: np.ndarray, kind: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 8000 if subtype == "GSM610" else RATE, subtype, format=kind)
    return file.getvalue()


def make(chance: random.Random) -> tuple[str, bytes]:
    """The name of a file, and its content: a valid file with up to four mutations, most of them near its beginning."""
    suffix = chance.choice(list(valid_files()))
    data = bytearray(chance.choice(valid_files()[suffix]))
    for _ in range(chance.randint(1, 4)):
        chance.choice(MUTATIONS)(data, chance)
    if chance.random() < 0.1:
        suffix = chance.choice(list(valid_files()))
    return f"a.{suffix}", bytes(data)


def _where(data: bytearray, chance: random.Random) -> int:
    """A byte of the header, or now and then any."""
    return chance.randrange(max(1, min(len(data), HEADER) if chance.random() < 0.85 else len(data)))


def flip(data: bytearray, chance: random.Random) -> None:
    """Some bytes become others."""
    for _ in range(chance.choice([1, 1, 2, 8])):
        if data:
            data[_where(data, chance)] = chance.randrange(256)


def number(data: bytearray, chance: random.Random) -> None:
    """A number of 2, 4 or 8 bytes in either order becomes an odd one."""
    at, form = _where(data, chance), chance.choice(["<H", ">H", "<I", ">I", "<Q", ">Q"])
    size = struct.calcsize(form)
    value = chance.choice(NUMBERS) if chance.random() < 0.7 else chance.getrandbits(64)
    if form[1] == "Q" and chance.random() < 0.3:
        value = 0xFFFFFFFFFFFFFFFF
    data[at : at + size] = struct.pack(form, value & ((1 << 8 * size) - 1))


def cut(data: bytearray, chance: random.Random) -> None:
    """The end is missing."""
    del data[_where(data, chance) if chance.random() < 0.3 else chance.randrange(len(data) + 1) :]


def drop(data: bytearray, chance: random.Random) -> None:
    """A stretch is missing."""
    at = _where(data, chance)
    del data[at : at + chance.choice([1, 2, 4, 8, 44, 500])]


def insert(data: bytearray, chance: random.Random) -> None:
    """A stretch comes twice, or bytes come between."""
    at, length = _where(data, chance), chance.choice([1, 2, 4, 8, 44, 500])
    data[at:at] = data[at : at + length] if chance.random() < 0.5 else chance.randbytes(length)


def splice(data: bytearray, chance: random.Random) -> None:
    """It begins as a file of another format."""
    other = chance.choice(valid_files()[chance.choice(list(valid_files()))])
    length = chance.choice([4, 12, 44, 100, 400])
    data[:length] = other[:length]


def join(data: bytearray, chance: random.Random) -> None:
    """Another file follows."""
    data.extend(chance.choice(valid_files()[chance.choice(list(valid_files()))]))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip,
    flip,
    number,
    number,
    number,
    cut,
    drop,
    insert,
    splice,
    join,
)


def read(path: Path) -> None:
    """Probe, measure and read the file as `mimidiar diarize` does. AssertionError where a decoder prints something."""
    log.addHandler(logging.NullHandler())  # what we say ourselves is not printed
    log.propagate = False
    warnings.simplefilter("ignore")
    with tempfile.TemporaryFile() as kept:
        before = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            _read(path)
        finally:
            os.dup2(before, 2)
            os.close(before)
            kept.seek(0)
            printed = kept.read(1000)
    assert not printed, f"printed: {printed!r}"


def _read(path: Path) -> None:
    info = probe_audio(path)
    if info.exact and info.samples <= MOST_SAMPLES:
        measure_audio(path)
    count = 0
    for block in stream_audio(path, RATE, with_gain=True):
        assert block.dtype == np.float32 and block.ndim == 1 and np.isfinite(block).all()
        count += len(block)
        if count > MOST_SAMPLES:
            return
    assert count
