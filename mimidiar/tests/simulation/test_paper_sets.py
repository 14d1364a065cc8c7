"""The simulated conversations of the paper's recipes: the ancestor's three settings, and the corrected ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from mimidiar.config import load_config
from mimidiar.simulation.plan import ConversationSet, Simulation, plan_conversations

CONF = Path(__file__).parents[3] / "egs" / "ami" / "conf"
# setting -> conversations, seconds, speakers, overlap of the ancestor's study
ANCESTOR = {"two": (3000, 300, [2], 0.12), "four": (2000, 300, [4], 0.25), "three": (1000, 600, [3], 0.18)}
SPEAKERS = {"train": 251, "dev": 40, "test": 40}
DECIDED = ("silence", "turn_prob", "dominance_std", "min_dominance", "volume_std", "volume_range")


def sets_of(name: str) -> dict[str, ConversationSet]:
    found = load_config(Simulation, CONF / name).sets
    for key, options in found.items():
        options.check(key)
    return found


def hours(sets: dict[str, ConversationSet], split: str) -> float:
    return sum(each.conversations * each.seconds for each in sets.values() if each.split == split) / 3600


def facts(options: ConversationSet) -> tuple:
    return options.conversations, options.seconds, options.speakers, options.overlap


def test_the_ancestors_three_sets() -> None:
    every = sets_of("simulate_ancestor.yaml")
    sets = {key: each for key, each in every.items() if key.startswith("train")}
    assert {key.split("_")[1]: facts(options) for key, options in sets.items()} == ANCESTOR
    assert hours(sets, "train") == pytest.approx(583.3, abs=0.1)
    for options in sets.values():
        assert [getattr(options, key) for key in DECIDED] == [0.15, 0.875, 0.11, 0.05, 0.1, [0.75, 1.25]]
        assert options.noise_snr_db is None and options.speed_range is None and options.split == "train"


def test_the_ancestors_dev_sets_are_new_conversations_of_the_training_speakers_and_say_so() -> None:
    sets = sets_of("simulate_ancestor.yaml")
    for setting in ANCESTOR:
        train, dev = (sets[f"{part}_{setting}_ancestor"] for part in ("train", "dev"))
        assert (dev.split, dev.seed) == ("train", 1) and dev.conversations * 50 == train.conversations
        assert replace(dev, conversations=train.conversations, seed=train.seed) == train
    assert load_config(Simulation, CONF / "simulate_ancestor.yaml").leaky
    assert not load_config(Simulation, CONF / "simulate.yaml").leaky


def test_the_corrected_sets_are_of_three_splits_in_the_same_settings() -> None:
    sets, ancestor = sets_of("simulate.yaml"), sets_of("simulate_ancestor.yaml")
    assert set(sets) == {f"{split}_{setting}" for split in SPEAKERS for setting in ANCESTOR}
    for key, options in sets.items():
        split, setting = key.split("_")
        theirs = ancestor[f"train_{setting}_ancestor"]
        assert options.split == split and facts(options)[1:] == facts(theirs)[1:]
        assert all(getattr(options, name) == getattr(theirs, name) for name in DECIDED)
        assert options.noise_snr_db and options.join_gap_sec == 1.0
    assert [facts(sets[f"train_{setting}"])[0] for setting in ANCESTOR] == [3000, 2000, 1000]
    assert hours(sets, "dev") == hours(sets, "test") == pytest.approx(hours(sets, "train") / 50)


@pytest.mark.parametrize("name", ["simulate_ancestor.yaml", "simulate.yaml"])
def test_librispeech_has_the_speakers_for_them(name: str) -> None:
    for key, options in sets_of(name).items():
        names = [f"ls-{k}" for k in range(SPEAKERS[options.split])]
        plan = plan_conversations(key, options, dict.fromkeys(names, "ls"))
        assert len(plan) == options.conversations
        assert {len(set(talk.speakers)) for talk in plan} == set(options.speakers)
        heard = {speaker for talk in plan for speaker in talk.speakers}
        assert len(heard) == min(len(names), sum(len(talk.speakers) for talk in plan))  # everybody before anybody again
