"""RTTM and UEM: what is read, what is refused and how, what is written."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimidiar.annotation.reading import Reading
from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import Turn, crop, merge_overlaps, overlaps
from mimidiar.annotation.uem import read_uem, write_uem
from mimidiar.errors import MimidiarError
from mimidiar.score.noscore import read_noscore
from mimidiar.score.trials import read_scores, read_trials

GOOD = "SPEAKER a 1 0.50 1.25 <NA> <NA> anna <NA> <NA>"


def written(folder, text: str | bytes, name: str = "x.rttm"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_comments_blank_lines_crlf_and_other_types_are_passed_over(tmp_path):
    text = (
        "\ufeff;; made by hand\r\n; so is this\r\n# and this\r\n\r\nSPKR-INFO a 1 <NA> <NA> <NA> unknown anna <NA>\r\n"
    )
    text += GOOD + "\r\n" + "LEXEME a 1 <NA> <NA> word lex anna <NA>\r\n" + "SPEAKER\tb 1 2 3 <NA> <NA> bo <NA>"
    turns = read_rttm(written(tmp_path, text))
    assert turns == {"a": [Turn("a", 0.5, 1.75, "anna")], "b": [Turn("b", 2.0, 5.0, "bo")]}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("SPEAKER a 1 0.5", "4 fields"),
        ("SPEAKER a 1 0.5 1 <NA> <NA> anna b <NA> <NA>", "11 fields"),
        (GOOD.replace("0.50", "half"), "start is 'half'"),
        (GOOD.replace("1.25", "nan"), "duration is 'nan'"),
        (GOOD.replace("1.25", "inf"), "duration is 'inf'"),
        (GOOD.replace("1.25", "1_0"), "duration is '1_0'"),
        (GOOD.replace("1.25", "-1"), "duration is '-1'"),
        (GOOD.replace("0.50", "-0.5"), "start is '-0.5'"),
        (GOOD.replace("anna", "<NA>"), "the turn names no speaker"),
        (GOOD.replace("0.50", "1e12"), "start is '1e12'"),
        ("speaker a 1 0 1 <NA> <NA> anna <NA> <NA>", "no RTTM line type"),
        ("a 1 0.00 30.00", "no RTTM line type"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(tmp_path, line, says):
    path = written(tmp_path, f"{GOOD}\n;; comment\n{line}\n")
    with pytest.raises(MimidiarError) as caught:
        read_rttm(path)
    assert f"{path}, line 3" in str(caught.value)
    assert says in str(caught.value)


def test_turns_of_no_length_are_passed_over_and_noted(tmp_path):
    path = written(tmp_path, f"{GOOD}\n{GOOD.replace('1.25', '0.000')}\n{GOOD.replace('1.25', '1e-9')}\n")
    notes = []
    assert read_rttm(path, Reading(notes=notes)) == {"a": [Turn("a", 0.5, 1.75, "anna")]}
    assert notes == [f"{path}: 2 turns of no length passed over, the first in line 2"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"RIFF\x00" * 20000, GOOD.encode() + b"\xe9\n"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    with pytest.raises(MimidiarError, match="line 1"):
        read_rttm(written(tmp_path, content))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: f"{GOOD} {text}".encode())))
def test_random_bytes_give_an_answer_or_a_clear_error(tmp_path, content):
    path = written(tmp_path, content)
    for read in (read_rttm, read_uem, read_noscore, read_trials, read_scores):
        try:
            read(path)
        except MimidiarError as error:
            assert str(path) in str(error)


def test_folder_is_all_its_rttm_files(tmp_path):
    written(tmp_path, GOOD, "a.rttm")
    written(tmp_path, "", "silent.rttm")
    written(tmp_path, GOOD.replace(" a ", " b "), "b.rttm")
    written(tmp_path, "not an RTTM", "notes.txt")
    assert list(read_rttm(tmp_path)) == ["a", "b"]
    written(tmp_path, GOOD, "all.rttm")
    with pytest.raises(MimidiarError, match=r"a\.rttm and in all\.rttm"):
        read_rttm(tmp_path)


def test_missing_file_and_empty_folder(tmp_path):
    with pytest.raises(MimidiarError, match="no such file"):
        read_rttm(tmp_path / "nothing.rttm")
    with pytest.raises(MimidiarError, match=r"no \*\.rttm"):
        read_rttm(tmp_path)


def test_overlapping_turns_of_a_speaker_are_merged_and_touching_ones_are_not():
    turns = [
        Turn("a", 3, 4, "x"),
        Turn("a", 0, 2, "x"),
        Turn("a", 1, 3, "x"),
        Turn("a", 1, 2, "y"),
        Turn("a", 0, 1, "x"),
    ]
    assert merge_overlaps(turns) == [Turn("a", 0, 3, "x"), Turn("a", 1, 2, "y"), Turn("a", 3, 4, "x")]


def test_crop_cuts_turns_at_the_regions():
    turns = [Turn("a", 0, 10, "x"), Turn("a", 11, 12, "y")]
    assert crop(turns, [(1, 2), (4, 11)]) == [Turn("a", 1, 2, "x"), Turn("a", 4, 10, "x")]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8))), st.lists(st.integers(0, 25), unique=True))
def test_regions_equal_sets_of_frames(spans, edges):
    """Crop and overlaps, against sets of whole seconds."""
    edges = sorted(edges)[: len(edges) // 2 * 2]
    regions = list(zip(edges[::2], edges[1::2], strict=True))
    inside = {second for start, end in regions for second in range(start, end)}
    turns = [Turn("a", start, start + length, f"s{i}") for i, (start, length) in enumerate(spans)]
    cut = crop(turns, regions)
    seconds = {turn.speaker: set(range(turn.start, turn.end)) & inside for turn in turns}
    assert {name: own for name, own in seconds.items() if own} == {
        name: {second for turn in cut if turn.speaker == name for second in range(turn.start, turn.end)}
        for name in sorted({turn.speaker for turn in cut})
    }
    twice = {second for second in range(30) if sum(t.start <= second < t.end for t in turns) > 1}
    assert twice == {second for start, end in overlaps((t.start, t.end) for t in turns) for second in range(start, end)}


def test_written_turns_are_sorted_and_read_back(tmp_path):
    turns = [
        Turn("b", 1.0, 2.0004, "y"),
        Turn("a", 2.0, 3.5, "x"),
        Turn("a", 0.0006, 2.0, "z"),
        Turn("a", 5, 5.0002, "x"),
    ]
    write_rttm(tmp_path / "o.rttm", turns)
    assert (tmp_path / "o.rttm").read_text() == (
        "SPEAKER a 1 0.001 1.999 <NA> <NA> z <NA> <NA>\n"
        "SPEAKER a 1 2.000 1.500 <NA> <NA> x <NA> <NA>\n"
        "SPEAKER b 1 1.000 1.000 <NA> <NA> y <NA> <NA>\n"
    )
    again = [turn for turns in read_rttm(tmp_path / "o.rttm").values() for turn in turns]
    write_rttm(tmp_path / "again.rttm", reversed(again))
    assert (tmp_path / "again.rttm").read_bytes() == (tmp_path / "o.rttm").read_bytes()


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak"])
def test_names_that_rttm_cannot_hold_leave_no_file(tmp_path, name):
    with pytest.raises(MimidiarError, match="cannot be written"):
        write_rttm(tmp_path / "o.rttm", [Turn("a", 0, 1, name)])
    assert not list(tmp_path.iterdir())


def test_uem_regions_are_joined_and_written_back(tmp_path):
    uem = read_uem(written(tmp_path, ";; x\nb 1 5 6\na 1 2.0 4.0\na 1 0 2\na 1 3 3.5\n", "x.uem"))
    assert uem == {"a": [(0.0, 4.0)], "b": [(5.0, 6.0)]}
    write_uem(tmp_path / "o.uem", uem)
    assert (tmp_path / "o.uem").read_text() == "a 1 0.000 4.000\nb 1 5.000 6.000\n"


@pytest.mark.parametrize(
    ("line", "says"), [("a 1 0", "3 fields"), ("a 1 2 1", "ends at 1 s"), ("a 1 0 x", "end is 'x'")]
)
def test_a_wrong_uem_line(tmp_path, line, says):
    with pytest.raises(MimidiarError, match=says):
        read_uem(written(tmp_path, f"a 1 0 1\n{line}\n", "x.uem"))


def test_channels_are_ignored_and_said_to_be(tmp_path):
    path, notes = written(tmp_path, f"{GOOD}\n{GOOD.replace('a 1 ', 'a 2 ')}\n"), []
    assert read_rttm(path, Reading(notes=notes)) == {"a": [Turn("a", 0.5, 1.75, "anna")]}
    (note,) = notes
    assert note.startswith(f"{path}: turns of 2 channels (1, 2)") and "md-eval scores each channel by itself" in note


def test_regions_of_no_length_are_passed_over_and_noted(tmp_path):
    path, notes = written(tmp_path, "a 1 0 1\na 1 2 2\n", "x.uem"), []
    assert read_uem(path, notes) == {"a": [(0.0, 1.0)]}
    assert notes == [f"{path}: 1 region of no length passed over, the first in line 2"]


def test_empty_uem_is_refused(tmp_path):
    with pytest.raises(MimidiarError, match="no region"):
        read_uem(written(tmp_path, "", "x.uem"))


def test_noscore_zones_are_widened_up_to_words_and_turns(tmp_path):
    """The three zones that the comments of NIST's sd_test2 work out: a turn and a word, the limit, two words.

    A NOSCORE zone (the fourth, as in md_test28) is not widened.
    """
    lines = [
        "SPEAKER a 1 10.0 1.9 <NA> <NA> x <NA>",
        "SPEAKER a 1 11.9 12.1 <NA> <NA> y <NA>",
        "NON-LEX a 1 12.0 1.0 achoo sneeze y <NA>",
        "LEXEME a 1 13.2 0.8 word lex y <NA>",
        "NON-LEX a 1 17.0 1.0 hhh breath y <NA>",
        "LEXEME a 1 20.0 0.6 word lex y <NA>",
        "NON-LEX a 1 21.0 1.0 haha laugh y <NA>",
        "LEXEME a 1 22.4 0.6 word lex y <NA>",
        "NON-LEX a 1 23.0 1.0 uh filled-pause y <NA>",
        "NOSCORE a 1 30.0 5.0 <NA> <NA> <NA> <NA>",
    ]
    assert read_noscore(written(tmp_path, "\n".join(lines))) == {
        "a": [(11.9, 13.2), (16.5, 18.5), (20.6, 22.4), (30.0, 35.0)]
    }
    assert read_noscore(written(tmp_path, GOOD)) == {}


@pytest.mark.parametrize(
    ("name", "why"), [("a b", "white space"), ("", "white space"), (";a", "comment"), ("#", "comment")]
)
def test_a_uem_is_not_written_for_a_name_that_would_not_come_back(tmp_path, name, why):
    path = tmp_path / "x.uem"
    with pytest.raises(MimidiarError, match=why):
        write_uem(path, {name: [(0.0, 1.0)]})
    assert not path.exists()
