"""The adapter: size of the ancestor's variant, padding, positions, files."""

from pathlib import Path

import pytest
import torch

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import AdapterConfig, group_frames, rotate
from mimidiar.models.build import build_model, load_model, model_header
from mimidiar.training.config import TrainConfig
from mimidiar.weight_files import save_weights

ROOT = Path(__file__).parents[3]
SMALL = {"input_dim": 6, "model_dim": 16, "num_layers": 2, "num_heads": 2, "ff_dim": 32, "dropout": 0.0}


def small(**changes) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_model(AdapterConfig(**{**SMALL, **changes})).eval()


def test_the_ancestors_variant_has_its_number_of_parameters() -> None:
    config = load_config(TrainConfig, ROOT / "egs/mini/adapter/conf/ancestor.yaml")
    assert config.model.norm == "post" and config.model.positions == "sinusoidal" and config.model.input_dim == 512
    assert sum(p.numel() for p in build_model(config.model).parameters()) == 7_296_388


@pytest.mark.parametrize("path", sorted((ROOT / "egs").glob("*/adapter/conf/*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_built(path: Path) -> None:
    config = load_config(TrainConfig, path)
    config.check(str(path))
    build_model(config.model)


@pytest.mark.parametrize("variant", [{}, {"norm": "post", "positions": "sinusoidal"}, {"frames_per_token": 3}])
def test_padding_does_not_change_real_frames(variant: dict[str, str]) -> None:
    model, x = small(**variant), torch.randn(1, 20, 6)
    mask = torch.arange(30)[None] < 20
    padded = torch.cat([x, torch.full((1, 10, 6), 9.0)], dim=1)
    assert torch.allclose(model(padded, mask)[:, :20], model(x), atol=1e-5)


def test_batched_equals_one_by_one() -> None:
    model, x = small(), torch.randn(3, 25, 6)
    assert torch.allclose(model(x), torch.cat([model(row[None]) for row in x]), atol=1e-5)


def test_frames_side_by_side_are_one_token_and_come_out_apart() -> None:
    x, mask = torch.arange(10.0).view(1, 5, 2), torch.tensor([[True, True, True, False, False]])
    tokens, counted = group_frames(x, mask, 2)
    assert tokens.tolist() == [[[0, 1, 2, 3], [4, 5, 0, 0], [0, 0, 0, 0]]] and counted.tolist() == [[True, True, False]]
    model = small(frames_per_token=2, num_layers=0)  # without attention a frame depends on its own token alone
    logits = model(x.repeat(1, 1, 3))
    assert logits.shape == (1, 5, 4)
    other = model(torch.cat([x, x + 1], dim=1)[:, :6].repeat(1, 1, 3))
    assert torch.equal(other[:, :4], logits[:, :4]) and not torch.allclose(other[:, 4], logits[:, 4])


def test_rotary_products_depend_on_distance_only() -> None:
    q, k = torch.randn(8), torch.randn(8)
    for dims in (8, 4):
        queries, keys = (rotate(x.expand(40, 8), dims, period=50.0) for x in (q, k))
        assert torch.allclose(queries[5] @ keys[2], queries[30] @ keys[27], atol=1e-4)
        assert not torch.allclose(queries[5] @ keys[2], queries[5] @ keys[3], atol=1e-4)
        assert torch.allclose(queries.norm(dim=-1), q.norm().expand(40), atol=1e-5)
        assert torch.equal(queries[:, dims:], q.expand(40, 8)[:, dims:])


def test_feature_statistics_normalise_the_input() -> None:
    model, x = small(), torch.randn(1, 9, 6)
    plain = model(x)
    mean, std = torch.randn(6), torch.rand(6) + 0.5
    model.features.set_statistics(mean, std)
    assert torch.allclose(model(x * std + mean), plain, atol=1e-4)


def test_a_constant_dimension_is_not_blown_up() -> None:
    model = small()
    mean, std = torch.full((6,), 3.0), torch.tensor([1.0, 0.0, 1e-9, 1.0, 1.0, 1.0])
    model.features.set_statistics(mean, std)
    assert torch.allclose(model.features(mean + 0.01), torch.full((6,), 0.01), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"norm": "mid"}, "mid"),
        ({"positions": "x"}, "x"),
        ({"num_heads": 3}, "16"),
        ({"frames_per_token": 0}, "at least 1"),
    ],
)
def test_impossible_arguments_are_named(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        small(**change)


def test_a_saved_model_says_what_it_is_and_gives_the_same_output(tmp_path: Path) -> None:
    model, encoder = small(), {"encoder": "e", "tap": "t"}
    for name in ("a", "b"):
        save_weights(model, tmp_path / name, model_header(AdapterConfig(**SMALL), 25.0, 7.5, encoder))
    trained = load_model(tmp_path / "a")
    x = torch.randn(1, 9, 6)
    assert torch.equal(trained.model(x), model(x))
    assert (trained.frame_hz, trained.crop_sec, trained.encoder) == (25.0, 7.5, encoder)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    model, path = small(), tmp_path / "model.safetensors"
    save_weights(model, path, model_header(AdapterConfig(**SMALL), 25.0, 7.5, {}))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(MimidiarError, match="not a whole safetensors file"):
        load_model(path)
    save_weights(model, path, {"format": "other"})
    with pytest.raises(MimidiarError, match="names the format other"):
        load_model(path)
    save_weights(model, path, model_header(AdapterConfig(**{**SMALL, "ff_dim": 64}), 25.0, 7.5, {}))
    with pytest.raises(MimidiarError, match="do not fit"):
        load_model(path)
    with pytest.raises(MimidiarError, match="no such model file"):
        load_model(tmp_path / "none.safetensors")
