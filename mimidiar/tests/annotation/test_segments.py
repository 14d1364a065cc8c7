"""WebVTT, STM and the JSON of Whisper and CHiME: what others write, and what is refused."""

import json

import pytest

from mimidiar.annotation.reading import Reading
from mimidiar.annotation.seglst import read_seglst, write_seglst
from mimidiar.annotation.stm import read_stm, write_stm
from mimidiar.annotation.transcript import Said, Word
from mimidiar.annotation.turns import Turn
from mimidiar.annotation.vtt import read_vtt, write_vtt
from mimidiar.annotation.whisper import read_whisper, write_whisper
from mimidiar.errors import MimidiarError

READERS = {"vtt": read_vtt, "stm": read_stm, "seglst": read_seglst, "whisper": read_whisper}


def read(folder, name: str, content, notes=None):
    """Turns of recording x, and what is said in them."""
    path, said = folder / "x.file", {}
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8", newline="")
    return READERS[name](path, Reading(said, notes)).get("x", []), said


# WebVTT

FULL = """\ufeffWEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE
anna: is no cue

REGION
id:fred

first
00:01.000 --> 00:03.500 align:start position:10%
<v.loud Anna &amp; Co>he said <i>hi</i> &lt;x&gt;</v>

100:00:01.000 --> 100:00:03.500
<v Bo>two
lines
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_voices_settings_and_blocks(tmp_path, line_end):
    turns = [Turn("x", 1.0, 3.5, "Anna & Co"), Turn("x", 360001.0, 360003.5, "Bo")]
    said = {turns[0]: Said("he said hi <x>"), turns[1]: Said("two lines")}
    assert read(tmp_path, "vtt", FULL.replace("\n", line_end)) == (turns, said)


@pytest.mark.parametrize(
    ("cue", "spoken"),
    [
        ("<v Ann>Hi</v>\n<v Bo>Hello</v>", {"Ann": "Hi", "Bo": "Hello"}),
        ("- <v Ann>Hi", {"Ann": "- Hi"}),
        ("<v Ann>Hi <v Ann>again", {"Ann": "Hi again"}),
        ("[SPEAKER_00]: hello", {"SPEAKER_00": "hello"}),
        ("SPEAKER_00: hello", {"SPEAKER_00": "hello"}),
        ("(speaker 0) hello", {"speaker 0": "hello"}),
        ("<c.red>Ann</c>: hello", {"Ann": "hello"}),
        ("<v Ann>", {"Ann": None}),
        (" \n<v Ann>Hi", {"Ann": "Hi"}),  # a line of spaces ends no cue
    ],
)
def test_who_a_cue_names(tmp_path, cue, spoken):
    turns, said = read(tmp_path, "vtt", f"WEBVTT\n\n00:01.000 --> 00:02.000\n{cue}\n")
    assert [(turn.start, turn.end) for turn in turns] == [(1.0, 2.0)] * len(spoken)
    assert {turn.speaker: said[turn].text if turn in said else None for turn in turns} == spoken


def test_cues_without_empty_lines_and_blocks_without_times(tmp_path):
    notes: list[str] = []
    text = "WEBVTT\n00:00,500 --> 00:01,000\n<v Ann>a\n00:02.000 --> 00:03.000\n<v Bo>b\n\nlost text\n\n[x]\n"
    turns, _ = read(tmp_path, "vtt", text, notes)
    assert turns == [Turn("x", 0.5, 1.0, "Ann"), Turn("x", 2.0, 3.0, "Bo")]
    assert notes == [f"{tmp_path / 'x.file'}: 2 blocks without times passed over, the first in line 7"]


def test_what_is_written_as_vtt(tmp_path):
    turns = [Turn("x", 0.5, 3601.75, "a & b"), Turn("x", 2, 3, "bo")]
    write_vtt(tmp_path / "x.vtt", {"x": turns}, {turns[1]: Said("1 < 2 --> 3")})
    assert (tmp_path / "x.vtt").read_text() == (
        "WEBVTT\n\n00:00:00.500 --> 01:00:01.750\n<v a &amp; b>\n\n"
        "00:00:02.000 --> 00:00:03.000\n<v bo>1 &lt; 2 --&gt; 3\n\n"
    )
    with pytest.raises(MimidiarError, match="a WebVTT file holds one recording, not 2"):
        write_vtt(tmp_path / "y.vtt", {"x": [], "y": []})


# STM


def test_labels_comments_and_unscored_lines(tmp_path):
    text = (
        ";; a comment\nx 1 anna 0.5 1.5 <o,f0,female> good day\nx 1 inter_segment_gap 1.5 2 <o,f0,>\n"
        "x A bo 2 3 <o,f0,male> IGNORE_TIME_SEGMENT_IN_SCORING\nx A bo 3 4 no label\nx A bo 5 6\n"
    )
    notes: list[str] = []
    turns = [Turn("x", 0.5, 1.5, "anna"), Turn("x", 3, 4, "bo"), Turn("x", 5, 6, "bo")]
    assert read(tmp_path, "stm", text, notes) == (turns, {turns[0]: Said("good day"), turns[1]: Said("no label")})
    assert notes == [f"{tmp_path / 'x.file'}: 2 lines without scoring passed over, the first in line 3"]


def test_what_is_written_as_stm(tmp_path):
    turns = {"b": [Turn("b", 1, 2, "bo")], "a": [Turn("a", 1, 1.0001, "bo"), Turn("a", 2, 3.25, "bo")]}
    write_stm(tmp_path / "x.stm", turns, {turns["a"][1]: Said("<b> hi")})
    assert (tmp_path / "x.stm").read_text() == "a 1 bo 2.000 3.250 <NA> <b> hi\nb 1 bo 1.000 2.000 <NA>\n"
    with pytest.raises(MimidiarError, match="'a b' cannot be written to STM"):
        write_stm(tmp_path / "y.stm", {"x": [Turn("x", 0, 1, "a b")]})


# JSON


def test_segments_of_whisperx(tmp_path):
    words = [
        {"word": "Good", "start": 0.5, "end": 0.9, "score": 0.9, "speaker": "A"},
        {"word": "2nd"},  # could not be aligned
        {"word": " day", "start": 1.0, "end": 1.5},
    ]
    first = {"start": 0.5, "end": 1.5, "text": " Good 2nd day", "speaker": "A", "words": words}
    second = {"start": 2, "end": 3, "text": "", "speaker": "B"}
    turns = [Turn("x", 0.5, 1.5, "A"), Turn("x", 2, 3, "B")]
    said = {turns[0]: Said("Good 2nd day", (Word(0.5, 0.9, "Good"), Word(1.0, 1.5, "day")))}
    document = {"segments": [first, second], "word_segments": words, "language": "en"}
    assert read(tmp_path, "whisper", document) == (turns, said)
    assert read(tmp_path, "whisper", [first, second]) == (turns, said)
    write_whisper(tmp_path / "x.json", {"x": turns}, said)
    assert json.loads((tmp_path / "x.json").read_text())["segments"] == [
        {"start": 0.5, "end": 1.5, "text": "Good 2nd day", "speaker": "A"}
        | {"words": [{"word": "Good", "start": 0.5, "end": 0.9}, {"word": "day", "start": 1.0, "end": 1.5}]},
        {"start": 2, "end": 3, "text": "", "speaker": "B"},
    ]


def test_seglst_with_the_times_of_chime(tmp_path):
    rows = [
        {"session_id": "x", "start_time": 40.6, "end_time": 43.82, "words": "hi  you", "speaker": "P05"},
        {"session_id": "x", "start_time": "44.5", "end_time": "45", "words": "", "speaker": "P06"},
        {"session_id": "x", "start_time": "1:00:01.25", "end_time": "01:00:02", "speaker": 7},
    ]
    turns = [Turn("x", 40.6, 43.82, "P05"), Turn("x", 44.5, 45, "P06"), Turn("x", 3601.25, 3602, "7")]
    assert read(tmp_path, "seglst", rows) == (turns, {turns[0]: Said("hi you")})
    write_seglst(tmp_path / "x.json", {"x": turns[:1]}, {turns[0]: Said("hi you")})
    assert json.loads((tmp_path / "x.json").read_text()) == [rows[0] | {"words": "hi you"}]


GOOD = {"session_id": "x", "start_time": 0, "end_time": 1, "words": "hi", "speaker": "a"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("vtt", "", "line 1: '' where WEBVTT should be"),
        ("vtt", "1\n00:01.000 --> 00:02.000\n<v a>\n", "line 1: '1' where WEBVTT should be"),
        ("vtt", "WEBVTT\n\n00:01 --> 00:02\n<v a>hi\n", "line 3: '00:01 --> 00:02' where the times of a cue should be"),
        ("vtt", "WEBVTT\n\n999999999:00:01.000 --> 999999999:00:02.000\n<v a>hi\n", "line 3: a cue from 3.6e+12"),
        ("vtt", "WEBVTT\n\n00:03.000 --> 00:02.000\n<v a>hi\n", "line 3: the cue ends at 2 s and starts at 3 s"),
        ("stm", "x 1 a 0 1\nx 1 a 0\n", "line 2: 4 fields, but an STM line has 5"),
        ("stm", "x 1 a zero 1\n", "line 1: the start is 'zero', not a number"),
        ("whisper", {"segments": 1}, "'segment' is '1', not a list"),
        ("whisper", {"segments": [{"start": 0}]}, "segment 1: 'end' is missing"),
        ("whisper", [{"start": 0, "end": 1, "speaker": "a", "text": 1}], "segment 1: 'text' is '1', not a text"),
        ("whisper", [{"start": 0, "end": 1, "speaker": "a", "words": [{"word": 1}]}], "segment 1, word 1: 'word' is"),
        ("whisper", [{"start": 0, "end": 1, "speaker": ["a"]}], "segment 1: the speaker is '[\"a\"]', not a name"),
        ("seglst", {"a": 1}, "'segment' is '{\"a\": 1}', not a list"),
        ("seglst", [GOOD, GOOD | {"end_time": "soon"}], "segment 2: 'end_time' is '\"soon\"', not a number"),
        ("seglst", [GOOD | {"session_id": None}], "segment 1: no 'session_id'"),
        ("seglst", [GOOD | {"words": ["hi"]}], "segment 1: 'words' is '[\"hi\"]', not a text"),
    ],
)
def test_what_is_refused_and_where(tmp_path, name, content, says):
    with pytest.raises(MimidiarError) as caught:
        read(tmp_path, name, content)
    assert str(tmp_path / "x.file") in str(caught.value) and says in str(caught.value)
