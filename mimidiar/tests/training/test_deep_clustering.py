"""Deep clustering looks at the layer that it was told, frame by frame, at the crops alone."""

import pytest
import torch

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model
from mimidiar.training.config import TrainConfig
from mimidiar.training.losses import DeepClustering, deep_clustering_loss


def small(**changes):
    sizes = {"input_dim": 5, "model_dim": 8, "num_layers": 3, "num_heads": 2, "ff_dim": 8, "dropout": 0.0}
    return build_model(AdapterConfig(**{**sizes, **changes})).eval()


@pytest.mark.parametrize("frames_per_token", [1, 2])
def test_it_is_the_loss_on_a_linear_map_of_that_layers_output(frames_per_token: int) -> None:
    model = small(frames_per_token=frames_per_token)
    clustering = DeepClustering(model, layer=2, dim=3)
    x, targets = torch.randn(2, 11, 5), (torch.rand(2, 11, 4) < 0.3).float()
    mask = torch.arange(11) < torch.tensor([[11], [6]])
    states = []
    model.layers[1].register_forward_hook(lambda _, __, output: states.append(output))
    model(x, mask)
    voices = clustering.head(states[0]).reshape(2, -1, 3)[:, :11]
    assert torch.allclose(clustering.loss(targets, mask), deep_clustering_loss(voices, targets, mask))


def test_what_a_row_has_before_its_crop_is_left_out() -> None:
    model = small()
    clustering = DeepClustering(model, layer=1, dim=3)
    x, targets = torch.randn(1, 7, 5), (torch.rand(1, 7, 4) < 0.3).float()
    model(x)
    alone = clustering.loss(targets, torch.ones(1, 7, dtype=torch.bool))
    model(x)
    late = torch.cat([torch.ones(1, 4, 4), targets], dim=1), torch.arange(11)[None] >= 4
    assert torch.allclose(clustering.loss(*late), alone)


def test_its_head_is_no_part_of_the_model_and_a_layer_that_is_not_there_is_named() -> None:
    model = small()
    names = set(model.state_dict())
    DeepClustering(model, layer=3, dim=3)
    assert set(model.state_dict()) == names
    with pytest.raises(ValueError, match="clustering_layer is 4; the adapter has layers 1 to 3"):
        DeepClustering(model, layer=4, dim=3)
    with pytest.raises(MimidiarError, match="clustering_layer is 5; it must be one of the model's layers, 1 to 4"):
        load_config(TrainConfig, None, ["clustering_weight=1", "clustering_layer=5"]).check("-")
