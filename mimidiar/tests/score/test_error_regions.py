"""Where the errors lie: their seconds are those of the score, and small cases are told apart by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.annotation.turns import Turn, merge_overlaps
from mimidiar.score.diarization import Protocol, score_recording
from mimidiar.score.error_regions import CONFUSION, CORRECT, FALSE_ALARM, MISSED, UNSCORED, JudgedTurn, find_errors

TIMES = st.integers(0, 60).map(lambda n: n * 0.05)


@st.composite
def turns(draw, prefix: str) -> list[Turn]:
    """Up to eight turns of up to three speakers, overlapping in any way."""
    made = []
    for _ in range(draw(st.integers(0, 8))):
        start, end = sorted((draw(TIMES), draw(TIMES)))
        made.append(Turn("r", start, end + 0.05, f"{prefix}{draw(st.integers(0, 2))}"))
    return made


PROTOCOLS = [Protocol(collar, skip) for collar in (0.0, 0.1) for skip in (False, True)]


@settings(max_examples=60, deadline=None)
@given(turns("a"), turns("x"), st.sampled_from(PROTOCOLS), st.sampled_from([[(0.0, 4.0)], [(0.3, 1.0), (1.4, 2.2)]]))
def test_seconds_equal_the_score(reference, hypothesis, protocol, regions):
    score = score_recording("r", reference, hypothesis, regions, protocol)
    found = find_errors("r", reference, hypothesis, regions, protocol)
    seconds = [found.reference_sec, *(found.error_sec(kind) for kind in (MISSED, FALSE_ALARM, CONFUSION))]
    expected = [score.reference_sec, score.missed_sec, score.false_alarm_sec, score.confusion_sec]
    assert seconds == pytest.approx(expected, abs=1e-5)
    confused = [piece for piece in found.hypothesis if piece.kind == CONFUSION]
    assert sum(p.end - p.start for p in confused) == pytest.approx(score.confusion_sec, abs=1e-5)
    for side, given_turns in ((found.reference, reference), (found.hypothesis, hypothesis)):
        spoken = sum(turn.duration for turn in merge_overlaps(given_turns))
        assert sum(piece.end - piece.start for piece in side) == pytest.approx(spoken, abs=1e-5)


def test_each_kind_where_it_is():
    """a speaks 0-4 and b 4-6; x is a but starts at 1, takes the first second of b, and goes on after the end."""
    reference = [Turn("r", 0, 4, "a"), Turn("r", 4, 6, "b")]
    hypothesis = [Turn("r", 1, 5, "x"), Turn("r", 7, 8, "x")]
    found = find_errors("r", reference, hypothesis, [(0, 7.5)])
    assert found.partner == {"x": "a"}
    assert found.reference == (
        JudgedTurn(0, 1, "a", MISSED),
        JudgedTurn(1, 4, "a", CORRECT),
        JudgedTurn(4, 5, "b", CONFUSION),
        JudgedTurn(5, 6, "b", MISSED),
    )
    assert found.hypothesis == (
        JudgedTurn(1, 4, "x", CORRECT),
        JudgedTurn(4, 5, "x", CONFUSION),
        JudgedTurn(7, 7.5, "x", FALSE_ALARM),
        JudgedTurn(7.5, 8, "x", UNSCORED),
    )


def test_nothing_scored_is_no_error():
    found = find_errors("r", [Turn("r", 0, 1, "a")], [], [])
    assert found.reference == (JudgedTurn(0, 1, "a", UNSCORED),)
    assert found.reference_sec == 0
