"""Codebooks for a Mimi that has none: an untrained one gives the same token for every input.

They are filled as moshi fills its own at the start of training (k-means of the first latents, codebook after codebook
on the residual of the previous ones), but the codec itself stays as it is; then its tokens can be compared.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mimidiar.errors import MimidiarError

ITERATIONS = 10  # of Lloyd's algorithm; more move the centers little
FRAMES_PER_CODE = 20
CHUNK_FRAMES = 4096  # frames at a time; their distances to all codes are in memory


def are_empty(quantizer: nn.Module) -> bool:
    """Whether a codebook has no vectors but 0."""
    # Not by `embedding`, which moshi computes once and keeps, whatever is loaded afterwards.
    return any(not codebook.embedding_sum.any() for codebook in codebooks(quantizer))


@torch.no_grad()
def fill_codebooks(quantizer: nn.Module, frames: Tensor, seed: int) -> None:
    """k-means of latent frames (N, D) into all codebooks of moshi's split quantizer, in place; the same for a seed.

    Raises MimidiarError for fewer frames than codes.
    """
    generator = torch.Generator().manual_seed(seed)
    for rvq in halves(quantizer):
        rest = rvq.input_proj(frames.T[None])[0].T
        for layer in rvq.vq.layers:
            codebook = layer._codebook
            if len(rest) < codebook.codebook_size:
                raise MimidiarError(f"{len(rest)} frames for {codebook.codebook_size} codes; give more recordings")
            codebook.embedding_sum.copy_(_centers(rest, codebook.codebook_size, generator))
            codebook.cluster_usage.fill_(1)
            codebook._initialized.fill_(1)
            codebook.register_buffer("_embedding", None, persistent=False)  # moshi's cache of the old ones
            rest = rest - layer.decode(layer.encode(rest.T[None]))[0].T


def _centers(x: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(count, D) centers of x (N, D) by Lloyd's algorithm from frames drawn at random; one without frames stays."""
    centers = x[torch.randperm(len(x), generator=generator)[:count]].clone()
    for _ in range(ITERATIONS):
        nearest = torch.cat([torch.cdist(chunk, centers).argmin(1) for chunk in x.split(CHUNK_FRAMES)])
        number = torch.bincount(nearest, minlength=count)
        sums = torch.zeros_like(centers).index_add_(0, nearest, x)
        centers = torch.where(number[:, None] > 0, sums / number.clamp(min=1)[:, None], centers)
    return centers


def halves(quantizer: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The semantic and the acoustic half of moshi's split quantizer."""
    return quantizer.rvq_first, quantizer.rvq_rest


def codebooks(quantizer: nn.Module) -> Iterator[nn.Module]:
    """moshi's codebooks, the semantic one first."""
    return (layer._codebook for half in halves(quantizer) for layer in half.vq.layers)
