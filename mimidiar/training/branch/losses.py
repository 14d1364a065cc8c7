"""What a branch learns: to which voice a frame belongs, the teacher's vector of it, and whether somebody speaks."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mimidiar.encoders.branch.network import BranchOutput, aligned
from mimidiar.training.branch.config import BranchTraining
from mimidiar.training.branch.data import BranchBatch


class BranchLosses(NamedTuple):
    """Scalars."""

    voice: Tensor
    teacher: Tensor
    activity: Tensor


def branch_losses(
    output: BranchOutput, batch: BranchBatch, teacher: Tensor, lookaheads: Sequence[int], config: BranchTraining
) -> BranchLosses:
    """The losses, each the mean over the look-aheads; `teacher`: unit vectors (V, E) of all voices."""
    found = []
    for number, lookahead in enumerate(lookaheads):
        kept = batch.speaking.shape[1] - lookahead
        labels = (batch.voices[:, :kept], batch.speaking[:, :kept], batch.near_change[:, :kept])
        embeddings, logits = (aligned(each[:, number], lookahead) for each in output)
        found.append((*identity_losses(embeddings, *labels, teacher, config), activity_loss(logits, labels[1])))
    return BranchLosses(*(torch.stack(values).mean() for values in zip(*found, strict=True)))


def identity_losses(
    embeddings: Tensor, voices: Tensor, speaking: Tensor, near_change: Tensor, teacher: Tensor, config: BranchTraining
) -> tuple[Tensor, Tensor]:
    """Embeddings (B, T, E) -> the cross-entropy over all voices with a margin, and 1 - cosine to the teacher's vector;
    weighted means over the frames.

    The logits are cosines to the teacher's vectors, which stay as they are, so that near voices count most; the margin
    is additive (Wang et al. 2018, "Additive margin softmax for face verification").
    """
    known = (voices >= 0).sum(-1) == speaking
    weight = torch.where(speaking == 1, 1.0, config.overlap_weight) * torch.where(
        near_change, config.change_weight, 1.0
    )
    weight = weight * (known & (speaking >= 1) & (speaking <= voices.shape[-1]))
    chosen = weight > 0
    vectors, voices, weight = embeddings[chosen], voices[chosen], weight[chosen]
    cosines = vectors @ teacher.T
    present = voices >= 0
    own = cosines.gather(1, voices.clamp(min=0))
    shifted = cosines.scatter_add(1, voices.clamp(min=0), -config.margin * present.to(cosines))
    logits = config.scale * shifted
    right = config.scale * (own - config.margin)
    entropy = (logits.logsumexp(1, keepdim=True) - right) * present
    share = weight / present.sum(1) / weight.sum().clamp(min=1e-6)
    return (entropy.sum(1) * share).sum(), (((1 - own) * present).sum(1) * share).sum()


def activity_loss(logits: Tensor, speaking: Tensor) -> Tensor:
    """Logits (B, T, 2) of speech and of overlap -> the mean binary cross-entropy."""
    targets = torch.stack([speaking >= 1, speaking >= 2], dim=-1).to(logits)
    return F.binary_cross_entropy_with_logits(logits, targets)
