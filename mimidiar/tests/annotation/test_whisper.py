"""The JSON of Whisper's family: speakers of words, layouts of other programs, and odd items."""

import json

import pytest

from mimidiar.annotation.formats import FORMATS, format_of_source
from mimidiar.annotation.reading import Reading
from mimidiar.annotation.transcript import Said, Word
from mimidiar.annotation.turns import Turn
from mimidiar.annotation.whisper import read_whisper
from mimidiar.errors import MimidiarError


def read(folder, document, **options):
    """Turns of recording x, what is said in them, and the notes."""
    path, said, notes = folder / "x.json", {}, []
    path.write_text(json.dumps(document))
    turns = read_whisper(path, Reading(said, notes, **options)).get("x", [])
    return turns, said, [note.removeprefix(f"{path}: ") for note in notes]


def word(text, start=None, end=None, speaker=None):
    times = {} if start is None else {"start": start, "end": end}
    return {"word": text} | times | ({} if speaker is None else {"speaker": speaker})


def segment(start, end, *words, **more):
    return {"start": start, "end": end, "text": " ".join(w["word"] for w in words), "words": list(words)} | more


# Speakers of words


def test_a_segment_is_split_where_the_speaker_of_its_words_changes(tmp_path):
    words = [
        word("good", 1.0, 1.2, "A"),
        word("2nd"),  # no times: stays with the word before
        word("day", 1.3, 1.5, "A"),
        word("yes", 1.75, 2.0, "B"),
        word("hm", 2.0, 2.1),  # no speaker
        word("so", 2.5, 3.0, "A"),
    ]
    turns = [Turn("x", 0.5, 1.5, "A"), Turn("x", 1.75, 2.1, "B"), Turn("x", 2.5, 4, "A")]
    texts = ["good 2nd day", "yes hm", "so"]
    timed = [
        (Word(1.0, 1.2, "good"), Word(1.3, 1.5, "day")),
        (Word(1.75, 2.0, "yes"), Word(2.0, 2.1, "hm")),
        (Word(2.5, 3.0, "so"),),
    ]
    expected = {turn: Said(*said) for turn, *said in zip(turns, texts, timed, strict=True)}
    assert read(tmp_path, {"segments": [segment(0.5, 4, *words, speaker="A")]}) == (turns, expected, [])
    assert "speakers of words" in FORMATS["whisper"].holds


@pytest.mark.parametrize("speaker", [{}, {"speaker": "A"}])
def test_words_that_all_name_one_speaker_name_that_of_the_segment(tmp_path, speaker):
    document = [segment(0, 4, word("good", 1, 2, "B"), word("day", 2, 3), **speaker)]
    assert read(tmp_path, document)[0] == [Turn("x", 0, 4, "B")]


def test_words_without_times_leave_the_segment_to_its_speaker_and_are_said(tmp_path):
    document = [segment(0, 4, word("good", speaker="A"), word("day", speaker="B"), speaker="A")]
    turns, said, notes = read(tmp_path, document)
    assert turns == [Turn("x", 0, 4, "A")] and said == {turns[0]: Said("good day")}
    assert notes == ["1 speaker of words without times alone passed over, the first in segment 1"]


def test_words_outside_their_segment_make_no_part_that_ends_before_it_starts(tmp_path):
    document = [segment(1, 2, word("a", 0.5, 0.9, "A"), word("b", 2.5, 3, "B"), speaker="A")]
    assert read(tmp_path, document)[0] == [Turn("x", 0.5, 0.9, "A"), Turn("x", 2.5, 3, "B")]


# Odd items


def test_a_segment_without_times_is_passed_over_and_counted(tmp_path):
    odd = [segment(None, 4, speaker="B"), segment(3, None, speaker="B")]
    turns, _, notes = read(tmp_path, [segment(0, 1, speaker="A"), *odd])
    assert turns == [Turn("x", 0, 1, "A")]
    assert notes == ["2 segments without times passed over, the first in segment 2"]
    with pytest.raises(MimidiarError, match="segment 2: the segment has no start or no end"):
        read_whisper(tmp_path / "x.json")


def test_a_word_that_ends_before_it_starts_is_text_alone_and_counted(tmp_path):
    turns, said, notes = read(tmp_path, [segment(0, 4, word("good", 1, 2), word("day", 3, 2.5), speaker="A")])
    assert said == {turns[0]: Said("good day", (Word(1, 2, "good"),))}
    assert notes == ["1 word time that ends before it starts passed over, the first in segment 1, word 2"]


# Layouts

CHUNKS = {"text": " hi ho", "chunks": [
    {"text": " hi", "timestamp": [0.5, 2.0], "speaker": "A"},
    {"text": " ho", "timestamp": [2.0, None], "speaker": "B"},
]}  # fmt: skip
CPP = {"model": {}, "transcription": [
    {"timestamps": {"from": "00:00:00,500"}, "offsets": {"from": 500, "to": 2000}, "text": " hi", "speaker": "A"},
    {"timestamps": {"from": "00:00:02,000"}, "offsets": {"from": 2000, "to": 3000}, "text": " ho", "speaker": "?"},
]}  # fmt: skip
BY_SPEAKER = {"speakers": CHUNKS["chunks"], "chunks": [{"text": " hi ho", "timestamp": [0, 3]}], "text": " hi ho"}


@pytest.mark.parametrize(
    ("document", "note"),
    [
        (CHUNKS, "1 chunk without times passed over, the first in chunk 2"),
        (BY_SPEAKER, "1 chunk without times passed over, the first in chunk 2"),
        (CPP, "1 segment without a speaker passed over, the first in segment 2 (`mimidiar convert --unnamed NAME` k"),
    ],
)
def test_chunks_of_hugging_face_and_the_json_of_whisper_cpp(tmp_path, document, note):
    turns, said, notes = read(tmp_path, document)
    assert format_of_source(tmp_path / "x.json") == "whisper"
    assert turns == [Turn("x", 0.5, 2, "A")] and said == {turns[0]: Said("hi")}
    assert len(notes) == 1 and notes[0].startswith(note)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"chunks": [{"timestamp": [1]}]}, "chunk 1: 'timestamp' is '[1]', not [start, end]"),
        ({"chunks": [{"timestamp": ["0", 1]}]}, "chunk 1: 'start' is"),
        ({"chunks": [{"timestamp": [2, 1]}]}, "chunk 1: the chunk ends at 1 s and starts at 2 s"),
        ({"transcription": [{"text": "a"}]}, "segment 1: no 'offsets' with 'from' and 'to'"),
        ({"transcription": [{"offsets": {"from": 0}}]}, "segment 1: 'to' is missing"),
    ],
)
def test_what_is_refused_of_them(tmp_path, document, says):
    with pytest.raises(MimidiarError) as caught:
        read(tmp_path, document, unnamed="who")
    assert f"{tmp_path / 'x.json'}, {says}" in str(caught.value)
