"""Two streams from their stores to posteriors: what training finds out, what it refuses, and what it is good for."""

from pathlib import Path

import pytest

from mimidiar.annotation.turns import Turn
from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.stored import infer
from mimidiar.features.fused_store import fuse
from mimidiar.features.store import MatrixStore
from mimidiar.models.build import load_model
from mimidiar.tests.conversations import make_conversations
from mimidiar.tests.training.voices import VOICE_DIM, add_voices
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Conversations
from mimidiar.training.fit import train
from mimidiar.training.new_model import even_odds

SMALL = [
    "model.model_dim=16",
    "model.num_layers=1",
    "model.num_heads=2",
    "model.ff_dim=32",
    "crop_sec=4",
    "batch_size=4",
    "epochs=2",
    "warmup_steps=2",
    "fusion.anchors=3",
]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path, Path]]:
    """By set: data, features and fused features."""
    root, found = tmp_path_factory.mktemp("fusion"), {}
    for seed, (name, count) in enumerate({"train": 12, "dev": 3}.items()):
        data, feats = make_conversations(root, name, count, seed)
        fused = root / "fused" / name
        fuse((feats, add_voices(data, feats, seed)), fused)
        found[name] = data, feats, fused
    return found


def test_from_two_stores_to_posteriors(sets, tmp_path: Path) -> None:
    (train_data, _, train_fused), (dev_data, dev_feats, dev_fused) = sets["train"], sets["dev"]
    config = load_config(TrainConfig, None, SMALL)
    train(config, [(train_data, train_fused)], [(dev_data, dev_fused)], tmp_path / "model", 1)
    model = tmp_path / "model/model.safetensors"
    trained = load_model(model)
    assert trained.encoder["encoder"] == "made-up+voices" and trained.encoder["streams"] == [8, VOICE_DIM]
    assert (trained.model.anchors.count, trained.model.streams) == (3, [8, VOICE_DIM])
    found = load_config(TrainConfig, tmp_path / "model/config.yaml").fusion
    assert 0.3 < found.same_voice < 0.5 and found.same_voice == trained.model.anchors.same_voice
    infer(model, dev_fused, tmp_path / "out")
    assert MatrixStore(tmp_path / "out/posteriors.scp").read("dev-1").shape == (100, 4)
    with pytest.raises(MimidiarError, match=r"encoder is made-up, but .* was trained on made-up\+voices"):
        infer(model, dev_feats, tmp_path / "other")
    with pytest.raises(MimidiarError, match=r"encoder is made-up, that of .*fused.* made-up\+voices"):
        train(config, [(train_data, train_fused)], [(dev_data, dev_feats)], tmp_path / "other", 1)


def test_embeddings_alone_and_side_by_side(sets, tmp_path: Path) -> None:
    """Without `fusion` the streams are concatenated; with it a store of embeddings alone needs no codec."""
    (data, feats, fused), dev = sets["train"], sets["dev"]
    side_by_side = load_config(TrainConfig, None, SMALL[:-1])
    train(side_by_side, [(data, fused)], [(dev[0], dev[2])], tmp_path / "concat", 1)
    assert load_model(tmp_path / "concat/model.safetensors").model.input.in_features == 8 + VOICE_DIM
    voices = [(data, feats.with_name("train-voices"))]
    train(load_config(TrainConfig, None, SMALL), voices, [(dev[0], dev[1].with_name("dev-voices"))], tmp_path / "v", 1)
    trained = load_model(tmp_path / "v/model.safetensors").model
    assert trained.streams == [0, VOICE_DIM] and trained.adapter.input.in_features == 2 * 3 + 1


def test_even_odds_are_those_of_the_cosines(sets, tmp_path: Path) -> None:
    """Unit voices with noise of length s: cosines of one voice are near 1 / (1 + s^2), of two near 0."""
    data, feats, _ = sets["train"]
    narrow = add_voices(data, feats, seed=5, spread=0.3)
    conversations = Conversations([(data, narrow)], 4)
    middle, softness = even_odds(conversations, [0, VOICE_DIM])
    assert middle == pytest.approx(0.5 / 1.09, abs=0.08) and 0.005 < softness < 0.05
    wide = even_odds(Conversations([(data, add_voices(data, feats, seed=5, spread=1.0))], 4), [0, VOICE_DIM])
    assert wide[0] == pytest.approx(0.25, abs=0.08) and wide[1] > softness


def test_a_set_of_single_voices_cannot_say_what_two_are_like(sets) -> None:
    data, feats, _ = sets["train"]
    alone = Conversations([(data, feats.with_name("train-voices"))], 4)
    for name, turns in alone.turns.items():
        alone.turns[name] = [Turn(name, turn.start, turn.end, "one") for turn in turns]
    with pytest.raises(MimidiarError, match=r"\d+ pairs of windows of one speaker and 0 of two: set fusion.same_voice"):
        even_odds(alone, [0, VOICE_DIM])


def test_keys_of_fusion_are_checked_like_all_others() -> None:
    assert load_config(TrainConfig).fusion is None
    with pytest.raises(MimidiarError, match=r"unknown key 'fusion.same_voic'; did you mean 'fusion.same_voice'\?"):
        load_config(TrainConfig, None, ["fusion.same_voic=0.4"])
