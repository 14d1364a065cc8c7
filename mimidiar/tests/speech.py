"""Speech for tests: real where MIMIDIAR_MINI_CORPUS names the corpus folder, else noise in syllables."""

import csv
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from mimidiar.audio.files import read_audio

RATE = 24000


def corpus_folder() -> Path:
    """The folder with real speech; skips the test that asks where there is none."""
    folder = os.environ.get("MIMIDIAR_MINI_CORPUS")
    if not folder:
        pytest.skip("needs real speech: MIMIDIAR_MINI_CORPUS")
    return Path(folder)


@cache
def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """Float32 (T,) at 24 kHz, utterances of several speakers one after the other. Do not write into it."""
    corpus = os.environ.get("MIMIDIAR_MINI_CORPUS")
    signal = _real(Path(corpus), seconds, seed) if corpus else _noise(seconds, seed)
    signal.setflags(write=False)
    return signal


def _real(corpus: Path, seconds: float, seed: int) -> np.ndarray:
    folder = corpus / "librispeech_subset"
    with open(folder / "utts.tsv") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    parts, found = [], 0.0
    for row in np.random.default_rng(seed).permutation(len(rows)):
        if found >= seconds:
            break
        parts.append(read_audio(folder / rows[row]["path"], RATE))
        found += len(parts[-1]) / RATE
    return np.concatenate(parts)[: round(seconds * RATE)]


def _noise(seconds: float, seed: int) -> np.ndarray:
    """Five bursts a second, each with its own colour and loudness."""
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(int(np.ceil(seconds * 5))):
        white = random.standard_normal(RATE // 5 + 64)
        colour = random.standard_normal(64) * np.hanning(64)
        parts.append(np.convolve(white, colour, "valid")[: RATE // 5] * 0.02 * random.gamma(2.0))
    return np.concatenate(parts)[: round(seconds * RATE)].astype(np.float32)
