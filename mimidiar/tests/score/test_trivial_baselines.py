"""Floors know what they say they know, and nothing else."""

import random

import pytest

from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.score.diarization import score_diarization
from mimidiar.score.trivial_baselines import make_baseline
from mimidiar.tests.score.brute_force import random_turns


@pytest.fixture
def reference() -> dict[str, list[Turn]]:
    rng = random.Random(7)
    return {name: random_turns(rng, name, "spk", 4, 12, 400) for name in ("a", "b", "c")}


@pytest.fixture
def uem(reference) -> dict[str, list[tuple[float, float]]]:
    return {name: [(0.0, 20.0)] for name in reference}


def by_recording(turns: list[Turn]) -> dict[str, list[Turn]]:
    return {name: [t for t in turns if t.recording == name] for name in sorted({t.recording for t in turns})}


def scored(kind, reference, uem, seed=0):
    return score_diarization(reference, by_recording(make_baseline(kind, reference, uem, seed)), uem).total


def test_always_one_never_stops(reference, uem):
    assert make_baseline("always-one", reference, uem) == [Turn(name, 0.0, 20.0, "speaker0") for name in "abc"]
    with pytest.raises(MimidiarError, match="--uem"):
        make_baseline("always-one", reference)


def test_oracle_vad_one_has_no_false_alarm(reference, uem):
    total = scored("oracle-vad-one", reference, uem)
    assert total.false_alarm_sec == pytest.approx(0)
    assert total.hypothesis_speakers == 3
    assert total.confusion_sec > 0


@pytest.mark.parametrize("seed", range(5))
def test_random_order_knows_when_but_not_who(reference, uem, seed):
    total = scored("random-order", reference, uem, seed)
    assert total.missed_sec == pytest.approx(0)
    assert total.false_alarm_sec == pytest.approx(0)
    assert total.confusion_sec > 0.1 * total.reference_sec


def test_random_order_depends_on_seed_and_recording_alone(reference, uem):
    alone = make_baseline("random-order", {"b": reference["b"]}, {"b": uem["b"]})
    together = make_baseline("random-order", reference, uem)
    assert alone == by_recording(together)["b"]
    assert together != make_baseline("random-order", reference, uem, seed=1)


def test_floors_keep_to_the_uem(reference):
    inside = {"b": [(2.0, 3.0), (5.0, 6.0)], "silent": [(0.0, 1.0)]}
    for kind in ("oracle-vad-one", "random-order", "always-one"):
        turns = make_baseline(kind, reference, inside)
        assert all(2 <= t.start < t.end <= 6 for t in turns if t.recording == "b")
        assert {t.recording for t in turns} == ({"b", "silent"} if kind == "always-one" else {"b"})


def test_unknown_floor(reference):
    with pytest.raises(MimidiarError, match="oracle-vad-one"):
        make_baseline("nobody", reference)
