"""Encode a recording of any length from its file, in memory that does not grow with the audio."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from mimidiar.audio.files import CHUNK_SEC, in_frames, stream_audio
from mimidiar.encoders.protocol import Encoder


def encode_file(encoder: Encoder, path: str | Path, chunk_sec: float = CHUNK_SEC) -> np.ndarray:
    """Features (F, D) float32 of a whole file. Only the features and about two chunks of audio are in memory.

    Raises MimidiarError for a file that cannot be read to its end (see `stream_audio`).
    """
    chunks = stream_audio(path, encoder.sample_rate, chunk_sec)
    return np.concatenate(list(encode_chunks(encoder, chunks)))


def encode_chunks(encoder: Encoder, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Encode chunks of one signal, of any length, as chunks (f, D) of its features.

    The end is padded with zeros to a whole frame, as for a whole file. The frames that an encoder with look-ahead holds
    back come last.
    """
    with encoder.stream(1) as stream:
        for audio in in_frames(chunks, encoder.frame_samples):
            yield _step(stream, audio)
        if encoder.lookahead_frames:
            yield stream.end()[0].cpu().numpy()


def _step(stream, audio: np.ndarray) -> np.ndarray:
    return stream.step(torch.from_numpy(audio)[None])[0].cpu().numpy()
