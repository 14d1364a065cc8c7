"""lhotse supervisions without lhotse: what is read, refused, and that lhotse and we read each other's files."""

import gzip
import json

import pytest

from mimidiar.annotation.reading import Reading
from mimidiar.annotation.supervisions import read_supervisions, write_supervisions
from mimidiar.annotation.transcript import Said, Word
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError

GOOD = {"id": "1", "recording_id": "a", "start": 0.5, "duration": 1.25, "channel": 0, "speaker": "anna"}


def written(folder, *segments, name: str = "supervisions.jsonl"):
    path = folder / name
    lines = "".join((segment if isinstance(segment, str) else json.dumps(segment)) + "\n" for segment in segments)
    path.write_bytes(gzip.compress(lines.encode()) if name.endswith(".gz") else lines.encode())
    return path


def test_turns_are_sorted_and_overlapping_ones_of_a_speaker_merged(tmp_path):
    path = written(
        tmp_path,
        GOOD | {"recording_id": "b", "start": 3},
        "",
        GOOD | {"start": 1.0, "duration": 2},
        GOOD | {"channel": [0, 1]},
        GOOD | {"speaker": "bo"},
    )
    assert read_supervisions(path) == {
        "a": [Turn("a", 0.5, 1.75, "bo"), Turn("a", 0.5, 3.0, "anna")],
        "b": [Turn("b", 3.0, 4.25, "anna")],
    }


def test_a_folder_is_its_packed_file(tmp_path):
    with pytest.raises(MimidiarError, match=r"no supervisions\.jsonl\.gz in this folder"):
        read_supervisions(tmp_path)
    written(tmp_path, GOOD, name="supervisions.jsonl.gz")
    assert read_supervisions(tmp_path) == {"a": [Turn("a", 0.5, 1.75, "anna")]}


def test_turns_that_touch_at_a_sample_of_16_khz_stay_two(tmp_path):
    """40535 samples = 2.5334375 s: in microseconds the first turn would end inside the second."""
    path = written(tmp_path, GOOD | {"start": 0, "duration": 2.5334375}, GOOD | {"start": 2.5334375})
    assert [turn.end for turn in read_supervisions(path)["a"]] == [2.5334375, 3.7834375]


@pytest.mark.parametrize(
    ("segment", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "no supervision"),
        ("[" * 100_000, "not JSON"),
        ('{"id": 1' + "0" * 5000 + "}", "not JSON"),
        ('{"speaker": "\\ud800"}', "not JSON"),
        ({"id": "c", "type": "MonoCut", "start": 0, "supervisions": []}, "this is a cut"),
        ({key: value for key, value in GOOD.items() if key != "speaker"}, "the turn names no speaker"),
        ({key: value for key, value in GOOD.items() if key != "recording_id"}, "no 'recording_id'"),
        ({key: value for key, value in GOOD.items() if key != "start"}, "'start' is missing"),
        (GOOD | {"speaker": ["x"]}, "the speaker is '[\"x\"]', not a name"),
        (GOOD | {"recording_id": ""}, "no 'recording_id'"),
        (GOOD | {"duration": -1}, "'duration' is '-1'"),
        (GOOD | {"start": -0.1}, "'start' is '-0.1'"),
        (GOOD | {"start": "0"}, "'start' is"),
        (GOOD | {"start": True}, "'start' is 'true'"),
        (GOOD | {"start": float("nan")}, "'start' is 'NaN'"),
        (GOOD | {"duration": 1e9}, "'duration' is"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(tmp_path, segment, says):
    path = written(tmp_path, GOOD, "", segment)
    with pytest.raises(MimidiarError) as caught:
        read_supervisions(path)
    assert f"{path}, line 3" in str(caught.value) and says in str(caught.value)
    assert len(str(caught.value)) < 500


def test_turns_of_no_length_are_passed_over_and_noted(tmp_path):
    path, notes = written(tmp_path, GOOD, GOOD | {"duration": 0}, GOOD | {"speaker": "x", "duration": 1e-9}), []
    assert [turn.speaker for turn in read_supervisions(path, Reading({}, notes))["a"]] == [GOOD["speaker"]]
    assert notes == [f"{path}: 2 turns of no length passed over, the first in line 2"]


def test_a_line_without_end_and_a_cut_off_gzip_file(tmp_path):
    with pytest.raises(MimidiarError, match="line 1: over 1048576 bytes"):
        read_supervisions(written(tmp_path, " " * (1 << 21)))
    path = written(tmp_path, *[GOOD] * 100, name="x.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MimidiarError, match=r"x\.jsonl\.gz, after line \d+: damaged gzip"):
        read_supervisions(path)
    with pytest.raises(MimidiarError, match="no such file"):
        read_supervisions(tmp_path / "none.jsonl")


def test_text_and_words_are_kept_beside_the_turns(tmp_path):
    aligned = GOOD | {
        "text": "Good day.",
        "alignment": {"word": [["DAY", 1, 0.5, 0.9], ["", 0.9, 0.1], ["GOOD", 0.5, 0.4]]},
    }
    only_aligned = GOOD | {"recording_id": "b", "alignment": {"word": [["yes", 0.5, 0.25]]}}
    transcript = {}
    turns = read_supervisions(written(tmp_path, aligned, aligned | {"id": "2"}, only_aligned), Reading(transcript))
    assert transcript == {
        turns["a"][0]: Said("Good day.", (Word(0.5, 0.9, "GOOD"), Word(1.0, 1.5, "DAY"))),
        turns["b"][0]: Said("yes", (Word(0.5, 0.75, "yes"),)),
    }
    write_supervisions(tmp_path / "again.jsonl", turns, transcript)
    again = {}
    assert read_supervisions(tmp_path / "again.jsonl", Reading(again)) == turns
    assert again == transcript
    with pytest.raises(MimidiarError, match=r"line 1: 'alignment.word' is '0.5', not a list of words"):
        read_supervisions(written(tmp_path, GOOD | {"alignment": {"word": 0.5}}), Reading({}))
    with pytest.raises(MimidiarError, match=r"line 1: .*no aligned word"):
        read_supervisions(written(tmp_path, GOOD | {"alignment": {"word": ["yes"]}}), Reading({}))


def test_lhotse_reads_what_is_written_and_the_other_way_round(tmp_path):
    from lhotse import SupervisionSegment, SupervisionSet

    turns = {
        "a": [Turn("a", 0.1, 0.3, "anna"), Turn("a", 0.3, 2.5334375, "Bo Ek")],
        "ö": [Turn("ö", 5.0, 5.001, "x")],
    }
    transcript = {turns["a"][0]: Said("Yes.", (Word(0.1, 0.3, "yes"),))}
    path = tmp_path / "supervisions.jsonl.gz"
    write_supervisions(path, turns, transcript)
    first_bytes = path.read_bytes()
    segments = SupervisionSet.from_file(path)
    found = [Turn(s.recording_id, s.start, s.end, s.speaker) for s in segments]
    assert sorted(found) == sorted(turn for recording in turns.values() for turn in recording)
    assert [word.symbol for s in segments for word in (s.alignment or {}).get("word", [])] == ["yes"]
    SupervisionSet.from_segments(SupervisionSegment(**s.to_dict()) for s in segments if not s.alignment)

    segments.to_file(tmp_path / "lhotse.jsonl.gz")
    again = {}
    assert read_supervisions(tmp_path / "lhotse.jsonl.gz", Reading(again)) == turns
    assert again == transcript
    write_supervisions(tmp_path, turns, transcript)
    assert path.read_bytes() == first_bytes
