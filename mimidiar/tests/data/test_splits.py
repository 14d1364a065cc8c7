"""Who is trained on and who is tested on."""

from collections import Counter

import pytest

from mimidiar.data.splits import assign_splits, limit_speakers
from mimidiar.errors import MimidiarError

BIG = {f"a-{k:03d}": "a" for k in range(100)}


def test_a_rest_is_cut_at_70_and_85_percent_by_a_seeded_hash() -> None:
    split = assign_splits(BIG, {}, [], seed=1)
    assert Counter(split.values()) == {"train": 70, "dev": 15, "test": 15}
    assert split == assign_splits(dict(reversed(BIG.items())), {}, [], seed=1)
    assert split != assign_splits(BIG, {}, [], seed=2)


def test_a_shipped_split_wins_and_its_dev_half_becomes_test() -> None:
    shipped = {name: "dev" if k < 40 else "train" for k, name in enumerate(BIG)}
    split = assign_splits(BIG, shipped, [], seed=1)
    assert Counter(split.values()) == {"train": 60, "dev": 20, "test": 20}
    assert all(split[name] == "train" for name in list(BIG)[40:])
    with_test = shipped | {"a-000": "test"}
    assert Counter(assign_splits(BIG, with_test, [], seed=1).values()) == {"train": 60, "dev": 39, "test": 1}


def test_speakers_of_trials_are_never_trained_on() -> None:
    split = assign_splits(BIG, {}, ["a-000", "a-001"], seed=1)
    assert split["a-000"] == split["a-001"] == "test"
    with pytest.raises(MimidiarError, match="speaker a-000 is in the trials and in the train split"):
        assign_splits(BIG, {"a-000": "train"}, ["a-000"], seed=1)


def test_too_few_speakers_are_for_training() -> None:
    assert set(assign_splits({f"b-{k}": "b" for k in range(4)}, {}, [], seed=1).values()) == {"train"}


def test_a_limit_keeps_the_first_of_each_corpus_and_split() -> None:
    split = assign_splits(BIG, {}, [], seed=1)
    kept = limit_speakers(split, BIG, 3, seed=1)
    assert Counter(kept.values()) == {"train": 3, "dev": 3, "test": 3}
    assert kept.items() <= limit_speakers(split, BIG, 5, seed=1).items()
