"""Training the codec's upper layers with the adapter: two rates, two clips, where it starts, how near it stays."""

import json
from pathlib import Path

import pytest
import torch

from mimidiar.config import load_config
from mimidiar.encoders.mimi.sizes import FULL, MINI, CodecSize, tap_below
from mimidiar.encoders.mimi.upper_layers import MimiTop, top_of
from mimidiar.encoders.registry import describe_encoder
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.stored import infer, read_posteriors
from mimidiar.features.fused_store import open_features
from mimidiar.features.store import META
from mimidiar.files import read_json, write_json
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model, load_model, model_header
from mimidiar.tests.tapped import TAP, make_tapped
from mimidiar.training.config import TrainConfig
from mimidiar.training.finetune import UnfreezeTask, latent_distance
from mimidiar.training.fit import train
from mimidiar.weight_files import save_weights

EGS = Path(__file__).parents[3] / "egs"
SHAPE = ["model.model_dim=16", "model.num_layers=1", "model.num_heads=2", "model.ff_dim=32", "model.dropout=0"]
PLAN = ["crop_sec=4", "batch_size=6", "epochs=1", "warmup_steps=1", "weight_decay=0", "sort_weight=0"]
UNFREEZE = ["unfreeze.layers=1", "unfreeze.history_sec=2"]


def config(*changes: str) -> TrainConfig:
    return load_config(TrainConfig, None, [*SHAPE, *PLAN, *UNFREEZE, *changes])


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Path, Path], tuple[Path, Path]]:
    root = tmp_path_factory.mktemp("tapped")
    return make_tapped(root, "train", 6, seed=0), make_tapped(root, "dev", 2, seed=1)


@pytest.fixture(scope="module")
def frozen() -> MimiTop:
    return top_of(describe_encoder("mimi-random").build_codec("cpu"), MINI, 1)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that stands for one trained on the latent of the untrained codec."""
    path = tmp_path_factory.mktemp("start") / "model.safetensors"
    torch.manual_seed(3)
    shape = AdapterConfig(MINI.dimension, 16, 1, 2, 32, 0.0)
    meta = describe_encoder("mimi-random").meta()
    save_weights(build_model(shape), path, model_header(shape, 12.5, 4.0, meta))
    return path


def trained(folder: Path, sets, *changes: str, start_from: Path | None = None):
    train(config(*changes), [sets[0]], [sets[1]], folder, seed=1, start_from=start_from)
    return load_model(folder / "model.safetensors")


def largest_step(now: torch.nn.Module, before: torch.nn.Module) -> float:
    pairs = zip(now.state_dict().values(), before.state_dict().values(), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


def test_each_part_moves_at_its_own_rate(sets, frozen, start, tmp_path: Path) -> None:
    """One step of Adam moves each weight by its learning rate."""
    rates = ["learning_rate=0.01", "unfreeze.learning_rate=0.0005"]
    model = trained(tmp_path / "m", sets, *rates, start_from=start)
    assert largest_step(model.front, frozen) == pytest.approx(0.0005, rel=0.02)
    assert largest_step(model.model, load_model(start).model) == pytest.approx(0.01, rel=0.02)


def test_at_a_rate_of_0_the_codec_stays_as_it_is(sets, frozen, start, tmp_path: Path) -> None:
    model = trained(tmp_path / "m", sets, "unfreeze.learning_rate=0", "epochs=2", start_from=start)
    assert largest_step(model.front, frozen) == 0
    assert largest_step(model.model, load_model(start).model) > 1e-4


def test_a_large_gradient_of_one_part_leaves_the_other_s_alone(frozen) -> None:
    settings = config("clip_norm=1", "unfreeze.clip_norm=0.5")
    model = build_model(AdapterConfig(MINI.dimension, 16, 1, 2, 32, 0.0), top=MimiTop(MINI, 1))
    task = UnfreezeTask(model, settings, 10)
    optimizer = task.configure_optimizers()["optimizer"]
    for weight in model.top.parameters():
        weight.grad = torch.full_like(weight, 100.0)
    for weight in model.adapter.parameters():
        weight.grad = torch.zeros_like(weight)
    model.adapter.output.bias.grad.fill_(0.1)
    task.configure_gradient_clipping(optimizer, gradient_clip_val=1.0)
    norm = torch.stack([weight.grad.norm() for weight in model.top.parameters()]).norm()
    assert norm == pytest.approx(0.5, rel=1e-3)
    assert model.adapter.output.bias.grad.tolist() == pytest.approx([0.1] * 4)


def test_the_distance_is_0_on_itself_1_at_the_mean_and_blind_to_scale_and_padding() -> None:
    origin, mask = torch.randn(3, 20, 5), torch.rand(3, 20) > 0.3
    mean = origin[mask].mean(0).expand_as(origin)
    assert latent_distance(origin, origin, mask) == 0
    assert latent_distance(mean, origin, mask) == pytest.approx(1.0)
    x = origin + torch.randn_like(origin)
    assert latent_distance(7 * x + 3, 7 * origin + 3, mask) == pytest.approx(float(latent_distance(x, origin, mask)))
    spoilt = torch.where(mask[..., None], x, 99.0)
    assert torch.equal(latent_distance(spoilt, origin, mask), latent_distance(x, origin, mask))


def test_the_term_keeps_the_latent_near(sets, start, tmp_path: Path) -> None:
    def distance(weight: float) -> float:
        folder = tmp_path / str(weight)
        changes = (f"unfreeze.near_weight={weight}", "unfreeze.learning_rate=0.001", "epochs=3")
        trained(folder, sets, *changes, start_from=start)
        return json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["train_latent_distance"]

    weak, strong = distance(1e-6), distance(100.0)
    assert 0 < strong < weak / 3


def test_an_interrupted_run_ends_in_the_same_weights(sets, start, tmp_path: Path, monkeypatch) -> None:
    changes = ("unfreeze.near_weight=1", "unfreeze.learning_rate=0.001", "epochs=2")
    trained(tmp_path / "whole", sets, *changes, start_from=start)

    def power_cut(task: UnfreezeTask) -> None:
        if task.current_epoch == 1:
            raise RuntimeError("power cut")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power cut"):
        patch.setattr(UnfreezeTask, "on_train_epoch_start", power_cut)
        trained(tmp_path / "cut", sets, *changes, start_from=start)
    assert len((tmp_path / "cut/log.jsonl").read_text().splitlines()) == 1
    trained(tmp_path / "cut", sets, *changes, start_from=start)
    for name in ("model.safetensors", "log.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_from_scratch_the_adapter_is_normalised_by_the_latent(sets, frozen, tmp_path: Path) -> None:
    model = trained(tmp_path / "m", sets, "unfreeze.learning_rate=0")
    store = open_features(sets[0][1])
    names = store.keys()
    whole = torch.cat([frozen.run(torch.from_numpy(store.read(name))) for name in names])
    torch.testing.assert_close(model.model.features.mean, whole.mean(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.model.features.std, whole.std(0, unbiased=False), atol=1e-4, rtol=1e-4)


def test_inference_runs_whole_recordings_through_the_codec_and_windows_through_the_adapter(sets, tmp_path) -> None:
    model = trained(tmp_path / "m", sets, "unfreeze.learning_rate=0.001")
    infer(tmp_path / "m/model.safetensors", sets[1][1], tmp_path / "out", window_sec=8.0, hop_sec=4.0)
    store, _ = read_posteriors(tmp_path / "out")
    features = torch.from_numpy(open_features(sets[1][1]).read("dev-0"))
    with torch.no_grad():
        wanted = model.model(model.front.run(features)[None]).sigmoid()[0]
    torch.testing.assert_close(torch.from_numpy(store.read("dev-0")), wanted, atol=1e-5, rtol=0)


def meta_changed(folder: Path, **values) -> None:
    write_json(folder / META, read_json(folder / META) | values)


def test_what_does_not_fit_is_named(sets, start, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=rf"unfreeze.layers is 2, but 1 layers come after the features' tap {TAP}"):
        trained(tmp_path / "a", sets, "unfreeze.layers=2")
    with pytest.raises(MimidiarError, match="a model to start from is for configurations with unfreeze alone"):
        train(load_config(TrainConfig), [sets[0]], [sets[1]], tmp_path / "b", 1, start_from=start)
    trained(tmp_path / "first", sets, start_from=start)
    with pytest.raises(MimidiarError, match=r"features whose tap is transformer\.0, here it is latent"):
        trained(tmp_path / "c", sets, start_from=tmp_path / "first/model.safetensors")
    other = [make_tapped(tmp_path, name, 2, seed=2) for name in ("train", "dev")]
    for _, feats in other:
        meta_changed(feats, weights_sha256="0" * 64)
    with pytest.raises(MimidiarError, match="name that file by --checkpoint"):
        trained(tmp_path / "d", other)
    for _, feats in other:
        meta_changed(feats, tap="latent", weights_sha256=describe_encoder("mimi-random").weights_sha256)
    with pytest.raises(MimidiarError, match="tap latent comes after the encoder's transformer"):
        trained(tmp_path / "e", other)
    assert {path.name for path in tmp_path.iterdir()} == {"first", "data", "feats", "feats.tap"}


@pytest.mark.parametrize("key", ["layers=0", "clip_norm=0", "learning_rate=-1", "near_weight=-0.1", "history_sec=-1"])
def test_settings_that_make_no_sense_are_named(key: str) -> None:
    with pytest.raises(MimidiarError, match=f"here: unfreeze.{key.split('=')[0]} is"):
        config(f"unfreeze.{key}").check("here")


def test_fusion_and_unfreeze_are_not_for_one_run() -> None:
    with pytest.raises(MimidiarError, match="here: fusion and unfreeze in one run"):
        config("fusion.anchors=2").check("here")


@pytest.mark.parametrize(("dataset", "size"), [("mini", MINI), ("ami", FULL)])
def test_what_is_shipped_fits_the_adapter_it_starts_from_and_the_tap_it_reads(dataset: str, size: CodecSize) -> None:
    recipe = EGS / dataset / "unfreeze"
    script = (recipe / "run.sh").read_text()
    paths = sorted(path for path in (recipe / "conf").glob("*.yaml") if path.name != "systems.yaml")
    assert {path.stem for path in paths} >= {"train", "scratch", "smoke"}
    for path in paths:
        ours = load_config(TrainConfig, path)
        ours.check(str(path))
        assert f"\ntap={tap_below(ours.unfreeze.layers, size)} " in script, path
        name = "train.yaml" if path.stem == "scratch" else path.name
        assert ours.model == load_config(TrainConfig, recipe.parent / "adapter/conf" / name).model, path
