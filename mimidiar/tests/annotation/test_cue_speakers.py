"""Who speaks in the cues of SRT and WebVTT: tags, marks, lines of several speakers; and times as they are written."""

import pytest

from mimidiar.annotation.reading import Reading
from mimidiar.annotation.srt import read_srt
from mimidiar.annotation.turns import Turn
from mimidiar.annotation.vtt import read_vtt

KINDS = {"srt": (read_srt, ""), "vtt": (read_vtt, "WEBVTT\n\n")}


def speakers(folder, kind: str, *cues: str) -> list[list[tuple[str, str]]]:
    """For each cue, sorted, who speaks in it over all of its time, and what; "who" is one without a name."""
    reader, head = KINDS[kind]
    path, said = folder / f"x.{kind}", {}
    times = [f"00:00:{10 * n:02d},000 --> 00:00:{10 * n + 9:02d},000" for n in range(len(cues))]
    path.write_text(head + "\n".join(f"{time}\n{cue}\n" for time, cue in zip(times, cues, strict=True)))
    turns = reader(path, Reading(said, [], unnamed="who")).get("x", [])
    found = [[] for _ in cues]
    for turn in turns:
        assert turn.end == turn.start + 9
        found[int(turn.start / 10)].append((turn.speaker, said[turn].text if turn in said else ""))
    return [sorted(own) for own in found]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cue", "spoken"),
    [
        ('<font color="red">Anna: hi', [("Anna", "hi")]),
        ('<font color="#ff0000">Anna</font>: <i>hi</i> you', [("Anna", "hi you")]),
        ("<b>Anna:</b> hi", [("Anna", "hi")]),
        ("<c.yellow>Anna:</c> hi<00:00:01.500> you", [("Anna", "hi you")]),
        ("{\\an8}Anna: x", [("Anna", "x")]),
        ("{\\an8}<i>[Anna] x</i>", [("Anna", "x")]),
        ("- Anna: hi", [("Anna", "hi")]),
        ("-Anna: hi - there", [("Anna", "hi - there")]),
        (">> BOB: hi", [("BOB", "hi")]),
        (">>> BOB: hi", [("BOB", "hi")]),
        ("{\\an8}- <i>Anna: hi</i>", [("Anna", "hi")]),
        ("- [music]", []),
        ("<i>[music]</i>", []),
        ("<i></i>", [("who", "")]),
        ("Anna-Lena: hi", [("Anna-Lena", "hi")]),
    ],
)
def test_tags_codes_and_marks_are_no_part_of_a_name(tmp_path, kind, cue, spoken):
    assert speakers(tmp_path, kind, cue) == [spoken]


def test_words_in_angle_brackets_that_are_no_tag_stay_in_an_srt(tmp_path):
    assert speakers(tmp_path, "srt", "Anna: <unk> 1 < 2 > <bo>") == [[("Anna", "<unk> 1 < 2 > <bo>")]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cues", "spoken"),
    [
        (["A: hi\nB: ho", "B: yes"], [[("A", "hi"), ("B", "ho")], [("B", "yes")]]),
        (["[A] hi\n[B]: ho", "[B] yes"], [[("A", "hi"), ("B", "ho")], [("B", "yes")]]),
        (["(speaker 0) hi\n(speaker 1) ho", "(speaker 1) yes"], [[("speaker 0", "hi"), ("speaker 1", "ho")],
                                                                  [("speaker 1", "yes")]]),
        (["- A: hi\nthere\n- B: ho"], [[("A", "hi there"), ("B", "ho")]]),
        ([">> A: hi\n>> B: ho"], [[("A", "hi"), ("B", "ho")]]),
        (["<i>- A: hi</i>\n<i>- B: ho</i>"], [[("A", "hi"), ("B", "ho")]]),
        (["A: hi\nB: ho\nA: so", "B: yes"], [[("A", "hi so"), ("B", "ho")], [("B", "yes")]]),
        (["A: z\nA: b"], [[("A", "z b")]]),
        (["A: no\nA: no"], [[("A", "no no")]]),
        (["hello\nB: ho", "B: yes"], [[("B", "ho"), ("who", "hello")], [("B", "yes")]]),
        (["[music]\nB: ho", "B: yes"], [[("B", "ho")], [("B", "yes")]]),
        (["[A]\nhi"], [[("A", "hi")]]),
        (["A:\nhi"], [[("A", "hi")]]),
    ],
)  # fmt: skip
def test_lines_of_several_speakers_are_a_turn_of_each(tmp_path, kind, cues, spoken):
    assert speakers(tmp_path, kind, *cues) == spoken


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cues", "spoken"),
    [
        (["A: come at\n12:30 is fine"], [[("A", "come at 12:30 is fine")]]),
        (["A: hi\nNote: x"], [[("A", "hi Note: x")]]),
        (["A: hi\nB: ho"], [[("A", "hi B: ho")]]),  # nothing else says that B is a speaker
        (["A: hi\nNote: x", "[Note] y"], [[("A", "hi Note: x")], [("Note", "y")]]),  # another notation
        (["- A: one thing\n- and one more"], [[("A", "one thing - and one more")]]),
        (["- A: hi\nNote: x"], [[("A", "hi Note: x")]]),
        (["and then he\nsaid: go"], [[("who", "and then he said: go")]]),
    ],
)
def test_a_line_with_a_colon_is_not_yet_another_speaker(tmp_path, kind, cues, spoken):
    assert speakers(tmp_path, kind, *cues) == spoken


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("0:0:7.1 --> 0:0:8.0", 7.1, 8.0),
        ("00:00:05,00 --> 00:00:05,25", 5.0, 5.25),
        ("1:2:3,045 --> 01:02:03.5", 3723.045, 3723.5),
        ("0:5.5 --> 0:6.25", 5.5, 6.25),
    ],
)
def test_times_with_fewer_digits(tmp_path, kind, times, start, end):
    reader, head = KINDS[kind]
    (tmp_path / "x").write_text(f"{head}{times}\nA: hi\n")
    assert reader(tmp_path / "x") == {"x": [Turn("x", start, end, "A")]}
