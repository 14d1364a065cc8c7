"""The diarization scorer against brute force, against itself under renaming, and at its edges."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.annotation.turns import Turn, merge_overlaps
from mimidiar.errors import MimidiarError
from mimidiar.score.diarization import OWN_EXTENT, UEM_EXTENT, Protocol, score_diarization
from mimidiar.tests.score.brute_force import COLLAR_FRAMES, FRAME_SEC, frame_score, random_turns

FRAMES = 60
WHOLE = [(0.0, FRAMES * FRAME_SEC)]
PROTOCOLS = [(collar, skip) for collar in (False, True) for skip in (False, True)]


def random_pair(seed: int, recording: str = "a") -> tuple[list[Turn], list[Turn]]:
    rng = random.Random(seed)
    reference = random_turns(rng, recording, "ref", rng.randint(1, 3), rng.randint(1, 7), FRAMES)
    return reference, random_turns(rng, recording, "hyp", rng.randint(1, 3), rng.randint(0, 7), FRAMES)


def error_times(score) -> tuple[float, ...]:
    total = score.total
    return total.reference_sec, total.missed_sec, total.false_alarm_sec, total.confusion_sec


@pytest.mark.parametrize(("collar", "skip_overlap"), PROTOCOLS)
@pytest.mark.parametrize("seed", range(25))
def test_equals_brute_force_on_frames(seed, collar, skip_overlap):
    reference, hypothesis = random_pair(seed)
    expected = frame_score(reference, hypothesis, FRAMES, collar, skip_overlap)
    protocol = Protocol(collar=COLLAR_FRAMES * FRAME_SEC if collar else 0.0, skip_overlap=skip_overlap)
    if expected["reference"] == 0:
        with pytest.raises(MimidiarError, match="no speech in what is scored"):
            score_diarization({"a": reference}, {"a": hypothesis}, {"a": WHOLE}, protocol)
        return
    score = score_diarization({"a": reference}, {"a": hypothesis}, {"a": WHOLE}, protocol)
    assert error_times(score) == pytest.approx(tuple(expected.values()), abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.randoms())
def test_names_and_order_do_not_matter(seed, rng):
    reference, hypothesis = random_pair(seed)
    before = score_diarization({"a": reference}, {"a": hypothesis}, {"a": WHOLE})
    names = sorted({turn.speaker for turn in hypothesis})
    renamed = dict(zip(names, rng.sample([f"x{i}" for i in range(9)], len(names)), strict=True))
    other = [Turn("a", turn.start, turn.end, renamed[turn.speaker]) for turn in hypothesis]
    rng.shuffle(other)
    rng.shuffle(reference)
    after = score_diarization({"a": reference}, {"a": other}, {"a": WHOLE})
    assert error_times(after) == pytest.approx(error_times(before))
    assert after.total.jaccard_error == pytest.approx(before.total.jaccard_error)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_identical_input_has_no_error_and_parts_sum_to_the_whole(seed):
    reference, hypothesis = random_pair(seed)
    same = score_diarization({"a": reference}, {"a": list(reference)})
    assert same.der == 0
    assert same.total.jer == 0
    assert same.total.reference_speakers == same.total.hypothesis_speakers
    total = score_diarization({"a": reference}, {"a": hypothesis}).total
    assert total.missed_sec + total.false_alarm_sec + total.confusion_sec == pytest.approx(total.error_sec)
    spoken = sum(turn.duration for turn in merge_overlaps(reference))
    assert total.reference_sec == pytest.approx(spoken)


def test_total_is_a_ratio_of_sums_and_not_a_mean():
    reference = {"a": [Turn("a", 0, 10, "x")], "b": [Turn("b", 0, 90, "x")]}
    hypothesis = {"a": [], "b": reference["b"]}
    score = score_diarization(reference, hypothesis)
    assert [r.der for r in score.recordings] == [100, 0]
    assert score.der == pytest.approx(10)
    assert score.extent == OWN_EXTENT


def test_collar_is_a_half_width():
    """A hypothesis that starts 0.25 s late is right under a collar of 0.25, and 0.15 s wrong under 0.10."""
    reference, hypothesis = {"a": [Turn("a", 1, 5, "x")]}, {"a": [Turn("a", 1.25, 5, "h")]}
    assert score_diarization(reference, hypothesis, protocol=Protocol(collar=0.25)).der == pytest.approx(0)
    narrow = score_diarization(reference, hypothesis, protocol=Protocol(collar=0.10)).total
    assert narrow.missed_sec == pytest.approx(0.15)
    assert narrow.reference_sec == pytest.approx(3.8)


def test_without_hypothesis_everything_is_missed_and_said_so():
    score = score_diarization({"a": [Turn("a", 0, 4, "x")], "b": [Turn("b", 0, 4, "x")]}, {"a": []})
    assert (score.total.missed_sec, score.der) == (8, 100)
    assert "'b'" in score.warnings[0]


def test_hypothesis_of_an_unknown_recording_is_refused():
    with pytest.raises(MimidiarError, match="'zz'"):
        score_diarization({"a": [Turn("a", 0, 4, "x")]}, {"a": [], "zz": [Turn("zz", 0, 1, "h")]})


def test_silent_recording_of_the_uem_counts_as_false_alarm():
    reference, hypothesis = {"a": [Turn("a", 0, 4, "x")]}, {"a": [Turn("a", 0, 4, "h")], "s": [Turn("s", 0, 9, "h")]}
    score = score_diarization(reference, hypothesis, {"a": [(0, 4)], "s": [(0, 2)]})
    silent = score.recordings[1]
    assert (silent.der, silent.false_alarm_sec, silent.jer) == (None, 2, None)
    assert score.der == pytest.approx(50)
    assert score.extent == UEM_EXTENT
    assert any("'s'" in warning for warning in score.warnings)


def test_uem_decides_what_counts():
    reference = {"a": [Turn("a", 0, 10, "x"), Turn("a", 10, 20, "y")], "b": [Turn("b", 0, 5, "x")]}
    score = score_diarization(reference, {}, {"a": [(2, 4), (3, 6)]})
    assert [r.recording for r in score.recordings] == ["a"]
    assert score.total.reference_sec == pytest.approx(4)
    assert score.total.reference_speakers == 1
    assert any("not in the UEM" in warning for warning in score.warnings)


def test_uem_of_other_recordings_is_refused():
    with pytest.raises(MimidiarError, match="no recording in common"):
        score_diarization({"a": [Turn("a", 0, 4, "x")]}, {}, {"other": [(0, 4)]})


def test_false_alarm_outside_the_reference_is_seen_without_a_uem():
    score = score_diarization({"a": [Turn("a", 5, 9, "x")]}, {"a": [Turn("a", 1, 9, "h")]})
    assert score.total.false_alarm_sec == pytest.approx(4)


def test_a_speaker_who_overlaps_with_himself_counts_once():
    reference = {"a": [Turn("a", 0, 6, "x"), Turn("a", 4, 8, "x")]}
    assert score_diarization(reference, {"a": [Turn("a", 0, 8, "h")]}).total.reference_sec == pytest.approx(8)


@pytest.mark.parametrize("collar", [-0.1, float("nan"), float("inf")])
def test_collar_that_makes_no_sense(collar):
    with pytest.raises(MimidiarError, match="collar"):
        Protocol(collar=collar)


def test_collar_that_swallows_everything():
    with pytest.raises(MimidiarError, match="no speech in what is scored"):
        score_diarization({"a": [Turn("a", 0, 4, "x")]}, {}, protocol=Protocol(collar=3))
