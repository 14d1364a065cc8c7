"""CTM, SRT, Audacity labels and pyannote's JSON: what others write, and what is refused."""

import json

import pytest

from mimidiar.annotation.audacity import read_audacity, write_audacity
from mimidiar.annotation.ctm import read_ctm, write_ctm
from mimidiar.annotation.pyannote_json import read_pyannote, write_pyannote
from mimidiar.annotation.reading import Reading
from mimidiar.annotation.srt import read_srt, write_srt
from mimidiar.annotation.transcript import Said, Word, parse_caption
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError

READERS = {"ctm": read_ctm, "srt": read_srt, "txt": read_audacity, "json": read_pyannote}


def read(folder, suffix: str, content, **options):
    """Turns of recording x, and what is said in them."""
    path, said = folder / f"x.{suffix}", {}
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return READERS[suffix](path, Reading(said, **options)).get("x", []), said


# CTM


def test_words_with_short_pauses_are_one_turn(tmp_path):
    lines = [
        ";; NIST RT-09: source channel start duration token confidence type speaker",
        "x 1 1.50 0.50 day 0.9 lex anna",
        "x 1 1.00 0.20 good 0.9 lex anna",
        "x 1 2.31 0.50 yes 0.9 lex anna",
        "x 1 1.40 0.50 hm 0.9 fp bo",
        "x 1 0.00 0.90 laugh NA non-lex bo",
        "x 1 7.00 0.00 tick NA lex bo",
    ]
    turns = [Turn("x", 1.0, 2.0, "anna"), Turn("x", 1.4, 1.9, "bo"), Turn("x", 2.31, 2.81, "anna")]
    found, said = read(tmp_path, "ctm", "\n".join(lines))
    assert found == turns
    assert said[turns[0]] == Said("good day", (Word(1.0, 1.2, "good"), Word(1.5, 2.0, "day")))
    joined, _ = read(tmp_path, "ctm", "\n".join(lines), pause_sec=0.31)
    assert joined == [Turn("x", 1.0, 2.81, "anna"), Turn("x", 1.4, 1.9, "bo")]


def test_a_pause_is_counted_from_the_latest_end_so_far(tmp_path):
    lines = ["x A 0 5 long", "x A 1 1 short", "x A 5.3 1 next"]
    assert read(tmp_path, "ctm", "\n".join(lines))[0] == [Turn("x", 0, 6.3, "A")]


def test_words_without_speaker_are_their_channels(tmp_path):
    found, _ = read(tmp_path, "ctm", "x A 0 1 hello 0.5\nx B 0.5 1 yes\nx B 9 1 no 0.5 lex NA\n")
    assert found == [Turn("x", 0, 1, "A"), Turn("x", 0.5, 1.5, "B"), Turn("x", 9, 10, "B")]


def test_ctm_is_written_by_time_and_words_hold_no_space(tmp_path):
    turns = [Turn("x", 0.5, 2, "anna"), Turn("x", 1, 1.5, "bo"), Turn("x", 3, 4, "bo")]
    said = {
        turns[0]: Said("New York!", (Word(0.5, 1.0, "New York"), Word(1.6, 2.0, "yes"))),
        turns[1]: Said("hm", (Word(1.0, 1.5, "hm"),)),
        turns[2]: Said("no times"),
    }
    write_ctm(tmp_path / "x.ctm", {"x": turns}, said)
    assert (tmp_path / "x.ctm").read_text() == (
        "x 1 0.500 0.500 New_York NA lex anna\nx 1 1.000 0.500 hm NA lex bo\nx 1 1.600 0.400 yes NA lex anna\n"
    )
    with pytest.raises(MimidiarError, match="'a b' cannot be written to CTM"):
        write_ctm(tmp_path / "y.ctm", {"x": [Turn("x", 0, 1, "a b")]}, {Turn("x", 0, 1, "a b"): said[turns[1]]})
    assert not (tmp_path / "y.ctm").exists()


# Labels and subtitles


@pytest.mark.parametrize(
    ("text", "speaker", "words"),
    [
        ("anna: hello: you", "anna", "hello: you"),
        ("anna:", "anna", None),
        ("[SPEAKER_00]: hello", "SPEAKER_00", "hello"),
        ("[anna] hello\nyou", "anna", "hello you"),
        ("[anna]:", "anna", None),
        ("[anna] (laughs)", "anna", "(laughs)"),
        ("(speaker 0) hello", "speaker 0", "hello"),
        ("(Speaker 1): hello", "Speaker 1", "hello"),
        ("(speaker 1)", "speaker 1", None),
        ("(speaker ?) hello", "", "hello"),
        ("(laughs) hello", "", "(laughs) hello"),
        ("[music]", "", "[music]"),
        ("hello", "", "hello"),
        ("at 12:30", "", "at 12:30"),
        ("", "", None),
    ],
)
def test_who_a_caption_names(text, speaker, words):
    assert parse_caption(text) == (speaker, Said(words) if words else None)


def test_labels_of_audacity(tmp_path):
    lines = "0.500000\t1.750000\tanna\r\n\\\t100.0\t8000.0\r\n2.0\t2.0\ta mark\r\n1\t3.25\tbo ek: good\tday\r\n\r\n"
    turns = [Turn("x", 0.5, 1.75, "anna"), Turn("x", 1, 3.25, "bo ek")]
    assert read(tmp_path, "txt", lines) == (turns, {turns[1]: Said("good day")})
    write_audacity(tmp_path / "y.txt", {"x": turns}, {turns[1]: Said("good day")})
    assert (tmp_path / "y.txt").read_text() == "0.500000\t1.750000\tanna\n1.000000\t3.250000\tbo ek: good day\n"


def test_labels_with_decimal_commas(tmp_path):
    lines = "0,500\t1.75\tanna\n1\t3,25\tbo: well, good\n"
    turns = [Turn("x", 0.5, 1.75, "anna"), Turn("x", 1, 3.25, "bo")]
    assert read(tmp_path, "txt", lines) == (turns, {turns[1]: Said("well, good")})


def test_subtitles(tmp_path):
    lines = [
        "\ufeff1",
        "00:00:00,500 --> 00:00:01,750",
        "anna:",
        "",
        "",
        "2",
        "00:00:01.000 --> 01:00:03.250  X1:40 X2:600",
        "- bo: good",
        "day",
        "3",
        "00:00:05,000 --> 00:00:06,000",
        "[anna] 4",
    ]
    turns = [Turn("x", 0.5, 1.75, "anna"), Turn("x", 1, 3603.25, "bo"), Turn("x", 5, 6, "anna")]
    said = {turns[1]: Said("good day"), turns[2]: Said("4")}
    assert read(tmp_path, "srt", "\r\n".join(lines)) == (turns, said)
    write_srt(tmp_path / "y.srt", {"x": turns[:2]}, said)
    assert (tmp_path / "y.srt").read_text() == (
        "1\n00:00:00,500 --> 00:00:01,750\nanna:\n\n2\n00:00:01,000 --> 01:00:03,250\nbo: good day\n\n"
    )


def test_cues_of_sounds_are_passed_over_and_counted(tmp_path):
    cues = ["[music]", "(applause)", "♪ la la ♪", "anna: (laughs)"]
    times = "00:00:00,000 --> 00:00:01,000"
    notes = []
    found, _ = read(tmp_path, "srt", "\n".join(f"{times}\n{cue}\n" for cue in cues), notes=notes)
    assert found == [Turn("x", 0, 1, "anna")]
    assert notes == [f"{tmp_path / 'x.srt'}: 3 cues of sound passed over, the first in line 1"]


@pytest.mark.parametrize("name", ["- a", "-a", ">> a", "<b>a", "a</font>", "{\\an8}a"])
def test_names_that_only_subtitles_would_misread(tmp_path, name):
    with pytest.raises(MimidiarError, match="cannot be written as 'speaker: text'; in subtitles a name begins with no"):
        write_srt(tmp_path / "x.srt", {"x": [Turn("x", 0, 1, name)]})
    assert not (tmp_path / "x.srt").exists()
    write_audacity(tmp_path / "x.txt", {"x": [Turn("x", 0, 1, name)]})
    assert read_audacity(tmp_path / "x.txt") == {"x": [Turn("x", 0, 1, name)]}


@pytest.mark.parametrize("name", ["a: b", "a:", "[a]", "(speaker 0)"])
@pytest.mark.parametrize("write", [write_srt, write_audacity])
def test_names_that_would_be_misread_leave_no_file(tmp_path, write, name):
    with pytest.raises(MimidiarError, match="cannot be written as 'speaker: text'"):
        write(tmp_path / "x", {"x": [Turn("x", 0, 1, name)]})
    with pytest.raises(MimidiarError, match="holds one recording, not 2"):
        write(tmp_path / "x", {"x": [], "y": []})
    assert not list(tmp_path.iterdir())


# pyannote


def segment(start, end, label, track=0):
    return {"segment": {"start": start, "end": end}, "track": track, "label": label}


def test_annotations_as_pyannote_core_4_wrote_them(tmp_path):
    annotation = {
        "pyannote": "Annotation",
        "content": [segment(1, 2.5, "bo"), segment(0.5, 1, 7, "_")],
        "modality": "speaker",
    }
    turns = [Turn("x", 0.5, 1, "7"), Turn("x", 1, 2.5, "bo")]
    assert read(tmp_path, "json", annotation)[0] == turns
    assert read(tmp_path, "json", [annotation | {"uri": "y"}, annotation | {"uri": "x"}])[0] == turns
    assert read(tmp_path, "json", annotation, recording="y")[0] == []


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: {"jobId": "1", "output": d}])
def test_diarization_lists_of_pyannote_audio_and_pyannote_ai(tmp_path, wrap):
    output = {"diarization": [{"start": 1, "end": 2, "speaker": "SPEAKER_00"}], "exclusive_diarization": []}
    assert read(tmp_path, "json", wrap(output))[0] == [Turn("x", 1, 2, "SPEAKER_00")]


def test_pyannote_core_takes_what_is_written(tmp_path):
    """pyannote.core of today has no reader of JSON: its `Annotation.from_records` takes the records of the list."""
    from pyannote.core import Annotation, Segment

    turns = [Turn("ö", 0.1, 0.3, "anna"), Turn("ö", 0.1, 0.3, "bo"), Turn("ö", 0.3, 2, "anna")]
    write_pyannote(tmp_path / "x.json", {"ö": turns})
    document = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    listed = document["diarization"]
    records = [(Segment(r["start"], r["end"]), track, r["speaker"]) for track, r in enumerate(listed)]
    annotation = Annotation.from_records(iter(records), document["uri"])
    found = [Turn(annotation.uri, s.start, s.end, label) for s, _, label in annotation.itertracks(yield_label=True)]
    assert sorted(found) == turns and read_pyannote(tmp_path / "x.json") == {"ö": turns}


# What is refused

GOOD = {"pyannote": "Annotation", "content": [segment(0, 1, "bo")]}


@pytest.mark.parametrize(
    ("suffix", "content", "says"),
    [
        ("ctm", "x 1 0 1 word\nx 1 0 1\n", "x.ctm, line 2: 4 fields"),
        ("ctm", "x 1 0 -1 word\n", "line 1: the duration is '-1'"),
        ("ctm", "x 1 0 1 word 1 lex a b\n", "line 1: 9 fields"),
        ("txt", "0\t1\tbo\n0 1 bo\n", "line 2: '0 1 bo' is no label"),
        ("txt", "0\t1\t \n", "line 1: the label names no speaker"),
        ("txt", "2\t1\tbo\n", "line 1: the label ends at 1 s and starts at 2 s"),
        ("txt", "1,000.5\t1001\tbo\n", "line 1: the start is '1,000.5', not a number"),
        ("srt", "1\n00:00:00,000 --> 00:00:01,000\nhello\n", "line 2: the cue names no speaker"),
        ("srt", "WEBVTT\n\n", "line 1: 'WEBVTT' where the number or the times of a cue should be"),
        ("srt", "1\n00:00:02,000 --> 00:00:01,000\nbo:\n", "line 2: the cue ends at 1 s and starts at 2 s"),
        ("srt", "1\n999999999:00:02,000 --> 999999999:00:03,000\nbo:\n", "line 2: a cue from 3.6e+12"),
        ("json", "{", "x.json: not JSON"),
        ("json", "[1]", "annotation 1: '1' is no JSON object"),
        ("json", "1", "x.json: '1' is no Annotation"),
        ("json", {"pyannote": "Timeline", "content": []}, "pyannote '\"Timeline\"'"),
        ("json", {"a": 1}, "no 'pyannote' and no 'diarization'"),
        ("json", {"output": {"diarization": 1}}, "'diarization' is '1', not a list"),
        ("json", {"diarization": [1]}, "diarization 1: '1' is no JSON object"),
        ("json", {"diarization": [{"start": 0, "end": 1}]}, "diarization 1: the turn names no speaker"),
        ("json", GOOD | {"uri": 1}, "the uri is '1'"),
        ("json", GOOD | {"content": [segment(0, 1, "a"), {"label": "bo"}]}, "content 2: no segment"),
        ("json", GOOD | {"content": [segment(2, 1, "a")]}, "content 1: the turn ends at 1 s and starts at 2 s"),
        ("json", GOOD | {"content": [segment("0", 1, "a")]}, "content 1: 'start' is"),
        ("json", [GOOD, GOOD], "annotation 2: a second annotation of recording 'x'"),
    ],
)
def test_what_is_refused_and_where(tmp_path, suffix, content, says):
    with pytest.raises(MimidiarError) as caught:
        read(tmp_path, suffix, content)
    assert str(tmp_path / f"x.{suffix}") in str(caught.value) and says in str(caught.value)
