"""Recordings that the two sides call by other names, or that only one has; and speakers who keep their names."""

import csv
import json

import pytest
from click.testing import CliRunner

from mimidiar.annotation.turns import Turn
from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.report.make_record import Place, make_record
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.recordings import Matching, match_hypothesis, near_ids


def rttm(*turns: tuple) -> str:
    """RTTM lines of (recording, start, duration, speaker[, channel])."""
    lines = (f"SPEAKER {name} {' '.join(channel) or 1} {start} {length} <NA> <NA> {speaker} <NA> <NA>\n"
             for name, start, length, speaker, *channel in turns)  # fmt: skip
    return "".join(lines)


@pytest.fixture
def score(tmp_path):
    """score(REF text, HYP text, *options) -> (score.json, what was printed to stdout, and to stderr)."""

    def run(ref: str, hyp: str, *options: str) -> tuple[dict, str, str]:
        for name, text in (("ref.rttm", ref), ("hyp.rttm", hyp)):
            (tmp_path / name).write_text(text)
        paths = [str(tmp_path / name) for name in ("ref.rttm", "hyp.rttm")]
        done = CliRunner().invoke(cli, ["score", *paths, *options, "-o", str(tmp_path / "out")])
        if done.exception:
            raise done.exception
        return json.loads((tmp_path / "out" / "score.json").read_text()), done.stdout, done.stderr

    return run


REF = rttm(("a", 0, 6, "x"), ("a", 6, 4, "y"))


# Ids


@pytest.mark.parametrize(
    ("hypothesis", "reference", "near"),
    [
        (["0513.rttm"], ["0513", "0514"], {"0513.rttm": ["0513"]}),
        (["0513.wav"], ["0513.rttm"], {"0513.wav": ["0513.rttm"]}),
        (["0513"], ["0513.wav"], {"0513": ["0513.wav"]}),
        (["ES2004a.Mix-Headset"], ["ES2004a"], {"ES2004a.Mix-Headset": ["ES2004a"]}),
        (["a_b.rttm"], ["a", "a_b"], {"a_b.rttm": ["a_b"]}),  # an extension goes before a suffix
        (["a_b_c"], ["a", "a_b"], {"a_b_c": ["a", "a_b"]}),
        (["0513"], ["05131", "051"], {}),
        (["m.2"], ["m.3"], {}),
        (["b"], ["a"], {}),
        (["es2004a"], ["ES2004a", "ES2004b"], {"es2004a": ["ES2004a"]}),
        (["path/to/ES2004a.wav"], ["ES2004a"], {"path/to/ES2004a.wav": ["ES2004a"]}),
        (["C:\\wav\\a"], ["a"], {"C:\\wav\\a": ["a"]}),
        (["a"], ["dev/a", "b"], {"a": ["dev/a"]}),
        (["wav/es2004a.Mix-Headset.wav"], ["ES2004a"], {"wav/es2004a.Mix-Headset.wav": ["ES2004a"]}),
        (["A.wav"], ["A", "a"], {"A.wav": ["A"]}),  # what agrees in case goes first
        (["x/a"], ["a", "A"], {"x/a": ["A", "a"]}),
    ],
)
def test_ids_that_differ_by_an_extension_or_a_suffix(hypothesis, reference, near):
    assert near_ids(hypothesis, reference) == near


@pytest.mark.parametrize("options", [(), ("--intersect",)])
def test_the_error_proposes_the_pair_and_no_wrong_figure(score, options):
    with pytest.raises(MimidiarError) as caught:
        score(REF, REF.replace(" a ", " a.rttm "), *options)
    said = str(caught.value)
    assert "recording 'a.rttm', in neither reference nor UEM" in said and "--map-ids" in said
    assert "'a.rttm' is probably 'a' of the reference" in said
    assert "--intersect" not in said and "false alarm" not in said


def test_mapped_ids_score_as_the_same_and_are_named(score):
    document, _, said = score(REF, REF.replace(" a ", " a.rttm "), "--map-ids")
    assert (document["der"], document["miss"]) == (0, 0)
    assert "warning: 1 recording of the hypothesis taken by another name: 'a.rttm' as 'a'" in said
    plain, _, said = score(REF, REF, "--map-ids")
    assert (plain["der"], said) == (0, "")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "says"),
    [
        (["a", "a_b"], ["a_b_c"], "'a_b_c' of the hypothesis could be any of 'a', 'a_b'"),
        (["a"], ["a.wav", "a.rttm"], "'a.rttm' and 'a.wav' of the hypothesis could both be 'a'"),
        (["a"], ["a", "a.rttm"], "'a' and 'a.rttm' of the hypothesis could both be 'a'"),
        (["a"], ["a", "A"], "'a' and 'A' of the hypothesis could both be 'a'"),
        (["a"], ["x/a", "y/a"], "'x/a' and 'y/a' of the hypothesis could both be 'a'"),
        (["x/a", "y/a"], ["a"], "'a' of the hypothesis could be any of 'x/a', 'y/a'"),
    ],
)
def test_ambiguous_maps_are_refused(reference, hypothesis, says):
    turns = [{name: [Turn(name, 0, 1, "x")] for name in names} for names in (reference, hypothesis)]
    with pytest.raises(MimidiarError, match="--map-ids") as caught:
        match_hypothesis(*turns, None, Matching(map_ids=True))
    assert says in str(caught.value)


def test_what_only_the_hypothesis_has_is_left_out_named_and_counted(score):
    dev = rttm(*((f"dev{index}", 0, 9, "h") for index in range(2)))
    with pytest.raises(MimidiarError, match=r"2 recordings \('dev0', 'dev1'\), in neither .*--intersect"):
        score(REF, REF + dev)
    document, _, said = score(REF, REF + dev, "--intersect")
    assert (document["der"], document["n_recordings"]) == (0, 1)
    assert "warning: 2 recordings of the hypothesis alone left out: 'dev0', 'dev1'" in said
    document, _, said = score(REF + rttm(("b", 0, 10, "x")), REF + dev, "--intersect")  # all missed, as ever
    assert document["miss"] == 50 and "no hypothesis for recording 'b'" in said


@pytest.mark.parametrize("name", ["A", "wav/a.wav"])
def test_ids_of_another_case_or_with_a_folder_are_proposed_and_mapped(score, name):
    with pytest.raises(MimidiarError, match=f"'{name}' is probably 'a' of the reference: .*--map-ids") as caught:
        score(REF, REF.replace(" a ", f" {name} "))
    assert "--intersect" not in str(caught.value)
    document, _, said = score(REF, REF.replace(" a ", f" {name} "), "--map-ids")
    assert document["der"] == 0 and f"taken by another name: '{name}' as 'a'" in said


def test_intersect_is_no_advice_while_the_reference_lacks_as_many(score):
    two = REF + rttm(("b", 0, 10, "x"))
    with pytest.raises(MimidiarError, match=r"recording 'b' of the reference has no hypothesis; .* same") as caught:
        score(two, REF + rttm(("meeting", 0, 10, "x")))
    assert "--intersect" not in str(caught.value)
    with pytest.raises(MimidiarError, match="--intersect"):
        score(two, REF + rttm(("dev0", 0, 10, "x"), ("dev1", 0, 10, "x")))


def test_nothing_in_common_is_no_score(score):
    with pytest.raises(MimidiarError, match=r"reference and hypothesis \(recording 'c'\) have no recording in common"):
        score(REF, rttm(("c", 0, 1, "h")), "--intersect")


# Names and channels


def test_speakers_who_keep_their_names_are_an_identification_error_rate(score, tmp_path):
    swapped = rttm(("a", 0, 6, "y"), ("a", 6, 2, "x"), ("a", 8, 2, "y"))
    assert score(REF, swapped)[0]["der"] == 20  # mapped: only the last two seconds are wrong
    document, said, _ = score(REF, swapped, "--keep-names")
    assert (document["kind"], document["ier"], document["confusion"]) == ("identification", 80, 80)
    assert not {"der", "jer"} & set(document) and "keep_names" not in document["protocol"]
    assert document["protocol"]["conventions"] == SCORE_KINDS["identification"].conventions
    assert "IER (no DER)" in said and "Speakers are NOT mapped" in said and "  DER" not in said and "JER" not in said
    (row,) = csv.DictReader((tmp_path / "out" / "per_recording.csv").open())
    assert float(row["ier"]) == 80 and "der" not in row and "jer" not in row
    record = make_record(tmp_path / "out", "identification", Place("mine", "test"))
    assert record.metrics["ier"] == 80 and not record.recordings


def test_right_names_are_no_error_and_other_names_are_said(score):
    assert score(REF, REF, "--keep-names")[0]["ier"] == 0
    document, _, said = score(REF, rttm(("a", 0, 10, "h")), "--keep-names")
    assert document["ier"] == 100 and "no speaker of the hypothesis has a name of the reference's" in said


def test_names_in_no_reference_are_said_once_with_their_pairs(score):
    hypothesis = rttm(("a", 0, 6, "x"), ("a", 6, 2, "Y"), ("a", 8, 2, "zed"))
    document, _, said = score(REF, hypothesis, "--keep-names")
    warning = (
        "2 speakers of the hypothesis in no reference, so never right: 'Y' (the reference has 'y'; case counts), 'zed'"
    )
    assert document["warnings"] == [warning] and said.count("warning") == 1
    assert score(REF, hypothesis)[0]["warnings"] == []


def test_pyannote_finds_the_same_identification_error_rate(score):
    from pyannote.core import Annotation, Segment
    from pyannote.metrics.identification import IdentificationErrorRate

    turns = [[(0, 6, "x"), (6, 10, "y"), (4, 8, "z")], [(0, 5, "x"), (5, 9, "z"), (9, 12, "y")]]
    sides = []
    for own in turns:
        sides.append(Annotation())
        for track, (start, end, name) in enumerate(own):
            sides[-1][Segment(start, end), track] = name
    lines = [rttm(*(("a", start, end - start, name) for start, end, name in own)) for own in turns]
    expected = IdentificationErrorRate()(*sides, uem=Segment(0, 12))
    assert score(*lines, "--keep-names")[0]["ier"] == pytest.approx(100 * expected)


def test_several_channels_are_a_warning_that_names_md_eval(score):
    two = rttm(("a", 0, 5, "x", "1"), ("a", 3, 5, "x", "2"))
    document, _, said = score(two, rttm(("a", 0, 8, "h")))
    assert document["der"] == 0
    assert "ref.rttm: turns of 2 channels (1, 2), taken as those of one: the channel is ignored, while md-eval" in said
    assert len(document["warnings"]) == 1


def test_turns_without_a_speaker_are_passed_over_with_a_warning(score):
    document, _, said = score(REF + rttm(("a", 20, 5, "<NA>")), REF)
    assert (document["der"], document["seconds"]["reference"]) == (0, 10)
    assert "ref.rttm: 1 turn without a speaker passed over, the first in line 3" in said
    with pytest.raises(MimidiarError, match=r"hyp\.rttm: none of 1 turn names a speaker.*--unnamed NAME"):
        score(REF, rttm(("a", 0, 5, "<NA>")))
