"""Crops, their labels, and the order in which they come."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mimidiar.annotation.activity import arrival_order
from mimidiar.errors import MimidiarError
from mimidiar.features.store import META
from mimidiar.files import read_json, write_json
from mimidiar.tests.conversations import DIM, make_conversations
from mimidiar.training.crops import (
    ConsecutiveCrops,
    Conversations,
    Crop,
    RandomCrops,
    collate,
    feature_statistics,
)


@pytest.fixture(scope="module")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> Conversations:
    return Conversations([make_conversations(tmp_path_factory.mktemp("c"), "set", 6, seed=0)], max_speakers=4)


def test_a_crop_has_its_frames_and_its_own_order_of_arrival(conversations: Conversations) -> None:
    whole, everyone = conversations[Crop("set-0", 0, 100)]
    assert whole.shape == (100, DIM) and everyone.shape == (100, 4)
    orders = set()
    for start in range(0, 60, 5):
        features, targets = conversations[Crop("set-0", start, start + 40)]
        assert np.array_equal(features, whole[start : start + 40])
        assert arrival_order(targets.astype(bool)) == [0, 1, 2, 3]
        # The same speakers as in the whole recording, in another order: the order is that of the crop.
        columns = [
            next(k for k in range(4) if np.array_equal(everyone[start : start + 40, k], c))
            for c in targets.T
            if c.any()
        ]
        orders.add(tuple(columns))
    assert len(orders) > 1


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="how much a process reads is known on Linux alone")
def test_of_a_long_recording_a_crop_reads_its_own_frames_alone(tmp_path: Path) -> None:
    long = Conversations([make_conversations(tmp_path, "long", 1, seed=0, frames=20000)], max_speakers=4)

    def bytes_read() -> int:
        return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])

    before = bytes_read()
    features, _ = long[Crop("long-0", 15000, 15100)]
    assert features.shape == (100, DIM) and bytes_read() - before < 20000 * DIM * 4 / 20


def test_random_crops_are_the_same_for_the_same_seed_and_epoch(conversations: Conversations) -> None:
    def draw(seed: int, epoch: int) -> list[Crop]:
        crops = RandomCrops(conversations, crop_sec=2.4, per_recording=3, seed=seed)
        crops.set_epoch(epoch)
        assert len(list(crops)) == len(crops) == 18
        return list(crops)

    first = draw(1, 0)
    assert draw(1, 0) == first and draw(1, 1) != first and draw(2, 0) != first
    assert all(crop.stop - crop.start == 30 and crop.start >= 0 and crop.stop <= 100 for crop in draw(1, 0))


def test_a_crop_longer_than_the_recording_is_the_recording(conversations: Conversations) -> None:
    assert {(c.start, c.stop) for c in RandomCrops(conversations, 60, 1, seed=0)} == {(0, 100)}


def test_consecutive_crops_cover_each_recording_once(conversations: Conversations) -> None:
    frames = [f for c in ConsecutiveCrops(conversations, 2.4) if c.recording == "set-1" for f in range(c.start, c.stop)]
    assert frames == list(range(100))


def test_batches_are_padded_and_masked(conversations: Conversations) -> None:
    batch = collate([conversations[Crop("set-0", 0, 20)], conversations[Crop("set-1", 10, 40)]])
    assert batch.features.shape == (2, 30, DIM) and batch.mask.sum(1).tolist() == [20, 30]
    assert (batch.features[0, 20:] == 0).all() and (batch.targets[0, 20:] == 0).all()


def test_statistics_are_those_of_all_frames(conversations: Conversations) -> None:
    everything = np.concatenate([conversations.features(name) for name in conversations.recordings])
    mean, std = feature_statistics(conversations)
    assert np.allclose(mean, everything.mean(0), atol=1e-5) and np.allclose(std, everything.std(0), atol=1e-5)
    assert mean.dtype == torch.float32


def test_more_speakers_than_channels_and_missing_features_are_named(tmp_path: Path) -> None:
    data, feats = make_conversations(tmp_path, "set", 2, seed=0)
    with pytest.raises(MimidiarError, match=r"recording 'set-\d' has \d speakers, the model 1 outputs"):
        Conversations([(data, feats)], max_speakers=1)
    _, other = make_conversations(tmp_path, "other", 1, seed=0)
    with pytest.raises(MimidiarError, match=r"no features for 2 of 2 recordings .* first 'set-0'"):
        Conversations([(data, other)], max_speakers=4)


def test_several_sets_are_one_without_doubling_an_entry(tmp_path: Path) -> None:
    first, second = (make_conversations(tmp_path, name, 3, seed=k) for k, name in enumerate(["a", "b"]))
    both, alone = Conversations([first, second], 4), Conversations([second], 4)
    assert both.recordings == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2"] and len(RandomCrops(both, 4.0, 1, 0)) == 6
    for joint, own in zip(both[Crop("b-1", 3, 30)], alone[Crop("b-1", 3, 30)], strict=True):
        assert np.array_equal(joint, own)
    with pytest.raises(MimidiarError, match="3 recordings are in another of these sets as well, first 'a-0'"):
        Conversations([first, first], 4)
    write_json(second[1] / META, read_json(second[1] / META) | {"tap": "seanet"})
    with pytest.raises(MimidiarError, match=r"b: tap is seanet, that of .*a .*extract both alike"):
        Conversations([first, second], 4)


def test_a_crop_at_twice_the_rate_may_end_in_half_a_label_frame(tmp_path: Path) -> None:
    data, feats = make_conversations(tmp_path, "set", 1, seed=0, frames=99)
    write_json(feats / META, read_json(feats / META) | {"frame_hz": 25.0})
    at_25_hz = Conversations([(data, feats)], max_speakers=4)
    assert at_25_hz.num_frames("set-0") == 50 and at_25_hz.input_dim == 2 * DIM
    features, targets = at_25_hz[Crop("set-0", 40, 50)]
    assert features.shape == (10, 2 * DIM) and targets.shape == (10, 4)
    assert np.array_equal(features[-1, :DIM], features[-1, DIM:])
