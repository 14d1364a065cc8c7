"""The chain of turns against its stationary distribution, and what it must never do."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimidiar.annotation.turns import Turn
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.simulation.placement import activity_seconds
from mimidiar.studies.unseen_simulator.turn_chain import Tape, TurnChain, draw_placements


def utterance(name: str, *speech: tuple[float, float]) -> SourceUtterance:
    return SourceUtterance(name, name, name[0], "c", f"/{name}.flac", 100.0, speech)


def tapes(count: int, *speech: tuple[float, float]) -> dict[str, Tape]:
    return {name: Tape(name, [utterance(f"{name}1", *speech)], 0) for name in "abcdefgh"[:count]}


def shares(placements, seconds: float) -> list[float]:
    """Of the time with no, one and two speakers."""
    turns = [
        Turn("r", placement.at, min(placement.until, seconds), placement.speaker)
        for placement in placements
        if placement.at < seconds
    ]
    active = activity_seconds(turns)
    return [1 - sum(active.values()) / seconds, *(active.get(n, 0.0) / seconds for n in (1, 2))]


@pytest.mark.parametrize("speakers", [2, 4])
def test_states_are_as_frequent_as_the_stationary_distribution_says(speakers: int) -> None:
    """Of births and deaths: one / nobody = hold / silence, two / one = overlap / alone. Stretches are minute."""
    chain = TurnChain(silence_sec=2, alone_sec=6, hold_sec=4, overlap_sec=3, pause_sec=1e-9)
    seconds = 30_000.0
    found = shares(draw_placements(tapes(speakers, (0, 0.05)), seconds, chain, np.random.default_rng(1)), seconds)
    one = 4 / 2
    two = one * 3 / 6
    assert found == pytest.approx([share / (1 + one + two) for share in (1, one, two)], rel=0.07)


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_nobody_overlaps_himself_and_no_three_talk_at_once(seed: int, speakers: int) -> None:
    random = np.random.default_rng(seed)
    chain = TurnChain(*random.uniform(0.2, 3, 4), again=random.random(), pause_sec=0.3)
    placements = draw_placements(tapes(speakers, (1, 1.5), (2, 5), (5.2, 5.4)), 60.0, chain, random)
    assert max(activity_seconds(Turn("r", p.at, p.until, p.speaker) for p in placements)) <= min(2, speakers)
    for name in {placement.speaker for placement in placements}:
        own = sorted((placement.at, placement.until) for placement in placements if placement.speaker == name)
        assert all(until <= at + 1e-9 for (_, until), (at, _) in pairwise(own))


def test_a_tape_plays_whole_stretches_with_short_pauses_and_begins_again() -> None:
    tape = Tape("a", [utterance("a1", (1.0, 2.0), (2.25, 3.0)), utterance("a2", (0.5, 1.0))], 0)
    first = tape.play(10.0, 11.5, longest_pause=0.4)
    assert [(placement.at, placement.start, placement.until) for placement in first] == [
        (10.0, 1.0, 11.0),
        (11.25, 2.25, 12.0),
    ]
    second = tape.play(20.0, 20.6, longest_pause=0.4)
    assert [(p.utterance.id, p.at) for p in second] == [("a2", 20.0), ("a1", pytest.approx(20.9))]


def test_who_spoke_last_goes_on_as_often_as_asked() -> None:
    """Alone with silence between turns: of 4 speakers the last one begins again in the share `again`."""
    chain = TurnChain(silence_sec=1, alone_sec=1e9, hold_sec=1, overlap_sec=1, again=0.4, pause_sec=1e-9)
    placements = draw_placements(tapes(4, (0, 0.05)), 20_000.0, chain, np.random.default_rng(2))
    starts = [b.speaker == a.speaker for a, b in pairwise(placements) if b.at > a.until + 1e-6]
    assert len(starts) > 5000 and np.mean(starts) == pytest.approx(0.4, abs=0.02)
