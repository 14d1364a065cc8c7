"""The description of a codec with its speaker branch, from the branch's file, without torch."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.encoders.branch import ACTIVITIES
from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file
from mimidiar.shipped import shipped_file
from mimidiar.weight_files import inspect_weight_file

FORMAT = "mimidiar-branch-1"
SHIPPED = "branch"
TAP = "lookahead"  # and the number of frames

Describe = Callable[[dict[str, Any], Path | None], EncoderSpec]


def branch(name: str, tap: str | None, checkpoint: Path | None, describe: Describe) -> EncoderSpec:
    """The branch in `checkpoint`, else the shipped one, with the encoders of its training, which `describe` finds again
    by their meta. The default tap has the longest look-ahead.

    MimidiarError for another kind of file, an unknown tap, and for encoders with other weights.
    """
    path = checkpoint or shipped_file(SHIPPED, FORMAT)
    header = inspect_weight_file(path).header
    if header.get("format") != FORMAT:
        raise MimidiarError(f"{path}: its header names the format {header.get('format')}, expected {FORMAT}")
    try:
        model, inputs = header["model"], [describe(meta, None) for meta in header["encoders"]]
        taps = [f"{TAP}{frames}" for frames in sorted(model["lookaheads"], reverse=True)]
        dim = model["embedding_dim"]
    except (KeyError, TypeError) as error:
        raise MimidiarError(f"{path}: its header describes no branch of this version ({error!r})") from None
    check_inputs(inputs, path)
    tap = tap or taps[0]
    if tap not in taps:
        raise MimidiarError(f"{name} has no tap {tap!r}; choose {' or '.join(taps)}")

    def make(spec: EncoderSpec, device: Any) -> Encoder:
        return _build(spec, path, [each.build(device) for each in inputs], device)

    return EncoderSpec(
        name=name,
        tap=tap,
        taps=tuple(taps),
        sample_rate=inputs[0].sample_rate,
        frame_hz=LABEL_HZ,
        dim=dim + ACTIVITIES,
        weights=path.name,
        weights_sha256=sha256_file(path),
        make=make,
        lookahead_frames=int(re.sub(r"\D", "", tap)),
        embedding_dim=dim,
    )


def check_inputs(inputs: Sequence[EncoderSpec], where: Path) -> None:
    """Raise MimidiarError, naming `where`, unless all are causal encoders of audio at one rate."""
    first = inputs[0]
    for each in inputs:
        if each.sample_rate != first.sample_rate:
            raise MimidiarError(
                f"{where}: {each.name} at {each.tap} reads audio at {each.sample_rate} Hz, {first.name} at {first.tap} "
                f"at {first.sample_rate} Hz; a branch needs one rate (log-mel beside a codec: tap mel24)"
            )
        if each.lookahead_frames:
            raise MimidiarError(
                f"{where}: {each.name} at {each.tap} has a look-ahead of {each.lookahead_frames} frames; a branch "
                "reads causal encoders alone"
            )


def _build(spec: EncoderSpec, path: Path, inputs: list[Encoder], device: Any) -> Encoder:
    from mimidiar.encoders.branch.encoder import BranchEncoder
    from mimidiar.encoders.branch.network import SpeakerBranch
    from mimidiar.weight_files import fill, load_weights

    tensors, header = load_weights(path, FORMAT)
    network = SpeakerBranch(**header["model"])
    fill(network, tensors, path)
    return BranchEncoder(spec, inputs, network, device)
