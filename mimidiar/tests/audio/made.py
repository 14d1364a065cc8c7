"""Audio files as recorders, phones and stream writers leave them, made here."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import soundfile

RATE = 16000


def bursts(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Noise and silence in turn, half a second each: float32 (T,)."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * rate)).astype(np.float32) * 0.2
    return noise * (np.arange(len(noise)) // (rate // 2) % 2 == 0)


def write_av(path: Path, samples: np.ndarray, rate: int, codec: str, streams: int = 1, kind: str | None = None) -> Path:
    """Samples (T,) or (T, C) through an encoder of FFmpeg, in the container that the suffix, or `kind`, names."""
    channels = samples.reshape(len(samples), -1)
    layout = "mono" if channels.shape[1] == 1 else "stereo"
    with av.open(str(path), "w", format=kind) as container:
        outs = [container.add_stream(codec, rate=rate, layout=layout) for _ in range(streams)]
        for number, out in enumerate(outs):
            if codec == "wmav2":  # has no default
                out.bit_rate = 64_000
            planes = np.ascontiguousarray((channels / (number + 1)).T, np.float32)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, 0
            to_encoder = av.AudioResampler(out.codec_context.format or "s16", layout, rate, out.frame_size or 1024)
            for each in [*to_encoder.resample(frame), *to_encoder.resample(None)]:
                container.mux(out.encode(each))
            container.mux(out.encode(None))
    return path


def mp3(samples: np.ndarray, rate: int = RATE, mode: str = "VARIABLE", tagged: bool = True) -> bytes:
    """An MP3 file; without its first frame, which holds the tag with its length, as cutters and streams leave it."""
    file = io.BytesIO()
    soundfile.write(
        file, samples, rate, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode=mode, compression_level=0.5
    )
    data = file.getvalue()
    return data if tagged else data[data.index(data[:2], 4) :]


def cover(size: int = 60_000) -> bytes:
    """An ID3v2 tag as long as a picture makes it."""
    return b"ID3\3\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)


def ogg(samples: np.ndarray, subtype: str, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="OGG", subtype=subtype)
    return file.getvalue()


def wav(
    samples: np.ndarray, rate: int = RATE, stated: int | None = None, before: bytes = b"", after: bytes = b""
) -> bytes:
    """A WAV of 16 bits that states so many bytes of data, with chunks before and after these."""
    data = np.round(samples * 32767).astype("<i2").tobytes()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    form = struct.pack("<HHIIHH", 1, channels, rate, 2 * rate * channels, 2 * channels, 16)
    length = len(data) if stated is None else stated
    head = b"WAVEfmt " + struct.pack("<I", 16) + form + before + b"data" + struct.pack("<I", length & 0xFFFFFFFF)
    return b"RIFF" + struct.pack("<I", (len(head) + length) & 0xFFFFFFFF) + head + data + after


def chunk(name: bytes, content: bytes, padded: bool = True) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2 and padded)
