"""Features of simulated conversations in files, encoded once for several epochs or models."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import resample
from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.files import atomic_path

# Cache version: raised when simulation or encoding changes.
VERSION = 1


class Pool:
    """One encoder's features of conversations: `folder`/<encoder>.<tap>.<hash>/<born>.<index>.npy, half precision.

    The hash is of all that determines a conversation's audio and its encoding. A file is complete or absent.
    """

    def __init__(self, folder: Path, spec: EncoderSpec, identity: dict[str, Any], device: str = "cpu"):
        decisive = [VERSION, identity, spec.meta()]
        digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
        self.folder = folder / f"{spec.name}.{spec.tap}.{digest[:12]}"
        self.spec, self.device = spec, device
        self._encoder: Encoder | None = None  # built at first use, in each process that reads data

    def read(self, name: str, samples: Callable[[], np.ndarray]) -> np.ndarray:
        """Float32 (F, D) of the conversation of this name, at the encoder's rate; `samples` makes its audio (T,), at 16
        kHz, if the features are not cached yet.
        """
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            features = self._encode(samples()).astype(np.float16)
            with atomic_path(path) as partial, partial.open("wb") as file:
                np.save(file, features)
            return features.astype(np.float32)
        return np.load(path).astype(np.float32)

    def _encode(self, samples: np.ndarray) -> np.ndarray:
        if self._encoder is None:
            self._encoder = self.spec.build(self.device)
        audio = resample(samples, SAMPLE_RATE, self.spec.sample_rate)
        found, frames = self._encoder.encode(torch.from_numpy(audio)[None], torch.tensor([len(audio)]))
        return found[0, : int(frames[0])].cpu().numpy()
