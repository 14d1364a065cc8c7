"""The members of the Mimi family: their weights and how to build them.

`mimi` is Kyutai's; `mimi-mini` is a small one of the same classes; `mimi-mini-distil` the same, distilled from a
speaker encoder; `mimi-random` and `mimi-random-full` are the untrained controls of a probing study.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mimidiar.encoders.mimi.sizes import (
    FULL,
    MINI,
    SAMPLE_RATE,
    SEAMS,
    CodecSize,
    checked_tap,
    seam_taps,
    tap_frame_hz,
    tap_names,
)
from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file
from mimidiar.hub import fetch_file
from mimidiar.shipped import shipped_file

# The weights that moshi.models.loaders names by default; listed here so that no torch is needed to find them.
HUB_REPO = "kyutai/moshiko-pytorch-bf16"
HUB_FILE = "tokenizer-e351c8d8-checkpoint125.safetensors"
# The method of `initialize`, named in every record of an untrained control; other initial weights are another control.
INITIALIZATION = "he-normal convolutions, layer scale 1"


@dataclass(frozen=True)
class MimiSpec(EncoderSpec):
    """Also the size of a Mimi."""

    size: CodecSize = FULL


def real(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """Kyutai's Mimi, from `checkpoint`, else the environment's MIMI_CHECKPOINT, else the hub (385 MB, once)."""
    tap = checked_tap(tap, FULL, name)
    if checkpoint is None and os.environ.get("MIMI_CHECKPOINT"):
        checkpoint = Path(os.environ["MIMI_CHECKPOINT"])
    return _from_file(name, tap, FULL, checkpoint or _from_hub())


def mini(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """A small Mimi, from `checkpoint`, else the one of that name that comes with the package."""
    return _from_file(name, checked_tap(tap, MINI, name), MINI, checkpoint or shipped_file(name))


def untrained_mini(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """An untrained Mimi of the small size."""
    return _untrained(name, tap, MINI, checkpoint, seed)


def untrained_full(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """An untrained Mimi of the full size."""
    return _untrained(name, tap, FULL, checkpoint, seed)


def _from_hub() -> Path:
    remedy = (
        "download it on a machine with a network and name it by --checkpoint or MIMI_CHECKPOINT, or use "
        "--encoder mimi-random"
    )
    return fetch_file(HUB_REPO, HUB_FILE, "385 MB", remedy)


def _from_file(name: str, tap: str, size: CodecSize, path: Path) -> EncoderSpec:
    check_weights_file(path)
    return _spec(name, tap, size, path.name, sha256_file(path), lambda device: _load(size, path, device))


def _untrained(name: str, tap: str | None, size: CodecSize, checkpoint: Path | None, seed: int) -> EncoderSpec:
    tap = checked_tap(tap, size, name)
    if checkpoint is not None:
        raise MimidiarError(f"{name} is untrained and reads no checkpoint, got {checkpoint}; use --encoder mimi for it")
    recipe = json.dumps({"size": asdict(size), "initialisation": INITIALIZATION, "seed": seed}, sort_keys=True)
    weights = f"untrained, seed {seed} ({INITIALIZATION})"
    digest = hashlib.sha256(recipe.encode()).hexdigest()
    return _spec(name, tap, size, weights, digest, lambda device: _make(size, seed, device))


def check_weights_file(path: Path) -> None:
    """Raises MimidiarError unless `path` is a file named as safetensors. A pickle can run any code, so none is read."""
    if not path.is_file():
        raise MimidiarError(f"{path}: no such weights file; check --checkpoint or MIMI_CHECKPOINT")
    if path.suffix != ".safetensors":
        raise MimidiarError(
            f"{path}: only .safetensors weights are read (a pickled .pt or .ckpt can run code); convert the file first"
        )


def _spec(name: str, tap: str, size: CodecSize, weights: str, digest: str, build_codec: Any) -> MimiSpec:
    return MimiSpec(
        name=name,
        tap=tap,
        taps=tuple(tap_names(size)),
        sample_rate=SAMPLE_RATE,
        frame_hz=tap_frame_hz(tap),
        dim=size.dimension * (len(seam_taps(size)) if tap == SEAMS else 1),
        weights=weights,
        weights_sha256=digest,
        make=_encoder,
        size=size,
        build_codec=build_codec,
    )


def _encoder(spec: MimiSpec, device: Any) -> Encoder:
    from mimidiar.encoders.mimi.all_taps import AllTaps
    from mimidiar.encoders.mimi.encoder import MimiEncoder
    from mimidiar.encoders.mimi.tap import MimiTap

    codec = spec.build_codec(device)
    if spec.tap != SEAMS:
        return MimiEncoder(spec, MimiTap(codec, spec.tap))
    taps = seam_taps(spec.size)
    return MimiEncoder(spec, AllTaps(MimiTap(codec, taps[-1]), taps))


def _load(size: CodecSize, path: Path, device: Any) -> Any:
    from mimidiar.encoders.mimi.tap import load_mimi

    return load_mimi(path, size, device)


def _make(size: CodecSize, seed: int, device: Any) -> Any:
    from mimidiar.encoders.mimi.tap import untrained_mimi

    return untrained_mimi(size, seed, device)
