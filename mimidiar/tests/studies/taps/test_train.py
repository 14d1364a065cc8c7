"""Probes of all taps: each learns what it would learn alone, and the sum finds the layer that knows the speaker."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.studies.taps.pooled_store import PooledTaps
from mimidiar.studies.taps.spaces import MIX, load_tap_probes, mixed_taps
from mimidiar.studies.taps.train import (
    TapClassifier,
    TapProbeConfig,
    _fit,
    _tap_optimizer,
    examples_of_utterances,
    examples_of_windows,
    save_classifier,
    train_tap_probes,
)
from mimidiar.tests.conversations import make_conversations
from mimidiar.tests.pooled import DIM, pool_made_up, write_pooled
from mimidiar.tests.utterances import make_utterances

QUICK = TapProbeConfig(learning_rate=0.02, epochs=20)


def speakers_of(data: Path) -> dict[str, str]:
    return {row.id: row.speaker for rows in read_source(data).values() for row in rows}


@pytest.fixture
def pooled(tmp_path: Path) -> tuple[Path, Path]:
    data, _ = make_utterances(tmp_path, "train", speakers=6, each=8, seed=0)
    return data, pool_made_up(tmp_path / "pooled", speakers_of(data))


def test_the_sum_takes_the_layer_that_knows_the_speaker(pooled: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        train_tap_probes(QUICK, *pooled, tmp_path / folder, seed=3)
    report = read_json(tmp_path / "a" / "train.json")
    assert report["speakers"] == 6 and report["examples"] == 48
    assert report["train_accuracy"]["latent"] > 0.95 > report["train_accuracy"]["seanet"]
    assert report["mix"]["latent"] > 0.6 and sum(report["mix"].values()) == pytest.approx(1)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()


def test_probes_trained_together_are_those_trained_alone() -> None:
    random = np.random.default_rng(0)
    inputs = torch.from_numpy(random.standard_normal((40, 3, DIM)).astype(np.float32))
    labels = torch.from_numpy(random.integers(4, size=40))
    together = TapClassifier(["seanet", "latent", "quantized.1"], DIM, list("abcd"))
    alone = TapClassifier(["quantized.1"], DIM, list("abcd"))
    alone.load_state_dict(
        {"weight": together.weight[2:], "bias": together.bias[2:]}
        | {name: value for name, value in alone.state_dict().items() if name not in ("weight", "bias")}
    )
    for model, own in ((together, inputs), (alone, inputs[:, 2:])):
        torch.manual_seed(1)
        _fit(model, own, labels, QUICK, _tap_optimizer(model, QUICK))
    torch.testing.assert_close(together.weight[2], alone.weight[0])
    assert not together.weight[2].equal(together.weight[1])


def test_what_is_saved_gives_the_outputs_without_bias(tmp_path: Path) -> None:
    taps = ["seanet", "transformer.0", "latent", "quantized.1"]
    torch.manual_seed(0)
    model = TapClassifier(taps, DIM, list("abc"))
    model.features.set_statistics(torch.randn(4, DIM), torch.rand(4, DIM) + 0.5)
    model.mix.data.normal_()
    save_classifier(model, tmp_path / "model.safetensors")
    probes, x = load_tap_probes(tmp_path / "model.safetensors"), torch.randn(5, 4, DIM)
    assert probes.names == [*taps, MIX] and mixed_taps(taps) == taps[:3] and mixed_taps(["mel"]) == []
    logits = model(x).detach()
    for number, name in enumerate(probes.names):
        bias = model.mix_bias if name == MIX else model.bias[number]
        np.testing.assert_allclose(probes.place(x.numpy(), name), (logits[:, number] - bias).detach(), atol=1e-5)


def test_a_part_of_a_set_is_trained_on_and_nothing_is_refused(pooled: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = pooled
    half = dict(list(speakers_of(data).items())[:24])
    vectors, who = examples_of_utterances(data, PooledTaps(pool_made_up(tmp_path / "half", half)))
    assert who == list(half.values()) and len(vectors) == 24
    with pytest.raises(MimidiarError, match=r"no utterance of .*; pool the taps of that set"):
        examples_of_utterances(data, PooledTaps(pool_made_up(tmp_path / "other", {"x": "y"})))
    one, _ = make_utterances(tmp_path / "one", "one", speakers=1, each=2, seed=0)
    with pytest.raises(MimidiarError, match="1 speaker to train on"):
        train_tap_probes(QUICK, one, pool_made_up(tmp_path / "p", speakers_of(one)), tmp_path / "m", 0)
    with pytest.raises(MimidiarError, match="epochs is 0"):
        TapProbeConfig(epochs=0).check("conf")


def test_windows_with_one_speaker_alone_are_examples(tmp_path: Path) -> None:
    data, feats = make_conversations(tmp_path, "talks", 3, seed=0)
    from mimidiar.annotation.rttm import read_rttm
    from mimidiar.features.store import FeatureStore

    store, turns = FeatureStore(feats), read_rttm(data / "ref.rttm")
    windows = {name: np.zeros((9, 2, DIM), np.float32) for name in store.keys()}  # noqa: SIM118
    for rows in windows.values():
        rows[:] = np.arange(9)[:, None, None]
    folder = write_pooled(tmp_path / "pooled", windows, window_sec=1.6, hop_sec=0.8)
    vectors, who = examples_of_windows(data, PooledTaps(folder))
    assert len(vectors) == len(who) > 0
    place = 0
    for name in sorted(windows):
        for number in range(9):
            begin, end = 0.8 * number, 0.8 * number + 1.6
            times: dict[str, float] = {}
            for turn in turns[name]:
                inside = max(0.0, min(turn.end, end) - max(turn.start, begin))
                times[turn.speaker] = times.get(turn.speaker, 0.0) + inside
            heard = {speaker: seconds for speaker, seconds in times.items() if seconds > 0.01}
            if len(heard) == 1 and max(heard.values()) >= 0.8 * 1.6 - 0.01:
                assert who[place] == next(iter(heard)) and vectors[place, 0, 0] == number
                place += 1
    assert place == len(who)
