"""Deep clustering beside the loss on outputs: a middle layer must separate speakers before outputs are assigned.

The permutation-invariant loss alone starts with a plateau: as long as outputs are unassigned, little is learned about
speakers, and a small training set ends with two used outputs of four. Fujita et al. (2019, "End-to-end neural speaker
diarization with permutation-free objectives", section 2.3) take the vectors of a middle layer to deep clustering as
well, which needs no outputs. The head on top of that layer serves training alone: no model file has it.
"""

import torch
from torch import Tensor, nn

from mimidiar.models.adapter import Adapter
from mimidiar.training.losses import deep_clustering_loss


class DeepClustering(nn.Module):
    """Takes the output of an adapter's layer at each forward pass, and computes a loss for the separation of
    speakers."""

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

        `count` as in `losses.py`.
        """
        embeddings = self.head(self.seen).unflatten(2, (self.frames_per_token, -1)).flatten(1, 2)
        self.seen = None
        inside = torch.arange(int(mask.sum(1).max()), device=mask.device) < mask.sum(1, keepdim=True)
        crops = targets.new_zeros(*inside.shape, targets.shape[-1])
        crops[inside] = targets[mask]  # the adapter gets the crops alone, without their context
        return deep_clustering_loss(embeddings[:, : inside.shape[1]], crops, inside, count)
