"""Mimi from audio to audio, as in training; and moshi's quantizer prepared for training.

moshi keeps the training path of its quantizer: k-means at the first batch, codebooks as moving averages of their
inputs, replacement of unused codes, straight-through gradients. A resumed run needs the counters of that path besides
the weights (`begin_epoch`).
"""

from typing import NamedTuple

import torch
from moshi.models.compression import MimiModel
from moshi.modules.conv import StreamingConv1d, StreamingConvTranspose1d
from moshi.utils.compile import no_compile
from torch import Tensor, nn

from mimidiar.encoders.mimi.codebooks import are_empty, codebooks, halves
from mimidiar.errors import MimidiarError

INPUT_GAIN, TAKEN_BACK, OUTPUT_LOSS = 15.0, 8.0, 100.0
LAYER_SCALE = 0.01


class Autoencoded(NamedTuple):
    """audio (B, 1, T) decoded, latent (B, D, n) before the quantizer; while training also the commitment loss, and the
    mean entropy of the codes over the largest possible one.
    """

    audio: Tensor
    latent: Tensor
    commitment: Tensor
    entropy: Tensor


def autoencode(mimi: MimiModel, audio: Tensor, quantized: bool = True) -> Autoencoded:
    """Audio (B, 1, n * 1920) through all of a Mimi; with `quantized` through as many codebooks as it is set to.

    Without it, the latent bypasses the codebooks, as it does at times in training (`prepare_quantizer`): it passes only
    the projections before and after them.
    """
    with no_compile():
        (x,) = mimi.encoder_transformer(mimi.encoder(audio))
        latent = mimi.downsample(x)
        commitment = entropy = latent.new_zeros(())
        if quantized:
            # Codebooks are moving averages, which moshi sums up in single precision alone.
            with torch.autocast(latent.device.type, enabled=False):
                result = mimi.quantizer(latent.float(), mimi.frame_rate)
            x, commitment = result.x, result.penalty
            entropy = result.metrics.get("rvq_entropy", entropy)
            for codebook in codebooks(mimi.quantizer):
                # moshi's moving averages keep the graph of their step, and through it those of all steps before.
                codebook.embedding_sum.detach_()
        else:
            x = sum(half.output_proj(half.input_proj(latent)) for half in halves(mimi.quantizer))
        (x,) = mimi.decoder_transformer(mimi.upsample(x))
        return Autoencoded(mimi.decoder(x), latent, commitment, entropy)


def begin_training(mimi: MimiModel, skip_rate: float, dropout: bool) -> None:
    """Make a Mimi ready: in training mode, its quantizer prepared."""
    mimi.train()
    prepare_quantizer(mimi.quantizer, skip_rate, dropout)


@torch.no_grad()
def balance(mimi: MimiModel) -> None:
    """Scale a Mimi with the weights of `initialize`, in place, so that its activations are of the order of 1 between a
    quiet input and a quiet output.

    Speech is a signal of 0.05, where ELU is the identity: the first layers would be linear for thousands of steps, as
    Adam moves a weight by the learning rate at most. So the first convolution amplifies, and those that downsample take
    most of it back. A decoder with He-normal weights ends 40 dB above speech: its upsampling layers and the last one
    reduce the level. The transformers begin close to the identity, as moshi's own do. After 150 steps of 16
    crops the mel loss is 0.88 in place of 0.99.
    """
    encoder, decoder = mimi.encoder.model, mimi.decoder.model
    downs = [
        layer.conv.conv for layer in encoder if isinstance(layer, StreamingConv1d) and layer.conv.conv.stride[0] > 1
    ]
    ups = [layer.convtr.convtr for layer in decoder if isinstance(layer, StreamingConvTranspose1d)]
    encoder[0].conv.conv.weight.mul_(INPUT_GAIN)
    for conv in downs:
        conv.weight.div_(TAKEN_BACK ** (1 / len(downs)))
    for conv in (*ups, decoder[-1].conv.conv):
        conv.weight.div_(OUTPUT_LOSS ** (1 / (len(ups) + 1)))
    for name, parameter in mimi.named_parameters():
        if "layer_scale_" in name:
            parameter.fill_(LAYER_SCALE)


def prepare_quantizer(quantizer: nn.Module, skip_rate: float, dropout: bool) -> None:
    """Let training bypass the codebooks at `skip_rate`, drawn for each row and each half of the quantizer
    (Défossez et al. 2024, section 3.3.2), and with `dropout` use a random number of the acoustic ones in each step.
    """
    for half in halves(quantizer):
        half.no_quantization_rate = skip_rate
    quantizer.rvq_rest.q_dropout = dropout


def begin_epoch(quantizer: nn.Module, seed: int, epoch: int) -> None:
    """Set the counters and random state of moshi's training path as a function of seed and epoch alone.

    They are in no state dict: a resumed run would continue with another number of codebooks, and look for unused codes
    in other steps. Validation leaves a copy of the code vectors without gradient; it is removed.
    """
    quantizer.rvq_rest.rng_dropout.seed(f"{seed} {epoch}")
    for codebook in codebooks(quantizer):
        codebook._next_unused_check = codebook.check_unused_every
        codebook.register_buffer("_embedding", None, persistent=False)


def set_codebooks(mimi: MimiModel, number: int) -> None:
    """Encode with the first `number` codebooks. MimidiarError for more than there are, or where they are empty."""
    if not 1 <= number <= mimi.total_codebooks:
        raise MimidiarError(f"{number} codebooks; this Mimi has {mimi.total_codebooks}: choose 1 to that number")
    if are_empty(mimi.quantizer):
        raise MimidiarError("the codebooks of these weights are empty (untrained): nothing can be decoded from them")
    mimi.set_num_codebooks(number)


@torch.no_grad()
def settled_state(mimi: MimiModel) -> dict[str, Tensor]:
    """The state of a Mimi with each codebook as its vectors and a usage of 1, by which moshi divides them. The vectors
    are the same, and fit 16 bits whatever the batches of the moving averages were.
    """
    state = {name: value.detach().clone() for name, value in mimi.state_dict().items()}
    for name in [name for name in state if name.endswith("_codebook.embedding_sum")]:
        usage = name.replace("embedding_sum", "cluster_usage")
        state[name] /= state[usage].clamp(min=next(codebooks(mimi.quantizer)).epsilon)[:, None]
        state[usage].fill_(1)
    return state
