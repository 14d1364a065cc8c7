"""The two sizes of Mimi, and its taps; plain data, so that nothing here needs torch.

Mimi: 24 kHz -> SEANet convolutions (hop 960, 25 Hz) -> causal transformer -> convolution of stride 2 (12.5 Hz) ->
split residual quantizer (one semantic codebook, then acoustic ones).
"""

import re
from dataclasses import dataclass

from mimidiar.errors import MimidiarError

SAMPLE_RATE = 24000
FRAME_SAMPLES = 1920  # one latent frame: 80 ms
LATENT_HZ = 12.5
TRANSFORMER_HZ = 25.0
DEFAULT_TAP = "latent"  # what enters the quantizer
# What a running codec passes from module to module, side by side at 12.5 Hz: SEANet's output, that of the last
# transformer layer, and the latent. Pairs of frames at 25 Hz are averaged.
SEAMS = "seams"


@dataclass(frozen=True)
class CodecSize:
    """The numbers in which a small Mimi differs from the full one; everything else is the same."""

    n_filters: int
    dimension: int
    num_layers: int
    num_heads: int
    dim_feedforward: int
    codebook_dim: int
    num_codebooks: int
    codebook_size: int


FULL = CodecSize(64, 512, 8, 8, 2048, 256, 32, 2048)
# Under 5.5 million values in all, decoder and codebooks counted: small enough to be shipped and to run on any laptop.
MINI = CodecSize(16, 256, 2, 4, 704, 128, 8, 512)


def tap_names(size: CodecSize) -> list[str]:
    """Every tap of a Mimi of this size, in the order of the signal path."""
    layers = [f"transformer.{i}" for i in range(size.num_layers)]
    return ["seanet", *layers, "latent", *(f"quantized.{n}" for n in range(1, size.num_codebooks + 1))]


def checked_tap(tap: str | None, size: CodecSize, encoder: str) -> str:
    """The tap, or the default where none is named. MimidiarError, listing the taps, for an unknown one."""
    tap = tap or DEFAULT_TAP
    if tap not in (SEAMS, *tap_names(size)):
        raise MimidiarError(
            f"{encoder} has no tap {tap!r}; choose seanet, transformer.0 to transformer.{size.num_layers - 1}, "
            f"latent, quantized.1 to quantized.{size.num_codebooks}, or seams (three side by side)"
        )
    return tap


def seam_taps(size: CodecSize) -> list[str]:
    """The taps of `SEAMS`, in the order of the signal path."""
    return ["seanet", f"transformer.{size.num_layers - 1}", "latent"]


def tap_frame_hz(tap: str) -> float:
    """Frames a second at this tap: 25 before the stride-2 convolution, 12.5 after it."""
    return TRANSFORMER_HZ if re.match(r"seanet$|transformer\.", tap) else LATENT_HZ


def tap_number(tap: str) -> int | None:
    """The number in `transformer.3` or `quantized.8`; None for a tap without one."""
    _, _, number = tap.partition(".")
    return int(number) if number else None


def tap_below(layers: int, size: CodecSize) -> str:
    """The tap below the last `layers` layers of the encoder's transformer. MimidiarError where it has fewer."""
    if not 1 <= layers <= size.num_layers:
        raise MimidiarError(f"{layers} of the encoder's transformer layers: it has {size.num_layers}; choose 1 or more")
    return "seanet" if layers == size.num_layers else f"transformer.{size.num_layers - layers - 1}"


def layers_above(tap: str, size: CodecSize) -> int:
    """How many layers stand between a tap at 25 Hz and the downsampling. MimidiarError for the taps behind them."""
    if tap_frame_hz(tap) != TRANSFORMER_HZ:
        raise MimidiarError(
            f"tap {tap} comes after the encoder's transformer; what is to be computed anew needs features from below: "
            "seanet, or transformer.N with a layer above it"
        )
    number = tap_number(tap)
    return size.num_layers - (0 if number is None else number + 1)
