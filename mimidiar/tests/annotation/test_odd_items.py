"""One odd item (of no length, without a speaker) stops no conversion: passed over and counted alike in all formats."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.annotation.formats import FORMATS, format_of_source
from mimidiar.annotation.reading import Reading
from mimidiar.annotation.turns import Turn
from mimidiar.cli import cli
from mimidiar.errors import MimidiarError

GRID = '"ooTextFile" "TextGrid" 0 9 <exists>'
CORE = {"pyannote": "Annotation", "uri": "x"}


def supervision(start, duration, **speaker):
    return json.dumps({"recording_id": "x", "start": start, "duration": duration} | speaker)


def records(*rows, keys=("start", "end", "speaker")):
    return [dict(zip(keys, row, strict=False)) for row in rows]


SEGLST = ("start_time", "end_time", "speaker", "session_id")

# format -> what has no length: (text of a file with one good turn, of ann from 0 to 1 s; the item; its place)
NO_LENGTH = {
    "rttm": (
        "SPEAKER x 1 0 1 <NA> <NA> ann <NA> <NA>\nSPEAKER x 1 2 0 <NA> <NA> bo <NA> <NA>\n",
        "turn",
        "line 2",
    ),
    "ctm": ("x ann 0 1 word\nx bo 5 0 one\n", "word", "line 2"),
    "stm": ("x 1 ann 0 1 <o> hi\nx 1 bo 2 2 oh\n", "turn", "line 2"),
    "supervisions": (supervision(0, 1, speaker="ann") + "\n" + supervision(2, 0, speaker="bo"), "turn", "line 2"),
    "pyannote": (
        json.dumps({"uri": "x", "diarization": records((0, 1, "ann"), (2, 2, "bo"))}),
        "turn",
        "diarization 2",
    ),
    "whisper": (json.dumps({"segments": records((0, 1, "ann"), (2, 2, "bo"))}), "segment", "segment 2"),
    "seglst": (
        json.dumps(records((0, 1, "ann", "x"), (2, 2, "bo", "x"), keys=SEGLST)),
        "segment",
        "segment 2",
    ),
    "textgrid": (
        f'{GRID} 2 "IntervalTier" "ann" 0 9 1 0 1 "ann"\n"IntervalTier" "bo" 0 9 1 2 2 "hm"\n',
        "interval",
        "line 2",
    ),
    "audacity": ("0\t1\tann\n2\t2\tbo\n", "label", "line 2"),
    "srt": (
        "1\n00:00:00,000 --> 00:00:01,000\nann: hi\n\n2\n00:00:02,000 --> 00:00:02,000\nbo: oh\n",
        "cue",
        "line 6",
    ),
    "vtt": ("WEBVTT\n\n00:00.000 --> 00:01.000\n<v ann>hi\n\n00:02.000 --> 00:02.000\n<v bo>oh\n", "cue", "line 6"),
    "uem": ("x 1 0 1\nx 1 2 2\n", "region", "line 2"),
}
# format -> an item from 2 to 3 s of nobody; as above
NO_SPEAKER = {
    "rttm": (
        "SPEAKER x 1 0 1 <NA> <NA> ann <NA> <NA>\nSPEAKER x 1 2 1 <NA> <NA> <NA> <NA> <NA>\n",
        "turn",
        "line 2",
    ),
    "stm": ("x 1 ann 0 1 <o> hi\nx 1 <NA> 2 3 oh\n", "turn", "line 2"),
    "supervisions": (supervision(0, 1, speaker="ann") + "\n" + supervision(2, 1), "turn", "line 2"),
    "pyannote": (
        json.dumps(
            CORE | {"content": [{"segment": s, "label": s.get("speaker")} for s in records((0, 1, "ann"), (2, 3))]}
        ),
        "turn",
        "content 2",
    ),
    "whisper": (json.dumps({"segments": records((0, 1, "ann"), (2, 3))}), "segment", "segment 2"),
    "seglst": (json.dumps(records((0, 1, "ann", "x"), (2, 3, None, "x"), keys=SEGLST)), "segment", "segment 2"),
    "textgrid": (
        f'{GRID} 2 "IntervalTier" "ann" 0 9 1 0 1 "ann"\n"IntervalTier" "" 0 9 1 2 3 "hm"\n',
        "interval",
        "line 2",
    ),
    "audacity": ("0\t1\tann\n2\t3\t\n", "label", "line 2"),
    "srt": (
        "1\n00:00:00,000 --> 00:00:01,000\nann: hi\n\n2\n00:00:02,000 --> 00:00:03,000\noh\n",
        "cue",
        "line 6",
    ),
    "vtt": ("WEBVTT\n\n00:00.000 --> 00:01.000\n<v ann>hi\n\n00:02.000 --> 00:03.000\noh\n", "cue", "line 6"),
}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"x{FORMATS[name].suffixes[-1]}"
    path.write_text(text, encoding="utf-8")
    assert format_of_source(path) == name
    return path


def convert(*arguments: object) -> str:
    result = CliRunner().invoke(cli, ["convert", *map(str, arguments)])
    if result.exception:
        raise result.exception
    return result.output.strip()


def test_all_formats_are_here():
    assert set(NO_LENGTH) == set(FORMATS)
    assert set(NO_SPEAKER) == set(FORMATS) - {"uem", "ctm"}  # a region has no speaker, a word that of its channel


@pytest.mark.parametrize("name", NO_LENGTH)
def test_an_item_of_no_length_is_passed_over_and_counted(tmp_path, name):
    text, item, place = NO_LENGTH[name]
    source, notes = written(tmp_path, name, text), []
    (turns,) = FORMATS[name].read(source, Reading(notes=notes)).values()
    assert turns == [Turn("x", 0, 1, "scored" if name == "uem" else "ann")]
    assert notes == [f"{source}: 1 {item} of no length passed over, the first in {place}"]
    assert notes[0] in convert(source, tmp_path / "end.rttm")


@pytest.mark.parametrize("name", NO_SPEAKER)
def test_an_item_without_a_speaker_is_passed_over_and_counted_or_named(tmp_path, name):
    text, item, place = NO_SPEAKER[name]
    source = written(tmp_path, name, text)
    said = convert(source, tmp_path / "end.rttm")
    assert "1 speaker, 1 turn" in said
    assert f"{source}: 1 {item} without a speaker passed over, the first in {place} (`mimidiar convert --un" in said
    said = convert(source, tmp_path / "end.json", "--unnamed", "who")
    assert "2 speakers, 2 turns" in said and "passed over" not in said
    assert '{"start": 2.0, "end": 3.0, "speaker": "who"}' in (tmp_path / "end.json").read_text()


def test_a_label_whose_last_tab_was_cut_off_names_no_speaker(tmp_path):
    (tmp_path / "x.txt").write_text("0\t1\tann\n8\t9\n")
    said = convert(tmp_path / "x.txt", tmp_path / "end.rttm")
    assert "1 speaker, 1 turn" in said and "x.txt: 1 label without a speaker passed over, the first in line 2" in said
    (tmp_path / "x.txt").write_text("0\t1\tann\n8\n")
    with pytest.raises(MimidiarError, match="line 2: '8' is no label"):
        convert(tmp_path / "x.txt", tmp_path / "end.rttm")


@pytest.mark.parametrize("name", NO_SPEAKER)
def test_a_file_in_which_nothing_has_a_speaker_is_an_error_that_names_the_option(tmp_path, name):
    text, item, _ = NO_SPEAKER[name]
    kind = FORMATS[name]
    text = text.replace('0 1 "ann"', '0 1 "hm"')  # of the grid
    text = re.sub(r"<v ann>|\bann: |\bann\b", "<NA>" if name in ("rttm", "stm") else "", text)
    source = written(tmp_path, name, text)
    with pytest.raises(MimidiarError) as caught:
        kind.read(source, Reading(notes=[]))
    assert str(caught.value).startswith(f"{source}: none of 2 {item}s names a speaker, the first in ")
    assert str(caught.value).endswith("give all to one speaker with `mimidiar convert --unnamed NAME`")
    assert "1 speaker, 2 turns" in convert(source, tmp_path / "end.rttm", "--unnamed", "who")


@pytest.mark.parametrize("name", NO_SPEAKER)
def test_where_nobody_reads_notes_an_item_without_a_speaker_is_refused(tmp_path, name):
    """A preparation of data, say, must not lose labels unsaid."""
    text, item, place = NO_SPEAKER[name]
    source = written(tmp_path, name, text)
    with pytest.raises(MimidiarError, match=f"{place}: the {item} names no speaker; name one, remove it"):
        FORMATS[name].read(source, Reading())


@pytest.mark.parametrize(("name", "old", "new"), [
    ("rttm", "2 0 <NA>", "2 -1 <NA>"),
    ("ctm", "5 0 one", "5 -1 one"),
    ("stm", "2 2 oh", "2 1 oh"),
    ("supervisions", '"duration": 0', '"duration": -1'),
    ("pyannote", '"end": 2', '"end": 1'),
    ("whisper", '"end": 2', '"end": 1'),
    ("seglst", '"end_time": 2', '"end_time": 1'),
    ("textgrid", "2 2", "2 1"),
    ("audacity", "2\t2", "2\t1"),
    ("srt", "--> 00:00:02", "--> 00:00:01"),
    ("vtt", "--> 00:02", "--> 00:01"),
    ("uem", "2 2", "2 1"),
])  # fmt: skip
def test_negative_durations_are_refused_with_their_place(tmp_path, name, old, new):
    text, _, place = NO_LENGTH[name]
    source = written(tmp_path, name, text.replace(old, new))
    with pytest.raises(MimidiarError, match=place):
        FORMATS[name].read(source, Reading(notes=[]))


def test_the_notes_of_many_files_are_cut_short(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    for index in range(15):
        (folder / f"{index:02d}.txt").write_text("0\t1\tann\n2\t2\tbo\n")
    said = convert(folder, tmp_path / "all.rttm")
    assert said.count("passed over") == 10 and said.endswith("... and 5 more")


def test_files_with_nothing_left_say_what_was_passed_over(tmp_path):
    (tmp_path / "x.ctm").write_text("x 1 0 0 one\nx 1 1 0 two\n")
    with pytest.raises(MimidiarError, match=r"no turn in it.*2 words of no length passed over, the first in line 1"):
        convert(tmp_path / "x.ctm", tmp_path / "x.rttm")
    (tmp_path / "x.txt").write_text("0\t1\tann\n")
    with pytest.raises(MimidiarError, match="--unnamed is ' '; give the name of a speaker"):
        convert(tmp_path / "x.txt", tmp_path / "x.rttm", "--unnamed", " ")
