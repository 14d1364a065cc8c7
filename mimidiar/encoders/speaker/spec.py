"""The common part of the speaker encoders' specs; nothing here needs torch or NeMo."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.encoders.silero import LOOKAHEAD_FRAMES as VAD_LOOKAHEAD
from mimidiar.encoders.speaker.windowing import SAMPLE_RATE, EmbeddingWindows, parse_tap
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file

DEFAULT_TAP, SPEECH_TAP = EmbeddingWindows().tap, EmbeddingWindows(speech=True).tap


def checked_windowing(tap: str | None, encoder: str) -> EmbeddingWindows:
    """The windows of a tap, or the default ones. MimidiarError for another tap."""
    return parse_tap(tap or DEFAULT_TAP, encoder)


def named_file(checkpoint: Path | None, variable: str) -> Path | None:
    """The weights file that the caller names, or else the environment's `variable`."""
    return checkpoint or (Path(os.environ[variable]) if os.environ.get(variable) else None)


def speaker_spec(
    name: str,
    windowing: EmbeddingWindows,
    path: Path,
    dim: int,
    load: Callable[[Path, Any], Any],
    suffixes: tuple[str, ...],
    variable: str,
) -> EncoderSpec:
    """An encoder of `dim` values from windows; `load(path, device)` makes the embedder.

    Raises MimidiarError for a file that is not there or not named as one of `suffixes`; it may come from `variable`.
    """
    if not path.is_file():
        raise MimidiarError(f"{path}: no such weights file; check --checkpoint or {variable}")
    if path.suffix not in suffixes:
        raise MimidiarError(f"{path}: expected a file named {' or '.join(suffixes)}; check --checkpoint or {variable}")

    def make(spec: EncoderSpec, device: Any) -> Encoder:
        from mimidiar.encoders.speaker.encoder import SpeakerEncoder

        return SpeakerEncoder(spec, load(path, device), windowing, device)

    lookahead = math.ceil((windowing.window_sec / 2 + windowing.hop_sec) * LABEL_HZ)
    return EncoderSpec(
        name=name,
        tap=windowing.tap,
        taps=(DEFAULT_TAP, SPEECH_TAP),
        sample_rate=SAMPLE_RATE,
        frame_hz=LABEL_HZ,
        dim=dim,
        weights=path.name,
        weights_sha256=sha256_file(path),
        make=make,
        lookahead_frames=max(lookahead, VAD_LOOKAHEAD) if windowing.speech else lookahead,
    )
