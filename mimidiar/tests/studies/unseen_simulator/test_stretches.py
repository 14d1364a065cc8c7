"""Tapes that are cut, stretches of sequences, and crowds: what they must keep, and what they must never do."""

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimidiar.annotation.turns import Turn
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.errors import MimidiarError
from mimidiar.studies.unseen_simulator.cut_tape import CutTape
from mimidiar.studies.unseen_simulator.stretches import Crowd, Tidying, draw_stretch, steps_of
from mimidiar.studies.unseen_simulator.voices import cast_alike, cast_mixed, pools_by_sex


def utterance(name: str, *speech: tuple[float, float], sex: str = "f") -> SourceUtterance:
    return SourceUtterance(name, name, name[0], "c", f"/{name}.flac", 100.0, speech, gender=sex)


def sequence(*turns: tuple[float, float, str]) -> list[Turn]:
    return [Turn("r", *turn) for turn in turns]


@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.01, 3)), min_size=1, max_size=9), st.integers(0, 9))
def test_a_turn_is_filled_from_its_start_to_its_end_with_short_pauses(
    turns: list[tuple[float, float]], first: int
) -> None:
    tape = CutTape("a", [utterance("a1", (1, 1.5), (1.6, 1.7), (4, 6)), utterance("a2", (0.5, 0.8))], first)
    for length, start in turns:
        placed = tape.play(start, start + length, 0.25)
        assert placed[0].at == start and placed[-1].until == pytest.approx(start + length)
        assert all(-1e-9 <= b.at - a.until <= 0.25 + 1e-9 for a, b in pairwise(placed))


def test_a_tape_goes_on_where_it_was_cut_and_a_turn_does_not_end_with_a_pause() -> None:
    tape = CutTape("a", [utterance("a1", (1.0, 2.0), (2.2, 4.0))], 0)
    parts = [tape.play(0, 0.4, 0.25), tape.play(5, 5.8, 0.25), tape.play(9, 10, 0.25)]
    shown = [[(round(p.at, 3), round(p.start, 3), round(p.end, 3)) for p in part] for part in parts]
    # Of the 0.2 s that are left of the second turn, the pause of 0.2 s would leave nothing.
    assert shown == [[(0, 1.0, 1.4)], [(5, 1.4, 2.0), (5.6, 2.2, 2.4)], [(9, 2.4, 3.4)]]


def test_a_stretch_is_what_was_said_there_joined_over_short_gaps() -> None:
    """Of 20 s, of which the whole is drawn: two turns of a are one, and the shortest of all is left out."""
    turns = sequence((0, 4, "a"), (4.2, 9, "a"), (8, 14, "b"), (14.5, 14.55, "a"), (15, 20, "a"))
    found = draw_stretch({"x-1": turns}, 20.0, 4, Tidying(), np.random.default_rng(0))
    assert (found.recording, found.offset) == ("x-1", 0)
    assert [(t.start, t.end, t.speaker) for t in found.turns] == [(0, 9, "a"), (8, 14, "b"), (15, 20, "a")]


@pytest.mark.parametrize(
    "turns",
    [
        sequence((0, 20, "a")),
        sequence((0, 18, "a"), (19, 19.9, "b"), (19.9, 20, "a")),
        sequence((0, 2, "a"), (18, 20, "b")),
        sequence((0, 8, "a"), (8, 15, "b"), (15, 20, "c")),
        sequence((0, 5, "a"), (5, 9, "b")),
    ],
    ids=["one speaker", "hardly a second one", "mostly silence", "too many speakers", "too short"],
)
def test_what_is_no_conversation_is_no_stretch(turns: list[Turn]) -> None:
    with pytest.raises(MimidiarError, match="in 500 tries no stretch of 20 s with 2 to 2 speakers of 1 s or more each"):
        draw_stretch({"x-1": turns}, 20.0, 2, Tidying(), np.random.default_rng(0))


@given(st.integers(0, 10_000), st.integers(2, 8))
def test_a_crowd_uses_its_budgets_and_nobody_overlaps_himself(seed: int, speakers: int) -> None:
    rng = np.random.default_rng(seed)
    budgets = {f"s{k}": round(float(rng.uniform(3, 20)), 3) for k in range(speakers)}
    starts = np.cumsum(rng.uniform(0, 4, 30))
    turns = sorted(Turn("r", start, start + rng.uniform(0.1, 9), "abc"[rng.integers(3)]) for start in starts)
    made = Crowd(budgets, rng).turns(steps_of(turns, int(rng.integers(30))))
    for name, budget in budgets.items():
        own = sorted(turn for turn in made if turn.speaker == name)
        assert sum(turn.duration for turn in own) == pytest.approx(budget, abs=0.002 * len(own))
        assert all(b.start >= a.end for a, b in pairwise(own))
    lengths = {round(turn.duration, 3) for turn in turns}
    last = {name: max(turn for turn in made if turn.speaker == name) for name in budgets}
    assert all(min(abs(t.duration - length) for length in lengths) < 0.002 for t in made if t not in last.values())


def test_the_gaps_and_overlaps_of_a_crowd_are_those_of_the_sequence() -> None:
    turns = sequence((0, 4, "a"), (3.5, 5, "b"), (6, 7, "a"), (9, 10, "a"))
    steps = list(islice(steps_of(turns, 0), 6))
    assert [(s.gap, s.length, s.again) for s in steps[:4]] == [
        (0, 4, False),
        (-0.5, 1.5, False),
        (1, 1, False),
        (2, 1, True),
    ]
    assert [(s.gap, s.length) for s in steps[4:]] == [(0, 4), (-0.5, 1.5)]
    made = Crowd(dict.fromkeys("wxyz", 20.0), np.random.default_rng(1)).turns(steps_of(turns, 0))
    assert [(t.start, t.end) for t in made[:4]] == [(0.5, 4.5), (4.0, 5.5), (6.5, 7.5), (9.5, 10.5)]
    assert made[2].speaker == made[3].speaker and made[0].speaker != made[1].speaker


def test_too_few_speakers_of_a_sex_are_refused_with_the_numbers() -> None:
    source = {n: [utterance(n, (0, 9), sex=sex)] for n, sex in zip("abcde", ["f", "f", "m", "m", ""], strict=True)}
    source |= {"g": [utterance("g", (0, 2), sex="m")]}
    pools, rng = pools_by_sex(source, 5.0), np.random.default_rng(0)
    assert set(cast_alike(pools, 2, "q", rng)) in ({"a", "b"}, {"c", "d"})
    assert set(cast_mixed(pools, 4, "q", rng)) == set("abcd")
    with pytest.raises(
        MimidiarError, match=r"q: needs 3 speakers of one sex and one corpus .* the largest number is 2"
    ):
        cast_alike(pools, 3, "q", rng)
    with pytest.raises(MimidiarError, match="q: needs 5 speakers of one corpus and of both sexes"):
        cast_mixed(pools, 5, "q", rng)
