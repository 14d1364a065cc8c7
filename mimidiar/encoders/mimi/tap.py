"""Mimi by moshi's own modules, up to a tap.

Method and weights: Défossez et al. 2024, "Moshi: a speech-text foundation model for real-time dialogue", section 3.3.
"""

import copy
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from moshi.models import loaders
from moshi.models.compression import MimiModel
from moshi.modules.streaming import StreamingContainer
from moshi.modules.transformer import RingKVCache
from moshi.utils.compile import no_compile
from safetensors import SafetensorError
from torch import nn

from mimidiar.encoders.mimi.initialize import initialize
from mimidiar.encoders.mimi.onednn_layers import pack_layers
from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, CodecSize, tap_number
from mimidiar.errors import MimidiarError

SHOWN_KEYS = 3
# Latent frames (of all streams together) taken through the network at once: memory stays bounded for any input.
# Fewer read the transformer's weights too often from memory. SEANet's activations, 64 channels at 24 kHz, are larger:
# of 50 frames on they leave the heap with every layer, and come back as pages to be cleared (a quarter of the time).
CHUNK_FRAMES = 100
SEANET_FRAMES = 25


def configuration(size: CodecSize) -> dict[str, Any]:
    """moshi's configuration of Mimi with the numbers of `size` in it."""
    config = copy.deepcopy(loaders._mimi_config)
    config["seanet"].update(n_filters=size.n_filters, dimension=size.dimension)
    config["transformer"].update(
        d_model=size.dimension,
        num_heads=size.num_heads,
        num_layers=size.num_layers,
        dim_feedforward=size.dim_feedforward,
        input_dimension=size.dimension,
        output_dimensions=[size.dimension],
    )
    config["quantizer"].update(
        dimension=size.codebook_dim,
        n_q=size.num_codebooks,
        bins=size.codebook_size,
        input_dimension=size.dimension,
        output_dimension=size.dimension,
    )
    return config


def load_mimi(path: Path, size: CodecSize, device: Any = "cpu") -> MimiModel:
    """Mimi of `size` with the weights of a safetensors file in moshi's layout, every one of them and no other.

    Raises MimidiarError when the file is damaged or holds a model of another size, naming the first keys that differ.
    """
    try:
        return _build(path, size, device)
    except SafetensorError as error:
        raise MimidiarError(
            f"{path}: not a whole safetensors file ({str(error).strip()}); it is cut short or of another kind: "
            "fetch it again"
        ) from None
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        raise MimidiarError(_misfit(path, size, str(error))) from None


def untrained_mimi(size: CodecSize, seed: int, device: Any = "cpu") -> MimiModel:
    """Mimi of `size` with the weights of `initialize`, drawn from `seed` alone; torch's global generator is as before.

    The codebooks are empty, as moshi makes them.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = _build(None, size, "cpu")
    initialize(model, seed)
    return model.to(device)


def _build(path: Path | None, size: CodecSize, device: Any) -> MimiModel:
    return loaders.get_mimi(path, configuration(size), device=device, num_codebooks=size.num_codebooks)


def _misfit(path: Path, size: CodecSize, message: str) -> str:
    """torch's list of hundreds of keys in one line: how many of each kind, and the first few."""
    parts = []
    for kind in ("Missing", "Unexpected"):
        found = re.search(rf"{kind} key\(s\) in state_dict: (.*?)\. *(?:\n|$)", message)
        keys = re.findall(r'"([^"]+)"', found[1]) if found else []
        if keys:
            parts.append(f"{len(keys)} {kind.lower()} ({_first(keys)})")
    shape = r"torch\.Size\((\[[^]]*\])\)"
    wrong = re.findall(rf"size mismatch for (\S+): .*?{shape}.*?{shape}", message)
    if wrong:
        shown = [f"{key}: file {in_file}, model {in_model}" for key, in_file, in_model in wrong]
        parts.append(f"{len(wrong)} of another shape ({_first(shown)})")
    return (
        f"{path}: not the weights of a Mimi with {size.dimension} dimensions and {size.num_layers} layers: "
        f"{'; '.join(parts) or message}; name another --encoder, or the file that belongs to this one"
    )


def _first(items: list[str]) -> str:
    return ", ".join(items[:SHOWN_KEYS]) + (", ..." if len(items) > SHOWN_KEYS else "")


class MimiTap(StreamingContainer):
    """The encoder half of a Mimi up to one tap, and nothing past it.

    One `forward` for training, whole files and streams: inside `MimiStream` the modules keep their state.
    """

    def __init__(self, mimi: MimiModel, tap: str):
        super().__init__()
        kind, number = tap.partition(".")[0], tap_number(tap)
        transformer = mimi.encoder_transformer
        used = {"seanet": 0, "transformer": (number or 0) + 1}.get(kind, len(transformer.transformer.layers))
        self.seanet = mimi.encoder
        self.input_proj = transformer.input_proj or nn.Identity()
        self.layers = nn.ModuleList(transformer.transformer.layers[:used])
        self.output_proj = transformer.output_projs[0]
        self.downsample = mimi.downsample if kind in ("latent", "quantized") else None
        self.quantizer = mimi.quantizer if kind == "quantized" else None
        if self.quantizer is not None:
            self.quantizer.set_num_codebooks(number)
            _settle_codebooks(self.quantizer, tap)
        pack_layers(self)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio (B, n * 1920) at 24 kHz -> features (B, F, D), F = n at 12.5 Hz and 2 n at 25 Hz."""
        _, x = deque(self.walk(audio), maxlen=1).pop()
        return x if self.quantizer is None else self.quantizer.decode(self.quantizer.encode(x.mT)).mT

    def walk(self, audio: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        """Each tap before the quantizer by name, with its features (B, F, D), in the order of the signal path."""
        x = self.convolve(audio)
        yield "seanet", x
        with no_compile():  # moshi would compile the rotary embedding anew for each new length on a GPU
            x = self.input_proj(x) if self.layers else x
            for number, layer in enumerate(self.layers):
                x = layer(x)
                yield f"transformer.{number}", x
        if self.downsample is not None:
            yield "latent", self.downsample(self.output_proj(x).transpose(1, 2)).transpose(1, 2)

    def convolve(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio (B, n * 1920) -> SEANet's output (B, 2 n, D); a stream on a CPU in chunks of SEANET_FRAMES."""
        chunks = [audio]
        if self.is_streaming and audio.device.type == "cpu":
            chunks = audio.split(max(1, SEANET_FRAMES // len(audio)) * FRAME_SAMPLES, dim=1)
        return torch.cat([self.seanet(chunk[:, None]).transpose(1, 2) for chunk in chunks], dim=1)

    def new_states(self, batch_size: int, chunk_frames: int, frames: int | None = None) -> dict[str, Any]:
        """moshi's typed states of all modules at the start of `batch_size` streams, in steps of at most `chunk_frames`;
        `frames`: the total, if known.

        moshi's ring cache holds only the attention's context: the last frames of a longer chunk would overwrite keys to
        which its first frames still attend. This cache holds the context and a whole chunk.
        """
        with self.streaming(batch_size):
            for layer in self.layers:
                set_cache(layer.self_attn, batch_size, 2 * chunk_frames, frames and 2 * frames)
            return self.get_streaming_state()


def set_cache(attention: Any, batch_size: int, chunk: int, total: int | None = None) -> None:
    """Let the cache of a streaming attention hold its context and `chunk` more keys (see `MimiTap.new_states`), but at
    most `total`: the attention runs over the whole cache.
    """
    old, room = attention._streaming_state.kv_cache, attention.context + chunk
    attention._streaming_state.kv_cache = RingKVCache(
        batch_size,
        attention.num_heads,
        attention.embed_dim // attention.num_heads,
        min(room, total or room),
        device=old.cache.device,
        dtype=old.cache.dtype,
    )


def _settle_codebooks(quantizer: nn.Module, tap: str) -> None:
    """Let moshi compute its code vectors now: computed under inference_mode, they could not be trained.

    Raises MimidiarError when the codebooks are empty: every frame would be the same.
    """
    for rvq in (quantizer.rvq_first, quantizer.rvq_rest):
        for layer in rvq.vq.layers[: rvq.n_q]:
            with torch.no_grad():
                empty = not layer.embedding.any()
            if empty:
                raise MimidiarError(f"tap {tap}: the codebooks of these weights are empty (untrained); use tap latent")
