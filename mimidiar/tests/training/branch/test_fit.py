"""A branch from speech to an encoder: trained, resumed, read again, and the same in steps as at once."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from mimidiar.annotation.rttm import write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.cli import cli
from mimidiar.config import load_config
from mimidiar.encoders.branch.encoder import BranchEncoder
from mimidiar.encoders.branch.network import BranchConfig, SpeakerBranch
from mimidiar.encoders.branch.spec import check_inputs
from mimidiar.encoders.mimi.all_taps import AllTaps
from mimidiar.encoders.mimi.encoder import MimiEncoder
from mimidiar.encoders.mimi.sizes import MINI, seam_taps
from mimidiar.encoders.mimi.tap import MimiTap
from mimidiar.encoders.registry import describe_encoder, load_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import extract
from mimidiar.simulation.drawn_sets import DrawnConversationSets, write_conversation_sets
from mimidiar.simulation.turn_statistics import TurnStatistics, write_statistics
from mimidiar.tests.tones import write_tones
from mimidiar.training.conversations import ConversationPool

CONFIG = """
model: {width: 16, dilations: [1, 2]}
conversations: {count: 3, seconds: 12, speakers: [1, 2], speaker_weights: [1, 2], replay_share: 0.5}
voices: 2
crop_sec: 4
crops_per_conversation: 2
batch_size: 3
epochs: 2
warmup_steps: 1
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets of tones, conversations of dev's with features of a codec and log-mel, turns, a configuration."""
    root = tmp_path_factory.mktemp("branch")
    write_tones(root / "data/train", [0, 1, 2, 3], level=1.0)
    write_tones(root / "data/dev", [4, 5, 6], level=1.0)
    kinds = {"quick": TurnStatistics([3.0, 4.0, 5.0], [-0.5, 0.2, 1.0], [0.3, 1.0], 0.9, 100)}
    write_statistics(root / "turns.yaml", kinds, "For tests.")
    turns = [Turn("talk", 2.0 * k, 2.0 * k + 1.5, "ab"[k % 2]) for k in range(20)]
    write_rttm(root / "turns.rttm", turns)
    (root / "train.yaml").write_text(CONFIG)
    asked = ["count=2", "seconds=20", "speakers=[2]", "speaker_weights=[1]"]
    sets = load_config(DrawnConversationSets, None, [f"sets.dev.{each}" for each in asked])
    write_conversation_sets(sets, root / "turns.yaml", root / "data", root / "data")
    for name, encoder, tap in (("codec", "mimi-random", "seams"), ("mel", "logmel", "mel24")):
        extract(root / "data/talk_dev", root / f"feats/{name}", encoder, tap, device="cpu")
    return root


def run(root: Path, folder: Path, *more: str) -> Result:
    words = ["train-branch", folder, "--speech", root / "data/train", "--turns", root / "turns.yaml"]
    words += ["--sequences", root / "turns.rttm", "--dev", root / "data/talk_dev", "--config", root / "train.yaml"]
    words += ["--feats", root / "feats/codec", "--feats", root / "feats/mel", "--pool", root / "pool", *more]
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module")
def trained(root: Path) -> Path:
    found = run(root, root / "model")
    assert found.exit_code == 0, found.output
    return root / "model/model.safetensors"


def test_a_run_logs_its_error_rates_and_a_second_call_keeps_it(root: Path, trained: Path) -> None:
    lines = [json.loads(line) for line in (trained.parent / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1]
    for line in lines:
        rates = [line["val_eer_lookahead0"], line["val_eer_lookahead3"]]
        assert all(0 <= rate <= 100 for rate in rates) and line["val_loss"] == pytest.approx(np.mean(rates))
    assert lines[1]["train_teacher_loss"] < lines[0]["train_teacher_loss"] and lines[1]["val_loss"] != 50
    before = trained.read_bytes()
    assert run(root, trained.parent).exit_code == 0 and trained.read_bytes() == before
    changed = run(root, trained.parent, "--set", "voices=3")
    assert isinstance(changed.exception, MimidiarError) and "another configuration" in str(changed.exception)


def test_a_broken_run_ends_in_the_same_weights(root: Path, trained: Path, monkeypatch) -> None:
    read_as_ever, broken = ConversationPool.streams, []

    def break_once(self, born: int, index: int):
        if (root / "cut/last.ckpt").exists() and not broken:
            broken.append(index)
            raise OSError("the disk is gone")
        return read_as_ever(self, born, index)

    monkeypatch.setattr(ConversationPool, "streams", break_once)
    assert isinstance(run(root, root / "cut").exception, OSError) and broken
    assert run(root, root / "cut").exit_code == 0
    assert (root / "cut/model.safetensors").read_bytes() == trained.read_bytes()


@pytest.mark.parametrize("tap", ["lookahead0", "lookahead3"])
def test_it_is_an_encoder_whose_steps_give_what_the_whole_gives(trained: Path, tap: str) -> None:
    encoder = load_encoder("branch", tap, checkpoint=trained)
    spec = encoder.spec
    assert (spec.sample_rate, spec.frame_hz, spec.dim, spec.embedding_dim) == (24000, 12.5, 194, 192)
    assert spec.lookahead_frames == int(tap[-1])
    audio = 0.1 * torch.randn(2, 30 * 1920 + 100, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([audio.shape[1], 2 * 1920 - 7])
    whole, frames = encoder.encode(audio, lengths)
    assert frames.tolist() == [31, 2] and whole.shape == (2, 31, 194) and not whole[1, 2:].any()
    assert torch.allclose(whole[0, :, :192].norm(dim=1), torch.ones(31), atol=1e-5)
    assert ((whole[..., 192:] >= 0) & (whole[..., 192:] <= 1)).all()
    alone, _ = encoder.encode(audio[1:, : lengths[1]], lengths[1:])
    assert torch.allclose(alone[0], whole[1, :2], atol=1e-5)
    for sizes in ([1] * 30, [2, 13, 15], [30]):
        with encoder.stream(1) as stream:
            parts = audio[:1, : 30 * 1920].split([1920 * n for n in sizes], dim=1)
            found = torch.cat([*(stream.step(part) for part in parts), stream.end()], dim=1)
        assert torch.allclose(found[0, :20], whole[0, :20], atol=1e-4) and found.shape[1] == 30


def test_audio_later_than_the_lookahead_changes_no_frame(trained: Path) -> None:
    encoder = load_encoder("branch", "lookahead3", checkpoint=trained)
    audio = 0.1 * torch.randn(1, 40 * 1920, generator=torch.Generator().manual_seed(0))
    changed = audio.clone()
    changed[:, 20 * 1920 :] *= -1
    one, two = (encoder.encode(each, torch.tensor([each.shape[1]]))[0][0] for each in (audio, changed))
    differs = (one - two).abs().amax(1) > 1e-5
    assert not differs[:17].any() and differs[17:].any()


def test_the_codec_beside_it_codes_as_without_it() -> None:
    """On the very modules that the branch taps, in between its steps: weights and codes are bit for bit those of
    before."""
    audio = 0.1 * torch.randn(1, 1, 10 * 1920, generator=torch.Generator().manual_seed(0))
    spec = describe_encoder("mimi-mini", "seams")
    codec = spec.build_codec("cpu").eval()
    taps = MimiEncoder(spec, AllTaps(MimiTap(codec, "latent"), seam_taps(MINI)))
    state = {name: value.clone() for name, value in codec.state_dict().items()}
    with torch.inference_mode():
        before = codec.encode(audio)
    assert len(before.unique()) > 5
    config = BranchConfig(input_dim=spec.dim, width=16, dilations=[1, 2])
    branch_spec = replace(spec, name="branch", lookahead_frames=3, dim=194, embedding_dim=192)
    encoder = BranchEncoder(branch_spec, [taps], SpeakerBranch(**asdict(config)), "cpu")
    with encoder.stream(1) as stream:
        for part in audio[0].split(1920, dim=1):
            stream.step(part)
            with torch.inference_mode():
                assert torch.equal(codec.encode(audio), before)
    assert all(torch.equal(value, state[name]) for name, value in codec.state_dict().items())


def test_refusals(root: Path, trained: Path) -> None:
    with pytest.raises(MimidiarError, match="no tap 'latent'; choose lookahead3 or lookahead0"):
        describe_encoder("branch", "latent", trained)
    mixed = [describe_encoder("mimi-random", "seams"), describe_encoder("logmel", "mel")]
    with pytest.raises(MimidiarError, match=r"logmel at mel reads audio at 16000 Hz, mimi-random at seams at 24000 Hz"):
        check_inputs(mixed, root)
    with pytest.raises(MimidiarError, match=r"campplus at .* has a look-ahead of .* causal encoders alone"):
        check_inputs([describe_encoder("campplus")], root)
    assert "a branch is trained by one" in str(run(root, root / "two", "--processes", "2").exception)
    with pytest.raises(MimidiarError, match="no such"):
        describe_encoder("branch", checkpoint=root / "none.safetensors")
    (root / "short.safetensors").write_bytes(trained.read_bytes()[:1000])
    with pytest.raises(MimidiarError, match=r"short\.safetensors: not a whole safetensors file"):
        describe_encoder("branch", checkpoint=root / "short.safetensors")
