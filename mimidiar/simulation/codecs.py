"""What codecs of telephones and of calls over a network leave of speech: encoded and decoded again, in memory."""

import io
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.signal import resample

TELEPHONE_RATE = 8000
FULL = 0.99  # of full scale, which a codec gets at most
WAV_CODECS = {"gsm": "GSM610", "mulaw": "ULAW"}  # at 8 kHz, through libsndfile
# Through FFmpeg: encoder, container, sampling rate and bits a second. AMR's is the middle of its eight.
STREAM_CODECS = {
    "amr": ("libopencore_amrnb", "amr", TELEPHONE_RATE, 7400),
    "opus": ("libopus", "ogg", SAMPLE_RATE, 8000),
}
CODECS = (*WAV_CODECS, *STREAM_CODECS)


def through_codec(samples: np.ndarray, codec: str) -> np.ndarray:
    """Float32 (T,) at 16 kHz as it comes out of one of `CODECS`: as long, and shifted by 10 ms at most."""
    loudest = max(1.0, float(np.abs(samples).max(initial=0)) / FULL)
    quiet = (samples / loudest).astype(np.float32)
    if codec in WAV_CODECS:
        file = io.BytesIO()
        soundfile.write(
            file, resample(quiet, SAMPLE_RATE, TELEPHONE_RATE), TELEPHONE_RATE, WAV_CODECS[codec], None, "WAV"
        )
        file.seek(0)
        decoded, rate = soundfile.read(file, dtype="float32")
    else:
        decoded, rate = _through_stream(quiet, codec)
    found = resample(np.ascontiguousarray(decoded), rate, SAMPLE_RATE)[: len(samples)]
    return np.pad(found, (0, len(samples) - len(found))) * np.float32(loudest)


def _through_stream(samples: np.ndarray, codec: str) -> tuple[np.ndarray, int]:
    import av

    from mimidiar.audio.compressed import CompressedFile

    encoder, kind, rate, bits = STREAM_CODECS[codec]
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(encoder, rate=rate, layout="mono", bit_rate=bits)
        values = np.round(resample(samples, SAMPLE_RATE, rate) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(values[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        chunks = av.AudioResampler("s16", "mono", rate, stream.frame_size or 160)
        for each in [*chunks.resample(frame), *chunks.resample(None)]:
            container.mux(stream.encode(each))
        container.mux(stream.encode(None))
    file.seek(0)
    with closing(CompressedFile(Path(codec), file)) as decoder:
        return np.concatenate([block[:, 0] for block in decoder.blocks(1 << 20)]), decoder.sample_rate
