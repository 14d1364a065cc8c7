"""The diarization scorer against brute force, against itself under renaming, and at its edges."""

import random
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.annotation.turns import Turn, merge_overlaps
from mimidiar.errors import MimidiarError
from mimidiar.score.diarization import OWN_EXTENT, UEM_EXTENT, Protocol, score_diarization, score_recording
from mimidiar.score.ratios import by_speakers, figures, intervals
from mimidiar.tests.score.brute_force import (
    COLLAR_FRAMES,
    FRAME_SEC,
    frame_detection,
    frame_jaccard_error,
    frame_score,
)

FRAMES = 60
WHOLE = [(0.0, FRAMES * FRAME_SEC)]
PROTOCOLS = [(collar, skip) for collar in (False, True) for skip in (False, True)]


@st.composite
def turns_on_grid(draw, prefix: str, speakers: int, min_turns: int = 0) -> list[Turn]:
    """Turns of recording `a` with borders on the frames of the brute-force scorer, overlapping in all ways."""
    spans = st.tuples(st.integers(0, FRAMES - 1), st.integers(1, 20), st.integers(0, speakers - 1))
    made = draw(st.lists(spans, min_size=min_turns, max_size=7))
    times = [(start * FRAME_SEC, min(FRAMES, start + frames) * FRAME_SEC, who) for start, frames, who in made]
    return [Turn("a", round(start, 6), round(end, 6), f"{prefix}{who}") for start, end, who in times]


REFERENCE, HYPOTHESIS = turns_on_grid("ref", 3, min_turns=1), turns_on_grid("hyp", 4)


def error_times(total) -> tuple[float, ...]:
    return total.reference_sec, total.missed_sec, total.false_alarm_sec, total.confusion_sec


@pytest.mark.parametrize(("collar", "skip_overlap"), PROTOCOLS)
@settings(max_examples=60, deadline=None)
@given(reference=REFERENCE, hypothesis=HYPOTHESIS)
def test_equals_brute_force_on_frames(reference, hypothesis, collar, skip_overlap):
    protocol = Protocol(collar=COLLAR_FRAMES * FRAME_SEC if collar else 0.0, skip_overlap=skip_overlap)
    found = score_recording("a", reference, hypothesis, WHOLE, protocol)
    expected = frame_score(reference, hypothesis, FRAMES, collar, skip_overlap)
    assert error_times(found) == pytest.approx(tuple(expected.values()), abs=1e-6)
    detected = frame_detection(reference, hypothesis, FRAMES, collar, skip_overlap)
    assert {name: getattr(found, name) for name in detected} == pytest.approx(detected, abs=1e-6)
    assert found.jaccard_error == pytest.approx(frame_jaccard_error(reference, hypothesis, FRAMES), abs=1e-6)
    assert found.reference_speakers == len({turn.speaker for turn in reference})


@pytest.mark.parametrize("seed", range(3))
def test_pieces_add_up_to_one_call_of_pyannote(seed):
    """Long enough for many pieces, and off any grid; the collar is pyannote's own here."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

    rng, turns = random.Random(seed), {}
    for side in ("reference", "hypothesis"):
        starts = [rng.uniform(0, 400) for _ in range(150)]
        turns[side] = [Turn("a", t, t + rng.uniform(0.1, 9), f"{side}{rng.randrange(5)}") for t in starts]
    protocol = Protocol(0.2 * seed, skip_overlap=seed == 1)
    found = score_recording("a", *turns.values(), [(3.3, 200.1), (210.7, 390.9)], protocol)
    annotations = [Annotation() for _ in turns]
    for annotation, side in zip(annotations, turns.values(), strict=True):
        for track, turn in enumerate(merge_overlaps(side)):
            annotation[Segment(turn.start, turn.end), track] = turn.speaker
    uem = Timeline([Segment(3.3, 200.1), Segment(210.7, 390.9)])
    der = DiarizationErrorRate(collar=2 * protocol.collar, skip_overlap=protocol.skip_overlap)
    one = der.compute_components(*annotations, uem=uem)
    names = ("total", "missed detection", "false alarm", "confusion")
    assert error_times(found) == pytest.approx([one[name] for name in names], abs=1e-4)
    jer = JaccardErrorRate().compute_components(*annotations, uem=uem)
    assert found.jaccard_error == pytest.approx(jer["speaker error"], abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(REFERENCE, HYPOTHESIS, st.randoms(use_true_random=False), st.sampled_from(PROTOCOLS))
def test_names_and_order_do_not_matter(reference, hypothesis, rng, options):
    protocol = Protocol(0.25 * options[0], skip_overlap=options[1])
    before = score_recording("a", reference, hypothesis, WHOLE, protocol)
    sides = []
    for turns in (reference, hypothesis):
        names = sorted({turn.speaker for turn in turns})
        renamed = dict(zip(names, rng.sample([f"x{i}" for i in range(9)], len(names)), strict=True))
        other = [Turn("a", turn.start, turn.end, renamed[turn.speaker]) for turn in turns]
        rng.shuffle(other)
        sides.append(other)
    after = score_recording("a", *sides, WHOLE, protocol)
    assert asdict(after) == pytest.approx(asdict(before), abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(REFERENCE, st.sampled_from(PROTOCOLS))
def test_identical_input_has_no_error(reference, options):
    same = score_recording("a", reference, list(reference), WHOLE, Protocol(0.25 * options[0], options[1]))
    assert same.error_sec == pytest.approx(0, abs=1e-9)
    assert (same.jer, same.missed_speech_sec, same.false_alarm_speech_sec) == pytest.approx((0, 0, 0), abs=1e-7)
    assert same.reference_speakers == same.hypothesis_speakers
    assert same.common_overlap_sec == same.overlap_sec == same.hypothesis_overlap_sec


@settings(max_examples=40, deadline=None)
@given(REFERENCE, HYPOTHESIS)
def test_parts_sum_to_the_whole(reference, hypothesis):
    found = score_recording("a", reference, hypothesis, WHOLE, Protocol())
    spoken, said = (sum(turn.duration for turn in merge_overlaps(turns)) for turns in (reference, hypothesis))
    assert found.reference_sec == pytest.approx(spoken)
    # What is there and not missed is what is said and no false alarm.
    assert spoken - found.missed_sec == pytest.approx(said - found.false_alarm_sec)
    of = figures([found])
    assert of["miss"] + of["false_alarm"] + of["confusion"] == pytest.approx(of["der"])
    cut = [score_recording("a", reference, hypothesis, [region], Protocol()) for region in ((0.0, 1.3), (1.3, 3.0))]
    for name in ("reference_sec", "missed_sec", "false_alarm_sec", "speech_sec", "overlap_sec", "scored_sec"):
        assert sum(getattr(part, name) for part in cut) == pytest.approx(getattr(found, name)), name


def test_ties_of_the_jaccard_error_do_not_depend_on_names():
    """Both pairings have 2 s in common: 1/3 and 1/8 of the time that either speaks, or 1/7 and 1/4."""
    reference = [Turn("a", 0, 2, "x"), Turn("a", 2, 5, "y")]
    for one, two in (("h1", "h2"), ("h2", "h1")):
        hypothesis = [Turn("a", 0, 1, one), Turn("a", 1, 3, two), Turn("a", 3, 4, one), Turn("a", 5, 9, two)]
        found = score_recording("a", reference, hypothesis, [(0, 9)], Protocol())
        assert found.jaccard_error == pytest.approx((1 - 1 / 3) + (1 - 1 / 8))


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


def test_figures_without_a_denominator_are_none():
    score = score_diarization({"a": [Turn("a", 0, 4, "x")]}, {"a": [Turn("a", 1, 5, "h")]})
    found = figures(score.recordings)
    assert found["overlap_precision"] is found["overlap_recall"] is found["overlap_f1"] is None
    assert (found["vad_miss"], found["vad_false_alarm"]) == (25, 25)
    assert intervals(score.recordings) == {}


def test_overlap_and_counts_by_hand():
    reference = {"a": [Turn("a", 0, 6, "x"), Turn("a", 4, 8, "y")], "b": [Turn("b", 0, 5, "x")]}
    hypothesis = {"a": [Turn("a", 0, 8, "h"), Turn("a", 5, 8, "k"), Turn("a", 7, 8, "m")], "b": [Turn("b", 0, 5, "h")]}
    score = score_diarization(reference, hypothesis)
    found = figures(score.recordings)
    assert (found["overlap_precision"], found["overlap_recall"]) == pytest.approx((100 / 3, 50))
    assert found["overlap_f1"] == pytest.approx(40)
    assert (found["speaker_count_accuracy"], found["speaker_count_error"], found["speaker_count_bias"]) == (
        50,
        0.5,
        0.5,
    )
    assert {number: [r.recording for r in group] for number, group in by_speakers(score.recordings).items()} == {
        1: ["b"],
        2: ["a"],
    }
    assert intervals(score.recordings)["speaker_count_bias"] == {"low": 0, "high": 1, "level": 0.95}


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        ([Turn("a", i, i + 1, "x") for i in range(100_001)], "reference, recording 'a': 100001 turns"),
        ([Turn("a", i, i + 1, f"s{i}") for i in range(1001)], "1001 speakers, and up to 1000 "),
        ([Turn("a", i, 100, f"s{i}") for i in range(51)], "51 speakers at once"),
    ],
)
def test_what_would_take_hours_is_refused(turns, says):
    with pytest.raises(MimidiarError, match=says):
        score_diarization({"a": turns}, {"a": []})
