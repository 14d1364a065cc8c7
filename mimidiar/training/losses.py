"""Losses for speaker outputs: binary cross-entropy in arrival order, in the best order, and a mixture of both; and deep
clustering of a layer's frames.

Everywhere: logits and targets (B, T, K), mask (B, T) true on frames that count; a loss is a mean over counted frames
and outputs, so that neither padding nor the number of recordings in a batch changes its scale. `count`, if given,
divides the sum over counted frames in place of their number: for a batch shared by several processes.
"""

from collections.abc import Callable
from functools import wraps
from itertools import permutations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional as F

from mimidiar.models.adapter import Adapter

_LEAST_COUNT = 1e-6  # where nothing counts the loss is 0

# Up to here all K! orders are compared at once; above, the assignment is solved per recording.
_MAX_BRUTE_FORCE = 4


def in_float32(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Run with a first argument in single precision, and without autocast, whatever the model runs in.

    In half precision, the sum over a thousand frames hides the difference between two orders of outputs.
    """

    @wraps(function)
    def run(first: Tensor, *args, **kwargs) -> Tensor:
        with torch.autocast(first.device.type, enabled=False):
            return function(first.float(), *args, **kwargs)

    return run


def binary_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor, count: Tensor | None = None) -> Tensor:
    """Mean BCE over counted frames and outputs, a scalar."""
    loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(-1)
    return (loss * mask).sum() / (mask.sum() if count is None else count).clamp(min=_LEAST_COUNT)


def sort_by_arrival(targets: Tensor, mask: Tensor) -> Tensor:
    """Reorder the columns of binary targets (B, T, K) by arrival inside the counted frames; ties by next activity.

    At the first frame in which two columns differ the active one comes first, as `annotation.activity.arrival_order`
    has it. Sortformer (Park et al., 2024) sorts by start times; sorting must use the model's crop, or the input does
    not determine the order.
    """
    seen = targets * mask.unsqueeze(-1)
    difference = seen.unsqueeze(-1) - seen.unsqueeze(-2)  # (B, T, K, K): +1 where i is active and j is not
    first = difference.abs().argmax(dim=1, keepdim=True)
    ahead = difference.gather(1, first).squeeze(1)  # (B, K, K): +1 where i arrives before j, 0 where they never differ
    index = torch.arange(targets.shape[-1], device=targets.device)
    later_twin = (ahead == 0) & (index.unsqueeze(-1) > index)
    rank = ((ahead < 0) | later_twin).sum(-1)  # (B, K): columns that come before column i
    order = rank.argsort(dim=-1)
    return targets.gather(2, order.unsqueeze(1).expand_as(targets))


def sort_loss(logits: Tensor, targets: Tensor, mask: Tensor, count: Tensor | None = None) -> Tensor:
    """BCE against targets in order of arrival (Park et al., 2024, 'Sortformer', eq. 5)."""
    return binary_cross_entropy(logits, sort_by_arrival(targets, mask), mask, count)


def permutation_invariant_loss(logits: Tensor, targets: Tensor, mask: Tensor, count: Tensor | None = None) -> Tensor:
    """The least BCE over all orders of target columns, per recording (EEND: Fujita et al., 2019, eq. 5)."""
    order = best_order(logits, targets, mask)
    return binary_cross_entropy(logits, targets.gather(2, order.unsqueeze(1).expand_as(targets)), mask, count)


@in_float32
def hybrid_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, sort_weight: float, count: Tensor | None = None
) -> Tensor:
    """sort_weight x sort loss + (1 - sort_weight) x permutation-invariant loss; a term of weight 0 is not computed."""
    loss = logits.new_zeros(())
    if sort_weight > 0:
        loss = loss + sort_weight * sort_loss(logits, targets, mask, count)
    if sort_weight < 1:
        loss = loss + (1 - sort_weight) * permutation_invariant_loss(logits, targets, mask, count)
    return loss


@in_float32
def deep_clustering_loss(embeddings: Tensor, targets: Tensor, mask: Tensor, count: Tensor | None = None) -> Tensor:
    """Mean over pairs of frames of (cosine - 1)^2 where one speaker speaks in both, cosine^2 where two do.

    embeddings (B, T, E), any scale; targets and mask as everywhere, in any order of columns. Frames with no or several
    speakers are left out; a recording counts by the square of the rest. The pairs are never built: with unit rows V and
    one-hot rows Y their sum is |V'V|^2 - 2 |V'Y|^2 + |Y'Y|^2 (Hershey et al., 2016, "Deep clustering", eq. 3; beside
    the permutation-invariant loss as in Fujita et al., 2019). `count` is of pairs (`count_pairs`).
    """
    alone = single_speaker_frames(targets, mask)
    y = targets * alone.unsqueeze(-1)
    v = F.normalize(embeddings, dim=-1) * alone.unsqueeze(-1)
    products = (v.mT @ v).square().sum((1, 2)) - 2 * (v.mT @ y).square().sum((1, 2)) + (y.mT @ y).square().sum((1, 2))
    return products.sum() / (count_pairs(targets, mask) if count is None else count).clamp(min=_LEAST_COUNT)


def single_speaker_frames(targets: Tensor, mask: Tensor) -> Tensor:
    """(B, T): counted frames in which one speaker speaks alone."""
    return mask & (targets.sum(-1) == 1)


def count_pairs(targets: Tensor, mask: Tensor) -> Tensor:
    """Pairs of such frames of one recording, over which deep clustering is a mean."""
    return single_speaker_frames(targets, mask).sum(1).square().sum()


@in_float32
@torch.no_grad()
def best_order(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """(B, K): the target column compared with each output, such that the total BCE is least."""
    cost = _pairwise_cost(logits, targets, mask)
    num_channels = cost.shape[-1]
    if num_channels <= _MAX_BRUTE_FORCE:
        orders = torch.tensor(list(permutations(range(num_channels))), device=cost.device)  # (K!, K)
        totals = cost[:, torch.arange(num_channels, device=cost.device), orders].sum(-1)  # (B, K!)
        return orders[totals.argmin(-1)]
    columns = [linear_sum_assignment(matrix)[1] for matrix in cost.cpu().numpy()]
    return torch.from_numpy(np.stack(columns)).to(cost.device)


def _pairwise_cost(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """(B, K, K): BCE of output i against target column j, summed over counted frames.

    BCE(z, y) = softplus(z) - y z, so that one matrix product gives all pairs.
    """
    weight = mask.unsqueeze(-1).to(logits.dtype)
    return (F.softplus(logits) * weight).sum(1).unsqueeze(-1) - (logits * weight).transpose(1, 2) @ targets


class DeepClustering(nn.Module):
    """Deep clustering beside the loss on outputs: a middle layer must separate speakers before outputs are assigned.

    The permutation-invariant loss alone starts with a plateau: as long as outputs are unassigned, little is learned
    about speakers, and a small training set ends with two used outputs of four. Fujita et al. (2019, "End-to-end neural
    speaker diarization with permutation-free objectives", section 2.3) take the vectors of a middle layer to deep
    clustering as well, which needs no outputs. The head on top of that layer serves training alone: no model file has
    it.
    """

    def __init__(self, model: nn.Module, layer: int, dim: int):
        """`layer` counts from 1. Raises ValueError when the adapter in `model` has no such layer."""
        super().__init__()
        adapter = next(module for module in model.modules() if isinstance(module, Adapter))
        if not 1 <= layer <= len(adapter.layers):
            raise ValueError(f"clustering_layer is {layer}; the adapter has layers 1 to {len(adapter.layers)}")
        self.frames_per_token = adapter.frames_per_token
        self.head = nn.Linear(adapter.output.in_features, self.frames_per_token * dim)
        self.seen: Tensor | None = None
        adapter.layers[layer - 1].register_forward_hook(self._look)

    def _look(self, _: nn.Module, __: tuple, output: Tensor) -> None:
        self.seen = output

    def loss(self, targets: Tensor, mask: Tensor, count: Tensor | None = None) -> Tensor:
        """The loss of the batch that went through the model last; targets (B, T, K), mask (B, T) as everywhere.

        `count` as everywhere.
        """
        embeddings = self.head(self.seen).unflatten(2, (self.frames_per_token, -1)).flatten(1, 2)
        self.seen = None
        inside = torch.arange(int(mask.sum(1).max()), device=mask.device) < mask.sum(1, keepdim=True)
        crops = targets.new_zeros(*inside.shape, targets.shape[-1])
        crops[inside] = targets[mask]  # the adapter gets the crops alone, without their context
        return deep_clustering_loss(embeddings[:, : inside.shape[1]], crops, inside, count)
