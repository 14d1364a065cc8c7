"""`mimidiar convert` from outside: every pair of formats, folders, names, what is said of losses, what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.annotation.formats import FORMATS
from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.supervisions import write_supervisions
from mimidiar.annotation.transcript import Said, Word
from mimidiar.annotation.turns import Turn
from mimidiar.cli import cli
from mimidiar.errors import MimidiarError

TURNS = [Turn("x", 0.5, 1.75, "anna"), Turn("x", 1.0, 2.25, "bo ek"), Turn("x", 2.5, 3.0, "anna")]
SAID = {
    TURNS[0]: Said("Good day.", (Word(0.5, 1.0, "good"), Word(1.0, 1.75, "day"))),
    TURNS[1]: Said("Hm?", (Word(1.0, 2.25, "hm"),)),
}


def convert(*arguments: object) -> str:
    """The one line that the command prints. Raises what it raises."""
    result = CliRunner().invoke(cli, ["convert", *map(str, arguments)])
    if result.exception:
        raise result.exception
    assert result.output.count("\n") == 1
    return result.output.strip()


def refused(*arguments: object) -> str:
    """The message of the error."""
    with pytest.raises(MimidiarError) as caught:
        convert(*arguments)
    return str(caught.value)


@pytest.fixture
def source(tmp_path) -> Path:
    """One recording, three turns, two with aligned words, one name with a space."""
    write_supervisions(tmp_path / "x.jsonl", {"x": TURNS}, SAID)
    return tmp_path / "x.jsonl"


@pytest.fixture
def many(tmp_path) -> Path:
    path = tmp_path / "many.rttm"
    path.write_text("".join(f"SPEAKER {name} 1 1 2 <NA> <NA> s <NA> <NA>\n" for name in ("a", "b.c", "ö")))
    return path


@pytest.mark.parametrize("second", FORMATS)
@pytest.mark.parametrize("first", FORMATS)
def test_every_pair_of_formats(tmp_path, source, first, second):
    """The turns arrive the same by any way that can hold them; only to CTM from what has no words there is none."""
    one, two = (tmp_path / name / f"x{FORMATS[name].suffixes[0]}" for name in (first, second))
    two = two.with_name("again" + two.name) if one == two else two
    convert(source, one, "--to", first)
    if second == "ctm" and first not in ("ctm", "supervisions", "whisper"):
        assert "none of the" in refused(one, two, "--from", first)
        return
    convert(one, two, "--from", first, "--to", second)
    convert(two, tmp_path / "end.rttm", "--from", second)
    found = [
        (turn.start, turn.end, turn.speaker) for turns in read_rttm(tmp_path / "end.rttm").values() for turn in turns
    ]
    if "uem" in (first, second):
        assert found == [(0.5, 2.25 if first == "ctm" else 3.0, "scored")]
    else:
        kept = TURNS[:2] if "ctm" in (first, second) else TURNS
        assert found == [(turn.start, turn.end, turn.speaker.replace(" ", "_")) for turn in kept]


def test_the_line_says_what_was_written_and_lost(tmp_path, source):
    counts = "1 recording, 2 speakers, 3 turns, supervisions to"
    assert convert(source, tmp_path / "x.rttm") == (
        f"{tmp_path}/x.rttm: {counts} rttm; lost: the spaces in 1 name (now _), the text of 2 turns"
    )
    assert convert(source, tmp_path / "y.srt") == (
        f"{tmp_path}/y.srt: {counts} srt; lost: the word times of 2 turns, the recording's name 'x' (now 'y', like the "
        "file); 1 cue during another: not every player shows both"
    )
    assert convert(source, tmp_path / "x.json").endswith("lost: the text of 2 turns")
    assert convert(source, tmp_path / "y.jsonl").endswith(", all kept")
    assert (tmp_path / "y.jsonl").read_bytes() == source.read_bytes()
    said = convert(source, tmp_path / "x.ctm")
    assert "2 speakers, 2 turns" in said and "1 turn without word times, 2 turns as to their text" in said
    assert convert(tmp_path / "x.ctm", tmp_path / "z.rttm").endswith("pauses up to 0.3 s are one turn")
    assert "a region is a recording from its first" in convert(source, tmp_path / "x.uem")
    assert convert(tmp_path / "x.uem", tmp_path / "x.txt").endswith("turns of a speaker 'scored'")
    assert convert(tmp_path / "x.txt", tmp_path / "again.uem", "--recording", "x").endswith(", all kept")
    assert (tmp_path / "again.uem").read_text() == (tmp_path / "x.uem").read_text()


def test_what_milliseconds_lose(tmp_path):
    turns = [Turn("x", 0.0001, 1.00049, "a"), Turn("x", 2, 2.0001, "a"), Turn("y", 2, 2.0001, "a")]
    write_supervisions(tmp_path / "x.jsonl", {"x": turns[:2], "y": turns[2:]})
    said = convert(tmp_path / "x.jsonl", tmp_path / "x.rttm")
    assert "1 recording, 1 speaker, 1 turn," in said
    assert said.endswith("lost: 2 turns shorter than a millisecond, fractions of milliseconds")
    assert "nothing is left" in refused(tmp_path / "x.jsonl", tmp_path / "y.rttm", "--recording", "y")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "ctm"])
def test_folders_of_one_recording_a_file(tmp_path, many, name):
    folder = tmp_path / "out"
    assert convert(many, folder, "--to", name).startswith(f"{folder}: 3 recordings")
    suffix = FORMATS[name].suffixes[0]
    expected = (
        ["supervisions.jsonl.gz"] if name == "supervisions" else [f"{stem}{suffix}" for stem in ("a", "b.c", "ö")]
    )
    assert sorted(file.name for file in folder.iterdir()) == expected
    convert(folder, tmp_path / "end.rttm")
    assert list(read_rttm(tmp_path / "end.rttm")) == ["a", "b.c", "ö"]


def test_several_recordings_do_not_fit_one_subtitle_file(tmp_path, many):
    message = refused(many, tmp_path / "x.srt")
    assert "3 recordings (a, b.c, ö ...), but a srt file holds one" in message and "out/ --to srt" in message
    assert "'b.c' (now 'x', like the file)" in convert(many, tmp_path / "x.srt", "--recording", "b.c")
    assert "no recording 'd' in it; it holds a, b.c, ö" in refused(many, tmp_path / "x.srt", "--recording", "d")


def test_a_file_that_does_not_name_its_recording_gets_the_name_told(tmp_path, many):
    convert(many, tmp_path / "x.srt", "--recording", "b.c")
    convert(tmp_path / "x.srt", tmp_path / "end.rttm", "--recording", "meeting 7")
    assert list(read_rttm(tmp_path / "end.rttm")) == ["meeting_7"]


def test_files_without_turns_are_counted(tmp_path, many):
    convert(many, tmp_path / "grids", "--to", "audacity")
    (tmp_path / "grids" / "silent.txt").write_text("")
    assert "3 recordings" in (said := convert(tmp_path / "grids", tmp_path / "y.rttm"))
    assert said.endswith("1 file of 4 without any turn")
    assert "nothing to convert" in refused(tmp_path / "grids" / "silent.txt", tmp_path / "z.rttm")


def test_turns_of_no_length_are_noted(tmp_path, many):
    many.write_text(many.read_text() + "SPEAKER a 1 9 0 <NA> <NA> s <NA> <NA>\n")
    assert "1 turn of no length passed over, the first in line 4" in convert(many, tmp_path / "x.json")


def test_words_are_joined_as_told(tmp_path):
    (tmp_path / "x.ctm").write_text("x 1 0 1 a\nx 1 1.5 1 b\n")
    assert ", 2 turns" in convert(tmp_path / "x.ctm", tmp_path / "x.rttm")
    assert ", 1 turn" in convert(tmp_path / "x.ctm", tmp_path / "x.rttm", "--pause", "0.5")
    assert "--pause is nan" in refused(tmp_path / "x.ctm", tmp_path / "x.rttm", "--pause", "nan")
    assert "rttm has turns already" in refused(tmp_path / "x.rttm", tmp_path / "x.srt", "--pause", "0.5")


def test_names_that_become_one_without_spaces_are_refused(tmp_path):
    write_supervisions(tmp_path / "x.jsonl", {"x": [Turn("x", 0, 1, "a b"), Turn("x", 0, 1, "a_b")]})
    assert "are the same with _ for spaces" in refused(tmp_path / "x.jsonl", tmp_path / "x.rttm")
    write_supervisions(tmp_path / "x.jsonl", {"x": [Turn("x", 0, 1, "<NA>")]})
    assert "'<NA>' would not be read as a name" in refused(tmp_path / "x.jsonl", tmp_path / "x.rttm")
    assert ", all kept" in convert(tmp_path / "x.jsonl", tmp_path / "x.json")
    write_supervisions(tmp_path / "x.jsonl", {"#1": [Turn("#1", 0, 1, "NA")]})
    assert "'#1' cannot be written to uem; a line that begins so is a comment" in refused(
        tmp_path / "x.jsonl", tmp_path / "x.uem"
    )
    convert(tmp_path / "x.jsonl", tmp_path / "x.rttm")  # a line of RTTM begins with its type
    assert list(read_rttm(tmp_path / "x.rttm")) == ["#1"]


def test_only_recordings_are_names_in_a_uem(tmp_path):
    write_supervisions(tmp_path / "x.jsonl", {"x": [Turn("x", 0, 1, name) for name in ("a b", "a_b", "<NA>")]})
    assert "spaces" not in convert(tmp_path / "x.jsonl", tmp_path / "x.uem")
    assert (tmp_path / "x.uem").read_text() == "x 1 0.000 1.000\n"


def test_formats_that_cannot_be_told_are_refused_with_the_choices(tmp_path, many, source):
    (tmp_path / "x.doc").write_text("")
    assert "x.doc: its suffix is none of .rttm (rttm), .uem" in refused(tmp_path / "x.doc", tmp_path / "x.rttm")
    assert "x.doc: its suffix is none of .rttm (rttm), .uem" in refused(many, tmp_path / "x.doc")
    assert "there is no format 'praat'; there are rttm, uem" in refused(many, tmp_path / "x", "--to", "praat")
    assert "name it with --to, one of rttm" in refused(many, f"{tmp_path}/out/")
    convert(many, tmp_path / "x.srt", "--recording", "a")
    assert "files of the formats rttm, srt in this folder" in refused(tmp_path, tmp_path / "out.json")
    (tmp_path / "empty").mkdir()
    assert "no file of a known format in this folder" in refused(tmp_path / "empty", tmp_path / "x.rttm")
    assert "no *.ctm file in this folder" in refused(tmp_path, tmp_path / "x.rttm", "--from", "ctm")


def test_a_source_is_never_written_over(tmp_path, many):
    before = many.read_bytes()
    assert "this is the source itself" in refused(many, many)
    convert(many, tmp_path / "out", "--to", "rttm")
    assert "this is the source itself" in refused(tmp_path / "out", tmp_path / "out", "--to", "rttm")
    (tmp_path / "again.rttm").write_bytes((tmp_path / "out" / "a.rttm").read_bytes())
    (tmp_path / "out" / "again.rttm").write_bytes(before)
    assert "recording 'a' is in a.rttm and in again.rttm" in refused(tmp_path / "out", tmp_path / "x.rttm")
    assert many.read_bytes() == before


def test_targets_that_cannot_be_written(tmp_path, many):
    write_supervisions(tmp_path / "x.jsonl", {"../a": [Turn("../a", 0, 1, "s")]})
    assert "'../a' cannot be the name of a file" in refused(tmp_path / "x.jsonl", tmp_path / "out", "--to", "rttm")
    assert not (tmp_path / "a.rttm").exists()
    assert "a file is in the way" in refused(many, many / "x.json")
    (tmp_path / "folder.json").mkdir()
    assert "name it with --to" in refused(many, tmp_path / "folder.json")
    (tmp_path / "out" / "a.rttm").mkdir(parents=True)
    assert "a.rttm: this is no regular file" in refused(many, tmp_path / "out", "--to", "rttm")
    assert "no regular file" in refused(many, "/dev/null", "--to", "rttm")
    assert "standard output" in refused(many, "-", "--to", "rttm")
    assert refused(many, f"{tmp_path}/{'x' * 300}.json").endswith("File name too long")


def test_the_formats_are_listed_and_nothing_heavy_is_loaded(tmp_path, many):
    listed = CliRunner().invoke(cli, ["convert", "--list"]).output
    assert all(f"\n{name} " in f"\n{listed}" for name in FORMATS) and "cannot hold" in listed
    program = (
        "import sys; from mimidiar.cli import cli\n"
        f"cli(['convert', {str(many)!r}, {str(tmp_path / 'x.json')!r}], standalone_mode=False)\n"
        "print(*sorted({'torch', 'lhotse', 'numpy', 'scipy', 'pyannote'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == [""]


def test_an_error_is_one_line_without_traceback(tmp_path):
    command = [
        sys.executable,
        "-m",
        "mimidiar.cli",
        "convert",
        str(tmp_path / "none.srt"),
        str(tmp_path / "x.rttm"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("mimidiar: error: ") and done.stderr.count("\n") == 1
