"""Deep clustering beside the loss on channels: a middle layer must tell voices apart before channels are chosen.

The permutation-invariant loss alone starts with a plateau: as long as channels mean nothing, there is little to be
learnt of voices, and a small training set ends in two channels out of four. Fujita et al. (2019, "End-to-end neural
speaker diarization with permutation-free objectives", section 2.3) take the vectors of a middle layer to deep
clustering as well, which needs no channels. The head on top of that layer serves training alone: no model file has it.
"""

import torch
from torch import Tensor, nn

from mimidiar.models.adapter import Adapter
from mimidiar.training.losses import deep_clustering_loss


class DeepClustering(nn.Module):
    """Looks at the output of an adapter's layer whenever the model runs, and says how badly it tells voices apart."""

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
        crops[inside] = targets[mask]  # the adapter sees the crops alone, whatever a row has before them
        return deep_clustering_loss(embeddings[:, : inside.shape[1]], crops, inside, count)
