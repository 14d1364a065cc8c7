"""Mixed precision: half in the passes, single in losses and in what is kept."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import fuse
from mimidiar.models.adapter import Adapter
from mimidiar.models.fusion import Anchors
from mimidiar.tests.conversations import make_conversations
from mimidiar.tests.tapped import make_tapped
from mimidiar.tests.training.voices import add_voices
from mimidiar.training.config import TrainConfig
from mimidiar.training.fit import train
from mimidiar.training.losses import best_order, deep_clustering_loss, hybrid_loss
from mimidiar.training.processes import Machine

SMALL = [
    "model.model_dim=16", "model.num_layers=1", "model.num_heads=2", "model.ff_dim=32", "model.dropout=0",
    "crop_sec=4", "batch_size=4", "epochs=20", "patience=20", "learning_rate=0.01", "warmup_steps=4",
    "clustering_weight=0.5", "clustering_layer=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("precision")
    return [make_conversations(root, "train", 16, seed=0)], [make_conversations(root, "dev", 4, seed=1)]


def trained(folder: Path, sets, *changes: str, device: str = "cpu") -> list[dict]:
    train(load_config(TrainConfig, None, [*SMALL, *changes]), *sets, folder, 1, Machine(device))
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def weight_types(folder: Path) -> set[str]:
    return {values.dtype.name for values in load_file(folder / "model.safetensors").values()}


def seen_types(monkeypatch) -> set[torch.dtype]:
    """Of the logits that adapters make, as long as the test runs."""
    found, forward = set(), Adapter.forward

    def look(*args, **kwargs):
        logits = forward(*args, **kwargs)
        found.add(logits.dtype)
        return logits

    monkeypatch.setattr(Adapter, "forward", look)
    return found


def test_bf16_trains_and_keeps_weights_of_32_bits(sets, tmp_path: Path, monkeypatch) -> None:
    single = trained(tmp_path / "32", sets, "epochs=1")
    types = seen_types(monkeypatch)
    half = trained(tmp_path / "16", sets, "precision=bf16-mixed")
    assert types == {torch.bfloat16} and weight_types(tmp_path / "16") == {"float32"}
    assert half[-1]["train_loss"] < 0.7 * half[0]["train_loss"]
    assert half[0]["train_loss"] == pytest.approx(single[0]["train_loss"], abs=0.02)


def test_fusion_and_unfreeze_run_in_it(sets, tmp_path: Path) -> None:
    fused = []
    for seed, ((data, feats),) in enumerate(sets):
        fuse((feats, add_voices(data, feats, seed)), tmp_path / data.name)
        fused.append([(data, tmp_path / data.name)])
    trained(tmp_path / "fused", fused, "precision=bf16-mixed", "fusion.anchors=3", "epochs=1")
    tapped = [[make_tapped(tmp_path, name, 4, seed=seed)] for seed, name in enumerate(("tapped", "watched"))]
    changes = ["unfreeze.layers=1", "unfreeze.history_sec=2", "epochs=2", "unfreeze.learning_rate=1e-6"]
    trained(tmp_path / "far", tapped, "precision=bf16-mixed", *changes)
    half = trained(tmp_path / "near", tapped, "precision=bf16-mixed", "unfreeze.near_weight=1", *changes)
    single = trained(tmp_path / "exact", tapped, "unfreeze.near_weight=1", *changes)
    # The latent has moved by less than a half can tell.
    wanted = single[-1]["train_latent_distance"]
    assert 0 < wanted < 1e-6 and half[-1]["train_latent_distance"] == pytest.approx(wanted, rel=0.1)
    assert all(weight_types(tmp_path / name) == {"float32"} for name in ("fused", "far", "near"))


def test_losses_and_likeness_are_single_whatever_runs_around_them() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, voices = torch.randn(3, 800, 4, generator=generator), torch.randn(3, 800, 8, generator=generator)
    targets = (torch.rand(3, 800, 4, generator=generator) < 0.3).float()
    mask, anchors = torch.ones(3, 800, dtype=torch.bool), Anchors(3, 0.4, 0.02)

    def all_of_them() -> list[torch.Tensor]:
        found = [hybrid_loss(logits, targets, mask, 0.5), deep_clustering_loss(voices, targets, mask)]
        return [*found, best_order(logits, targets, mask), anchors(voices)]

    with torch.autocast("cpu", torch.bfloat16):
        half = all_of_them()
    for ours, single in zip(half, all_of_them(), strict=True):
        assert torch.equal(ours, single)


def test_what_cannot_be_is_named(sets, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match="here: precision is 16; it must be one of 32-true, bf16-mixed, 16-mixed"):
        load_config(TrainConfig, None, ["precision=16"]).check("here")
    with pytest.raises(MimidiarError, match="precision is 16-mixed, which a CPU lacks"):
        trained(tmp_path / "m", sets, "precision=16-mixed")
    assert not (tmp_path / "m").exists()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_every_precision_trains_on_a_gpu(precision: str, sets, tmp_path: Path) -> None:
    log = trained(tmp_path / "m", sets, f"precision={precision}", device="cuda")
    assert log[-1]["train_loss"] < 0.7 * log[0]["train_loss"]
    assert weight_types(tmp_path / "m") == {"float32"}
