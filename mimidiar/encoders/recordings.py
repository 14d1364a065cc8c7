"""Encode a recording of any length, in memory that does not grow with the audio."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from mimidiar.audio.signal import in_frames
from mimidiar.encoders.protocol import Encoder


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
