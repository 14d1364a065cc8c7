"""The last layers of Mimi's encoder as a module of their own: from a tap at 25 Hz to the latent.

The layers below the tap do not change: their features are computed once and kept. Only these layers are run and trained
repeatedly.
"""

from typing import Any

import torch
from moshi.models.compression import MimiModel
from moshi.modules.resample import ConvDownsample1d
from moshi.modules.streaming import StreamingContainer
from moshi.modules.transformer import ProjectedTransformer
from moshi.utils.compile import no_compile
from torch import Tensor

from mimidiar.encoders.mimi.onednn_layers import pack_layers
from mimidiar.encoders.mimi.sizes import CodecSize, tap_below
from mimidiar.encoders.mimi.tap import configuration, set_cache

STRIDE = 2  # of the downsampling, 25 Hz to 12.5 Hz
CHUNK_FRAMES = 250  # of a long recording at a time, at 25 Hz: with the attention's context 500 keys for each


class MimiTop(StreamingContainer):
    """`layers` transformer layers and the downsampling behind them, with fresh weights; see `top_of`.

    One `forward` for training, whole recordings and streams, as in `MimiTap`. A frame of the latent depends on its own
    two frames of the tap and on `history_frames` before them, through the attention's context in each layer and the
    kernel of the convolution.
    """

    def __init__(self, size: CodecSize, layers: int):
        super().__init__()
        self.size, self.tap = size, tap_below(layers, size)
        config: dict[str, Any] = configuration(size)["transformer"] | {"num_layers": layers}
        self.layers = ProjectedTransformer(**config).transformer.layers
        self.downsample = ConvDownsample1d(STRIDE, dimension=size.dimension, causal=True, learnt=True)
        self.history_frames = layers * (config["context"] - 1) + STRIDE
        pack_layers(self)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, 2 n, D) of the tap -> latent (B, n, D)."""
        with no_compile():  # as in MimiTap
            for layer in self.layers:
                x = layer(x)
        return self.downsample(x.transpose(1, 2)).transpose(1, 2)

    @torch.inference_mode()
    def run(self, features: Tensor, chunk_frames: int = CHUNK_FRAMES) -> Tensor:
        """The latent (n, D) of a whole recording from its features (2 n, D), a chunk at a time."""
        with self.streaming(1):
            for layer in self.layers:
                set_cache(layer.self_attn, 1, chunk_frames, len(features))
            return torch.cat([self(chunk[None])[0] for chunk in features.split(chunk_frames)])


def top_of(codec: MimiModel, size: CodecSize, layers: int) -> MimiTop:
    """A copy of the last `layers` layers and the downsampling of a whole Mimi."""
    top = MimiTop(size, layers)
    for own, theirs in zip(top.layers, codec.encoder_transformer.transformer.layers[-layers:], strict=True):
        own.load_state_dict(theirs.state_dict())
    top.downsample.load_state_dict(codec.downsample.state_dict())
    return top.eval()


def put_top(top: MimiTop, codec: MimiModel) -> None:
    """Copy the weights of `top` into a whole Mimi."""
    for own, theirs in zip(top.layers, codec.encoder_transformer.transformer.layers[-len(top.layers) :], strict=True):
        theirs.load_state_dict(own.state_dict())
    codec.downsample.load_state_dict(top.downsample.state_dict())
