"""Seeded checkpoints that hide no error: codebooks full of latents of speech, layer scale 1."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from mimidiar.encoders.mimi.sizes import CodecSize
from mimidiar.encoders.mimi.tap import untrained_mimi
from mimidiar.tests.speech import speech

DISTINCT_CODES = 100


def filled_mimi(size: CodecSize, seed: int = 0, seconds: float = 30.0):
    """A Mimi with the project's initial weights (layer scale 1) and codebooks that tell frames of speech apart."""
    model = untrained_mimi(size, seed)
    audio = torch.from_numpy(speech(seconds).copy())[None, None]
    with torch.no_grad():
        latent = model.encode_to_latent(audio, quantize=False)
        for rvq in (model.quantizer.rvq_first, model.quantizer.rvq_rest):
            _fill(rvq, latent, torch.Generator().manual_seed(seed))
        codes = model.quantizer.encode(latent)
    assert min(len(each.unique()) for each in codes[0]) > DISTINCT_CODES
    return model


def _fill(rvq, latent: torch.Tensor, generator: torch.Generator) -> None:
    residual = rvq.input_proj(latent)[0].T
    for layer in rvq.vq.layers:
        codebook = layer._codebook
        # Not the frames themselves: of other speech nothing would then fit, and deep codebooks answer with one code.
        mean, factor = residual.mean(dim=0), _square_root(residual)
        drawn = torch.randn(codebook.codebook_size, len(factor), generator=generator)
        entries = mean + 0.5 * drawn @ factor
        codebook.embedding_sum.copy_(entries)
        codebook.cluster_usage.fill_(1)
        codebook._initialized.fill_(1)
        residual = residual - layer.decode(layer.encode(residual.T[None]))[0].T


def _square_root(frames: torch.Tensor) -> torch.Tensor:
    """A factor (D, D) of the covariance of frames (T, D)."""
    values, vectors = torch.linalg.eigh(torch.cov(frames.T))
    return values.clamp(min=0).sqrt()[:, None] * vectors.T


def save_checkpoint(model, path: Path) -> Path:
    """The weights as moshi's loader wants them."""
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return path
