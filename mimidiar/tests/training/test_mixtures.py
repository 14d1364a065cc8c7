"""Training on mixtures made on the fly: they are those that a written set would hold, and the same after a break."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.config import load_config
from mimidiar.data.manifests import read_set
from mimidiar.encoders.registry import load_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import extract
from mimidiar.models.build import load_model
from mimidiar.simulation.augmentation import Augment, make_augmenter
from mimidiar.simulation.drawn_sets import WRITTEN
from mimidiar.simulation.mixtures import MixtureOptions
from mimidiar.tests.simulation.echoes import response, write_folder
from mimidiar.tests.training.mixed import make_mixtures
from mimidiar.training.batches import Draw, EpochDraws
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Conversations, Crop
from mimidiar.training.fit import train
from mimidiar.training.mixtures import (
    Mixtures,
    collate_audio,
    encode_batch,
    mixture_statistics,
    on_mixtures,
)

CONFIG = """
model: {model_dim: 16, num_layers: 1, num_heads: 2, ff_dim: 32, dropout: 0.2, max_speakers: 2}
mixtures: {count: 10}
crop_sec: 10
batch_size: 4
epochs: 4
learning_rate: 0.01
warmup_steps: 4
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets train and dev of tones, sim_dev with its log-mel features, and a configuration."""
    root = tmp_path_factory.mktemp("mixtures")
    make_mixtures(root)
    (root / "train.yaml").write_text(CONFIG)
    return root


def run(root: Path, folder: Path, *overrides: str, seed: int = 1) -> list[dict]:
    """Train, and the lines of the log."""
    config = load_config(TrainConfig, root / "train.yaml", overrides)
    dev = [(root / "data/sim_dev", root / "feats/sim_dev")]
    train(config, [], dev, folder, seed, on_the_fly=partial(on_mixtures, data=root / "data/train"))
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("encoder", "tap"), [("logmel", "mel"), ("mimi-random", "seanet")])
def test_a_mixture_on_the_fly_is_that_of_a_written_set(root: Path, tmp_path: Path, encoder: str, tap: str) -> None:
    """Features and labels, by the seeds of the written set, also at twice the labels' rate; a batch pads and masks the
    shorter ones.
    """
    codec = load_encoder(encoder, tap)
    mixtures = Mixtures(root / "data/dev", MixtureOptions(), codec.sample_rate, 3, seed=WRITTEN)
    batch = encode_batch(codec, collate_audio([mixtures[Draw(3, index)] for index in range(6)]))
    extract(root / "data/sim_dev", tmp_path, encoder, tap, device="cpu")
    written = Conversations([(root / "data/sim_dev", tmp_path)], 3)
    assert len(set(map(written.num_frames, written.recordings))) > 1
    scale = np.std(np.concatenate([written.features(recording) for recording in written.recordings]))
    for row, recording in enumerate(read_set(root / "data/sim_dev").recordings):
        frames = written.num_frames(recording.id)
        assert batch.mask[row].sum() == frames and batch.mask[row, :frames].all()
        features, targets = written[Crop(recording.id, 0, frames)]
        assert np.array_equal(batch.targets[row, :frames].numpy(), targets)
        # The written audio has 16 bits; log-mel of silence is all rounding, so frames with sound alone are compared.
        sounding = targets.any(1)
        assert np.abs(batch.features[row, :frames].numpy() - features)[sounding].mean() < 0.02 * scale


def test_sounds_change_what_is_heard_and_no_label(root: Path, tmp_path: Path) -> None:
    """A noise 10 dB below the speech, and a room in which all is heard later: that is taken away again."""
    noise = write_folder(tmp_path / "noise", n=0.1 * np.random.default_rng(0).standard_normal(16000))
    late = write_folder(tmp_path / "late", r=response(70))
    asked = root / "data/dev", MixtureOptions(), 16000, 2, 1
    in_noise = make_augmenter(Augment(noise_share=1.0, noise_snr_db=[10.0, 10.0]), noise, None)
    in_a_room = make_augmenter(Augment(reverb_share=1.0), None, late)
    plain, noisy, wet = (Mixtures(*asked, augmenter=each) for each in (None, in_noise, in_a_room))
    for draw in (Draw(0, index) for index in range(6)):
        (clean, targets), (loud, same), (echoed, also) = plain[draw], noisy[draw], wet[draw]
        assert np.array_equal(targets, same) and np.array_equal(targets, also)
        np.testing.assert_allclose(echoed, clean, atol=1e-4)
        assert np.array_equal(loud, noisy[draw][0])
        speech = np.repeat(targets.any(1), 1280)[: len(clean)]
        added = loud / (loud @ clean / (clean @ clean)) - clean  # a mixture that would clip is turned down
        assert 10 * np.log10(np.mean(clean[speech] ** 2) / np.mean(added**2)) == pytest.approx(10, abs=0.6)


def test_the_command_trains_with_sounds(root: Path, tmp_path: Path) -> None:
    noise = write_folder(tmp_path / "noise", n=0.1 * np.random.default_rng(0).standard_normal(16000))
    rooms = write_folder(tmp_path / "rooms", r=response(70, {800: 0.5}))
    weights = {}
    for name, sounds in (
        ("plain", []),
        ("loud", ["--noise", noise, "--rirs", rooms, "--set", "augment.reverb_share=1"]),
    ):
        line = ["train", tmp_path / name, "--mixtures", root / "data/train", "--config", root / "train.yaml"]
        line += ["--dev", root / "data/sim_dev", root / "feats/sim_dev", "--set", "epochs=1", *sounds]
        done = CliRunner().invoke(cli, list(map(str, line)))
        assert done.exit_code == 0, done.exception
        weights[name] = (tmp_path / name / "model.safetensors").read_bytes()
    assert weights["plain"] != weights["loud"]
    assert "reverb_share: 1" in (tmp_path / "loud/config.yaml").read_text()


def test_sounds_without_mixtures_are_refused(tmp_path: Path) -> None:
    line = ["train", str(tmp_path / "m"), "--train", "a", "b", "--dev", "c", "d", "--noise", str(tmp_path / "noise")]
    refused = CliRunner().invoke(cli, line)
    assert "noise: only --mixtures uses it" in str(refused.exception)


def test_features_can_be_trained_on(root: Path) -> None:
    """What the codec gives is made without gradients, and yet an ordinary tensor."""
    codec = load_encoder("mimi-random")
    mixtures = Mixtures(root / "data/dev", MixtureOptions(), codec.sample_rate, 2, seed=0)
    batch = encode_batch(codec, collate_audio([mixtures[Draw(0, 0)]]))
    layer = torch.nn.Linear(batch.features.shape[2], 1)
    layer(batch.features).sum().backward()
    assert not batch.features.is_inference() and layer.weight.grad.abs().sum() > 0


def test_other_mixtures_in_each_epoch_and_of_each_seed(root: Path) -> None:
    draws = EpochDraws(5)
    first = list(draws)
    draws.set_epoch(1)
    assert first == [Draw(0, index) for index in range(5)] and list(draws) == [Draw(1, index) for index in range(5)]
    audio = {
        (seed, draw): Mixtures(root / "data/train", MixtureOptions(), 16000, 2, seed)[draw][0].tobytes()
        for seed in (0, 1)
        for draw in (Draw(0, 0), Draw(0, 1), Draw(1, 0))
    }
    assert len(set(audio.values())) == 6


def test_statistics_are_those_of_the_first_mixtures(root: Path) -> None:
    codec = load_encoder("logmel")
    mixtures = Mixtures(root / "data/train", MixtureOptions(count=7), codec.sample_rate, 2, seed=0)
    mean, std = mixture_statistics(mixtures, codec, batch_size=3)
    rows = []
    for index in range(7):
        batch = encode_batch(codec, collate_audio([mixtures[Draw(0, index)]]))
        rows.append(batch.features[0].numpy())
    rows = np.concatenate(rows)
    assert np.allclose(mean, rows.mean(0), atol=1e-3) and np.allclose(std, rows.std(0), atol=1e-3)


def test_a_broken_run_goes_on_with_the_same_mixtures(root: Path, tmp_path: Path, monkeypatch) -> None:
    whole = run(root, tmp_path / "whole")
    draw_as_ever, broken = Mixtures.__getitem__, []

    def break_once(self: Mixtures, draw: Draw):
        if draw.epoch == 2 and not broken:
            broken.append(draw)
            raise OSError("the disk is gone")
        return draw_as_ever(self, draw)

    monkeypatch.setattr(Mixtures, "__getitem__", break_once)
    with pytest.raises(OSError, match="the disk is gone"):
        run(root, tmp_path / "cut")
    assert run(root, tmp_path / "cut") == whole and [line["epoch"] for line in whole] == [0, 1, 2, 3]
    for name in ("model.safetensors", "finished.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert load_model(tmp_path / "whole/model.safetensors").encoder["encoder"] == "logmel"


def test_it_learns_who_speaks(root: Path, tmp_path: Path) -> None:
    """No mixture comes twice, so that what falls is not the loss on mixtures known by heart."""
    log = run(
        root, tmp_path / "m", "epochs=12", "mixtures.count=16", "model.dropout=0.0", "patience=12", "batch_size=2"
    )
    assert log[-1]["train_loss"] < 0.7 * log[0]["train_loss"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--train", "a", "b", "--mixtures", "c"], "give one source of training data"),
        ([], "give one source of training data"),
        (["--train", "a", "b", "--set", "mixtures.count=3"], "mixtures need both"),
        (["--mixtures", "c"], "mixtures need both"),
        (["--mixtures", "c", "--set", "mixtures.overlap=[2,3]"], r"configuration: mixtures\.overlap is \[2"),
        (["--mixtures", "c", "--set", "mixtures.count=3", "--set", "unfreeze.layers=1"], "leave out fusion"),
    ],
)
def test_what_is_trained_on_must_be_clear(options: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["train", "m", "--dev", "d", "f", *options])
    assert isinstance(done.exception, MimidiarError)
    with pytest.raises(MimidiarError, match=said):
        raise done.exception


def test_one_channel_is_too_few(root: Path, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"sim_dev.* has 2 speakers, the model 1 outputs"):
        run(root, tmp_path / "m", "model.max_speakers=1")
    with pytest.raises(MimidiarError, match=r"model\.max_speakers is 1; a mixture has 2 speakers"):
        Mixtures(root / "data/dev", MixtureOptions(), 16000, 1, seed=0)
