"""Praat TextGrids: as Praat writes them, as people write them, and 57 real consultations."""

import os
import re
import tarfile
from pathlib import Path

import pytest

from mimidiar.annotation.reading import Reading
from mimidiar.annotation.textgrid import read_textgrid, write_textgrid
from mimidiar.annotation.transcript import Said
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError

CORPUS = os.environ.get("MIMIDIAR_MINI_CORPUS")
GRIDS = Path(CORPUS or ".") / "refs" / "primock57_textgrids.tar.xz"

# Praat 6.1.38, "Save as short text file", of a grid with two interval tiers and a point tier.
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
4.5
<exists>
3
"IntervalTier"
"an""na"
0
4.5
3
0
0.5
""
0.5
1.75
"he said ""hi"" ! ½ <exists> 3.5 日本"
1.75
4.5
" "
"TextTier"
"bell"
0
4.5
1
0.3
"ding"
"IntervalTier"
"bo"
0
4.5
2
0
1.25
"bo"
1.25
4.5
"two
lines"
"""
TURNS = [Turn("x", 0, 1.25, "bo"), Turn("x", 0.5, 1.75, 'an"na'), Turn("x", 1.25, 4.5, "bo")]
SAID = {TURNS[1]: Said('he said "hi" ! ½ <exists> 3.5 日本'), TURNS[2]: Said("two lines")}


def read(folder: Path, text: str, encoding: str = "utf-8"):
    path = folder / "x.TextGrid"
    path.write_bytes(text.encode(encoding))
    said: dict = {}
    return read_textgrid(path, Reading(said))["x"], said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_short_form_in_all_that_praat_writes(tmp_path, encoding, line_end):
    assert read(tmp_path, SHORT.replace("\n", line_end), encoding) == (TURNS, SAID)


def test_utf_16_with_the_high_byte_first_as_praat_writes_it(tmp_path):
    assert read(tmp_path, "\ufeff" + SHORT, "utf-16-be") == (TURNS, SAID)


def test_the_long_form_is_what_is_written(tmp_path):
    write_textgrid(tmp_path / "x.TextGrid", {"x": TURNS}, SAID)
    lines = [line.strip() for line in (tmp_path / "x.TextGrid").read_text().splitlines()]
    assert lines[:2] == ['File type = "ooTextFile"', 'Object class = "TextGrid"']
    tier = lines.index('name = "an""na"')
    assert lines[tier - 1 : tier + 8] == [
        'class = "IntervalTier"',
        'name = "an""na"',
        "xmin = 0",
        "xmax = 4.5",
        "intervals: size = 3",
        "intervals [1]:",
        "xmin = 0",
        "xmax = 0.5",
        'text = ""',
    ]
    said: dict = {}
    assert (read_textgrid(tmp_path / "x.TextGrid", Reading(said))["x"], said) == (TURNS, SAID)


def test_comments_and_layout_are_decoration(tmp_path):
    text = '"ooTextFile" "TextGrid" ! mine\n0 9 <exists> 1 ! "one" tier\n"IntervalTier" "bo" 0 9 1 0 9 "x"'
    assert read(tmp_path, text)[0] == [Turn("x", 0, 9, "bo")]


def test_the_recording_is_named_like_the_file_or_as_told(tmp_path):
    read(tmp_path, SHORT)
    assert list(read_textgrid(tmp_path / "x.TextGrid", Reading(recording="day 1"))) == ["day 1"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ooTextFile", "Praat chronological TextGrid text file", "line 1: an object of class"),
        ('"TextGrid"', '"Pitch 1"', "line 2: an object of class 'Pitch 1'"),
        ("<exists>\n3", "<absent>\n3", "without tiers"),
        ("IntervalTier", "SadTier", "line 8: a tier of class 'SadTier'"),
        ('"an""na"', '""', "line 18: the interval names no speaker"),
        ("4.5\n3\n0", "4.5\n-3\n0", "line 12: the number of intervals is '-3'"),
        ("4.5\n3\n0", "4.5\n4\n0", "where xmin of an interval should be"),
        ("1.75\n", "0.25\n", "the interval ends at 0.25 s and starts at 0.5 s"),
        ("0.5\n1.75", "-0.5\n1.75", "'-0.5', not from 0"),
        ('lines"', "lines", "line 39: '\"' where the text of an interval should be"),
        ('"two\nlines"\n', "", "the file ends where the text of an interval should be"),
    ],
)
def test_a_wrong_grid_is_refused_with_its_line(tmp_path, old, new, says):
    with pytest.raises(MimidiarError) as caught:
        read(tmp_path, SHORT.replace(old, new, 1))
    assert str(tmp_path / "x.TextGrid") in str(caught.value) and says in str(caught.value)


def test_a_binary_grid_says_how_to_save_it(tmp_path):
    (tmp_path / "x.TextGrid").write_bytes(b"ooBinaryFile\x08TextGrid\x00\xff")
    with pytest.raises(MimidiarError, match="a binary file; open the file in Praat and save it as text"):
        read_textgrid(tmp_path / "x.TextGrid")


def test_a_grid_of_two_recordings_or_none_is_refused(tmp_path):
    for turns in ({"a": TURNS, "b": TURNS}, {}, {"a": []}):
        with pytest.raises(MimidiarError, match="holds one recording"):
            write_textgrid(tmp_path / "x.TextGrid", turns)


def test_overlapping_turns_of_a_speaker_do_not_fit_a_tier(tmp_path):
    with pytest.raises(MimidiarError, match=r"turns of 'a' overlap at 0\.5 s"):
        write_textgrid(tmp_path / "x.TextGrid", {"x": [Turn("x", 0, 1, "a"), Turn("x", 0.5, 2, "a")]})
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(
    not (CORPUS and GRIDS.is_file()), reason=f"MIMIDIAR_MINI_CORPUS names no folder with refs/{GRIDS.name}"
)
def test_real_consultations_agree_with_a_plain_search(tmp_path):
    """PriMock57: 57 consultations, a grid for the doctor and one for the patient; intervals with text are turns."""
    with tarfile.open(GRIDS) as archive:
        archive.extractall(tmp_path, filter="data")
    files = sorted(tmp_path.rglob("*.TextGrid"))
    assert len(files) == 114
    interval = re.compile(r'xmin = (\S+)\s+xmax = (\S+)\s+text = "((?:[^"]|"")*)"')
    total = 0
    for file in files:
        said: dict = {}
        (turns,) = read_textgrid(file, Reading(said)).values()
        expected = [
            (float(start), float(end), text)
            for start, end, text in interval.findall(file.read_text(encoding="utf-8"))
            if text.strip()
        ]
        assert [(turn.start, turn.end) for turn in turns] == [(start, end) for start, end, _ in expected], file
        assert [said[turn].text for turn in turns] == [" ".join(t.replace('""', '"').split()) for *_, t in expected]
        assert [turns[0].speaker] == re.findall(r'name = "(.*)"', file.read_text(encoding="utf-8"))
        total += len(turns)
    assert total > 5000


def test_a_grid_is_as_long_as_the_recording_where_that_is_known(tmp_path):
    turns = {"talk": [Turn("talk", 1.0, 2.5, "ann")]}
    write_textgrid(tmp_path / "talk.TextGrid", turns, seconds=7.25)
    assert read_textgrid(tmp_path / "talk.TextGrid") == turns
    assert (tmp_path / "talk.TextGrid").read_text().count("xmax = 7.25 ") == 3
    write_textgrid(tmp_path / "silence.TextGrid", {"silence": []}, seconds=3.0)
    assert read_textgrid(tmp_path / "silence.TextGrid") == {}
    text = (tmp_path / "silence.TextGrid").read_text()
    assert "size = 1 \n" in text and text.count("xmax = 3 ") == 3
    with pytest.raises(MimidiarError, match="holds one recording with turns"):
        write_textgrid(tmp_path / "nothing.TextGrid", {"silence": []})
