"""Training on talks: what an epoch hears, a talk encoded once and as a written one is, and the same after a break."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.cli import cli
from mimidiar.config import load_config
from mimidiar.data.manifests import read_set
from mimidiar.encoders.registry import EncoderSpec, describe_encoder, describe_makers
from mimidiar.features.extraction import extract
from mimidiar.features.fused_store import fuse, open_features
from mimidiar.models.build import load_model
from mimidiar.simulation.drawn_sets import WRITTEN, DrawnConversationSets, read_speakers, write_conversation_sets
from mimidiar.simulation.turn_statistics import TurnStatistics, read_statistics, write_statistics
from mimidiar.simulation.turn_taking import draw_conversation
from mimidiar.tests.tones import write_tones
from mimidiar.tests.training.together import assert_same_losses, start, wait
from mimidiar.training.config import TrainConfig
from mimidiar.training.conversations import (
    ConversationPool,
    SimulatedConversations,
    SimulatedCrop,
    SimulatedCrops,
    on_simulated,
)
from mimidiar.training.crops import Conversations, Crop
from mimidiar.training.fit import train

CONFIG = """
model: {model_dim: 16, num_layers: 1, num_heads: 2, ff_dim: 32, dropout: 0.2, max_speakers: 3}
talks: {count: 3, seconds: 6, speakers: [1, 2, 3], speaker_weights: [1, 1, 1]}
talk_lives: 2
crops_per_recording: 2
crop_sec: 4
batch_size: 4
epochs: 2
warmup_steps: 2
"""
KINDS = {"quick": TurnStatistics([0.5, 1.0, 3.0], [-1.0, 0.2, 1.0], [0.3, 1.0], 0.8, 100)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets train and dev of tones, talk_dev with its log-mel features, turn statistics and a configuration."""
    root = tmp_path_factory.mktemp("talks")
    write_tones(root / "data/train", [0, 1, 2, 3], level=1.0)
    write_tones(root / "data/dev", [4, 5, 6], level=1.0)
    write_statistics(root / "turns.yaml", KINDS, "For tests.")
    (root / "train.yaml").write_text(CONFIG)
    asked = ["count=4", "seconds=6", "seed=3", "speakers=[1,2,3]", "speaker_weights=[1,1,1]"]
    sets = load_config(DrawnConversationSets, None, [f"sets.dev.{each}" for each in asked])
    write_conversation_sets(sets, root / "turns.yaml", root / "data", root / "data")
    extract(root / "data/talk_dev", root / "feats/talk_dev", "logmel", device="cpu")
    return root


def run(root: Path, folder: Path, *overrides: str, seed: int = 1, pool: Path | None = None) -> list[dict]:
    """Train, and the lines of the log."""
    config = load_config(TrainConfig, root / "train.yaml", overrides)
    dev = [(root / "data/talk_dev", root / "feats/talk_dev")]
    made = partial(on_simulated, data=root / "data/train", turns=root / "turns.yaml", pool=pool or folder / "talks")
    train(config, [], dev, folder, seed, on_the_fly=made)
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def simulated(
    root: Path, config: TrainConfig, specs: list[EncoderSpec], folder: Path, seed: int, name: str = "train"
) -> SimulatedConversations:
    """Crops of conversations of a set's speakers."""
    kinds = read_statistics(root / "turns.yaml")
    pool = ConversationPool(read_speakers(root / "data" / name), config.talks, kinds, specs, folder, seed, "cpu")
    return SimulatedConversations(pool, config.model.max_speakers, config.crop_sec)


def as_written(crops: SimulatedConversations) -> SimulatedConversations:
    """The same, with the seeds of the written set."""
    own = crops.pool
    own.conversation = lambda born, index: draw_conversation(own.source, own.options, own.kinds, (WRITTEN, 3, index))
    return crops


def test_no_two_epochs_are_alike() -> None:
    """Each hears `count` talks that are new in it, each talk is heard in `lives` epochs, other crops in each."""
    crops = SimulatedCrops(count=5, lives=3, crops=2, seed=1)
    epochs = []
    for epoch in range(6):
        crops.set_epoch(epoch)
        epochs.append(list(crops))
        assert len(epochs[-1]) == len(crops) == len(set(epochs[-1])) == 30
    talks = [{(crop.born, crop.index) for crop in epoch} for epoch in epochs]
    assert all(len(one & two) == 10 for one, two in pairwise(talks))
    lives = Counter(talk for epoch in talks for talk in epoch)
    assert {lives[3, k] for k in range(5)} == {3}
    assert len({crop for epoch in epochs for crop in epoch}) == 180
    crops.set_epoch(2)
    assert list(crops) == epochs[2] and list(crops) != sorted(crops)
    kept = SimulatedCrops(count=5, lives=1, crops=2, seed=1, replaced=False)
    kept.set_epoch(4)
    assert {(crop.born, crop.epoch) for crop in kept} == {(0, 4)} and len(set(kept)) == 10


@pytest.mark.parametrize(("encoder", "tap"), [("logmel", "mel"), ("mimi-random", "seanet")])
def test_a_talk_on_the_fly_is_that_of_a_written_set(root: Path, tmp_path: Path, encoder: str, tap: str) -> None:
    """Features and labels, by the seeds of the written set, also at twice the labels' rate; kept, they are the same."""
    config = load_config(TrainConfig, root / "train.yaml", ["crop_sec=6"])
    specs = [describe_encoder(encoder, tap)]
    talks = as_written(simulated(root, config, specs, tmp_path / "pool", 0, "dev"))
    extract(root / "data/talk_dev", tmp_path / "feats", encoder, tap, device="cpu")
    written = Conversations([(root / "data/talk_dev", tmp_path / "feats")], 3)
    scale = np.std(np.concatenate([written.features(recording) for recording in written.recordings]))
    for index, recording in enumerate(read_set(root / "data/talk_dev").recordings):
        fresh, kept = (talks[SimulatedCrop(0, index, epoch, 0)] for epoch in (0, 1))
        features, targets = written[Crop(recording.id, 0, 75)]
        assert np.array_equal(fresh[1], targets) and np.array_equal(kept[1], targets)
        # Half precision in the pool, and 16 bits in the written audio.
        assert np.abs(fresh[0] - features).mean() < 0.03 * scale
        assert np.array_equal(fresh[0], kept[0])


def test_a_talk_is_encoded_once(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(TrainConfig, root / "train.yaml", [])
    specs = [describe_encoder("logmel")]
    talks = simulated(root, config, specs, tmp_path, 1)
    first = [talks[SimulatedCrop(0, 0, 0, number)] for number in range(4)]
    assert len({features.tobytes() for features, _ in first}) > 1
    assert {features.shape for features, _ in first} == {(50, specs[0].dim * round(specs[0].frame_hz / LABEL_HZ))}
    (path,) = tmp_path.glob("*/*.npy")
    again = simulated(root, config, specs, tmp_path, 1)
    monkeypatch.setattr(again.pool.pools[0], "_encode", None)  # it would fail
    for number, (features, targets) in enumerate(first):
        found = again[SimulatedCrop(0, 0, 0, number)]
        assert np.array_equal(found[0], features) and np.array_equal(found[1], targets)
    # Of other options, another seed or another encoder nothing is taken for these.
    for changed, seed, spec in (
        (replace(config, talks=replace(config.talks, scene=None)), 1, specs),
        (config, 2, specs),
        (config, 1, [describe_encoder("mimi-random")]),
    ):
        other = simulated(root, changed, spec, tmp_path, seed)
        assert other.pool.pools[0].folder != path.parent
    more = replace(config, talks=replace(config.talks, count=50))
    other = simulated(root, more, specs, tmp_path, 1)
    assert other.pool.pools[0].folder == path.parent


def test_a_broken_run_goes_on_with_the_same_talks(root: Path, tmp_path: Path, monkeypatch) -> None:
    whole = run(root, tmp_path / "whole", "epochs=3")
    pool = tmp_path / "whole/talks"
    names = sorted(path.name for path in pool.glob("*/*.npy"))
    assert names == sorted(f"{born}.{index}.npy" for born in range(4) for index in range(3))
    draw_as_ever, broken = SimulatedConversations.__getitem__, []

    def break_once(self: SimulatedConversations, crop: SimulatedCrop):
        if crop.epoch == 2 and not broken:
            broken.append(crop)
            raise OSError("the disk is gone")
        return draw_as_ever(self, crop)

    monkeypatch.setattr(SimulatedConversations, "__getitem__", break_once)
    with pytest.raises(OSError, match="the disk is gone"):
        run(root, tmp_path / "cut", "epochs=3")
    assert run(root, tmp_path / "cut", "epochs=3") == whole
    both = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert both[0] == both[1]
    shared = run(root, tmp_path / "shared", "epochs=3", pool=pool)
    assert shared == whole
    assert run(root, tmp_path / "other", "epochs=3", seed=2) != whole


def test_two_encoders_side_by_side(root: Path, tmp_path: Path) -> None:
    """The makers of a fused store make of talks what the store has; a model trained on talks knows them."""
    extract(root / "data/talk_dev", tmp_path / "random", "mimi-random", device="cpu")
    fuse((root / "feats/talk_dev", tmp_path / "random"), tmp_path / "fused")
    meta = open_features(tmp_path / "fused").meta
    assert [spec.name for spec in describe_makers(meta)] == ["logmel", "mimi-random"]
    config = load_config(
        TrainConfig,
        root / "train.yaml",
        ["epochs=1", "fusion.anchors=2", "fusion.same_voice=0.5", "fusion.softness=0.1"],
    )
    made = partial(on_simulated, data=root / "data/train", turns=root / "turns.yaml", pool=tmp_path / "pool")
    train(config, [], [(root / "data/talk_dev", tmp_path / "fused")], tmp_path / "model", 1, on_the_fly=made)
    trained = load_model(tmp_path / "model/model.safetensors")
    assert trained.encoder == meta
    # In training a frame's columns are those of the store: the first encoder's, then the second's, for each half.
    config.crop_sec = 6
    talks = as_written(simulated(root, config, describe_makers(meta), tmp_path / "p2", 0, "dev"))
    written = Conversations([(root / "data/talk_dev", tmp_path / "fused")], 3)
    found, expected = talks[SimulatedCrop(0, 0, 0, 0)][0], written.features(written.recordings[0])
    assert np.abs(found - expected).mean() < 0.02 * expected.std()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--talks", "x"], "talks need both"),
        (["--talks", "{data}", "--set", "talks.count=2"], "--talks needs --turns"),
        (["--train", "a", "b", "--turns", "t"], "--talks needs --turns"),
        (["--talks", "{data}", "--mixtures", "y"], "give one source of training data"),
        (
            ["--talks", "{data}", "--turns", "{turns}", "--set", "talks.count=2", "--set", "model.max_speakers=2"],
            "at most model.max_speakers, 2",
        ),
        (
            ["--talks", "{data}", "--turns", "{turns}", "--set", "talks.count=2", "--set", "talk_lives=0"],
            "talk_lives is 0",
        ),
        (["--talks", "{data}", "--turns", "none.yaml", "--set", "talks.count=2"], "none.yaml"),
    ],
)
def test_what_does_not_fit_is_named(root: Path, tmp_path: Path, options: list[str], message: str) -> None:
    filled = [each.format(data=root / "data/train", turns=root / "turns.yaml") for each in options]
    dev = ["--dev", str(root / "data/talk_dev"), str(root / "feats/talk_dev")]
    result = CliRunner().invoke(cli, ["train", str(tmp_path / "m"), *dev, *filled])
    assert result.exit_code != 0
    assert message in str(result.output) + str(result.exception)


def test_two_processes_hear_what_one_does(root: Path, tmp_path: Path) -> None:
    """The same talks, which both may want at once, in the same batches; no dropout, which each draws by itself."""
    config = load_config(TrainConfig, root / "train.yaml", ["model.dropout=0", "model.attention_dropout=0"])
    dev = [(root / "data/talk_dev", root / "feats/talk_dev")]
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        made = partial(on_simulated, data=root / "data/train", turns=root / "turns.yaml", pool=folder / "talks")
        assert wait(start(config, [], dev, folder, processes, on_the_fly=made)) == [0] * processes
    assert_same_losses(tmp_path / "2", tmp_path / "1")
    names = [sorted(path.name for path in (tmp_path / one / "talks").glob("*/*")) for one in "12"]
    assert names[0] == names[1] == sorted(f"{born}.{index}.npy" for born in range(3) for index in range(3))
