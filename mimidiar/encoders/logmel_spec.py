"""Log-mel spectrum: no codec, but the positive control of the study. An adapter that fails on it fails by itself.

80 bands, windows of 64 ms every 40 ms; plain data, so that nothing here needs torch.
"""

import hashlib
from pathlib import Path
from typing import Any

from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.errors import MimidiarError

SAMPLE_RATE = 16000
HOP, WINDOW, BANDS = 640, 1024, 80
FRAME_SAMPLES = 2 * HOP  # 80 ms, one label frame
FLOOR = 1e-6  # added to the power of a band: what digital silence has
TAP = "mel"


def logmel(name: str, tap: str, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """Its one tap is `mel`. There are no weights; the hash is that of the numbers above."""
    if tap != TAP:
        raise MimidiarError(f"{name} has no tap {tap!r}; its one tap is {TAP}")
    if checkpoint is not None:
        raise MimidiarError(f"{name} has no weights and reads no checkpoint, got {checkpoint}")
    recipe = f"log-mel, {BANDS} bands, window {WINDOW}, hop {HOP}, {SAMPLE_RATE} Hz, floor {FLOOR}"
    spec = EncoderSpec(
        name=name,
        tap=tap,
        taps=(TAP,),
        sample_rate=SAMPLE_RATE,
        frame_hz=SAMPLE_RATE / HOP,
        dim=BANDS,
        weights="none (log-mel spectrum)",
        weights_sha256=hashlib.sha256(recipe.encode()).hexdigest(),
        build=lambda device="cpu": _build(spec, device),
    )
    return spec


def _build(spec: EncoderSpec, device: Any) -> Encoder:
    from mimidiar.encoders.logmel import LogMelEncoder

    return LogMelEncoder(spec, device)
