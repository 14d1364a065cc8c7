"""Encode a recording of any length from its file, in memory that does not grow with the audio."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from mimidiar.audio import CHUNK_SEC, stream_audio
from mimidiar.codec.spec import Encoder


def encode_file(encoder: Encoder, path: str | Path, chunk_sec: float = CHUNK_SEC) -> np.ndarray:
    """Features (F, D) float32 of a whole file. Only the features and about two chunks of audio are in memory.

    Raises MimidiarError for a file that cannot be read to its end (see `stream_audio`).
    """
    chunks = stream_audio(path, encoder.sample_rate, chunk_sec)
    return np.concatenate(list(encode_chunks(encoder, chunks)))


def encode_chunks(encoder: Encoder, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Turn pieces of one signal, of any length, into pieces (f, D) of its features.

    The end is padded with zeros to a whole frame, as for a whole file. What an encoder with look-ahead holds back comes
    last.
    """
    with encoder.stream(1) as stream:
        rest = np.zeros(0, np.float32)
        for chunk in chunks:
            audio = np.concatenate([rest, chunk])
            whole = len(audio) // encoder.frame_samples * encoder.frame_samples
            rest = audio[whole:]
            if whole:
                yield _step(stream, audio[:whole])
        if len(rest):
            yield _step(stream, np.pad(rest, (0, encoder.frame_samples - len(rest))))
        if encoder.lookahead_frames:
            yield stream.end()[0].cpu().numpy()


def _step(stream, audio: np.ndarray) -> np.ndarray:
    return stream.step(torch.from_numpy(audio)[None])[0].cpu().numpy()
