"""Every format: what it can hold comes back the same, and no file makes a reader fail other than with a message."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimidiar.annotation.extent import REGION, read_regions, write_extents
from mimidiar.annotation.formats import FORMATS, format_of_source, format_of_target
from mimidiar.annotation.reading import Reading
from mimidiar.annotation.text_file import whole_bytes
from mimidiar.annotation.transcript import Said, Word
from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.tests.annotation.made_up import SOLID, SPACED, TEXTS, spoken, worded

quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def there_and_back(folder: Path, name: str, turns, transcript):
    """What comes back, and what is said in it, after `turns` went through a file of that format."""
    kind, again = FORMATS[name], {}
    path = folder / f"{next(iter(turns)) if kind.one_recording else 'x'}{kind.suffixes[0]}"
    kind.write(path, turns, transcript)
    first_bytes = path.read_bytes()
    found = kind.read(path, Reading(again, []))
    kind.write(path, found, again)
    assert path.read_bytes() == first_bytes
    path.unlink()
    return {recording: sorted(spoken) for recording, spoken in found.items()}, again


@pytest.mark.parametrize(("name", "names", "digits"), [("rttm", SOLID, 3), ("pyannote", SPACED, 9)])
def test_turns_come_back(tmp_path, name, names, digits):
    @quick
    @given(spoken(names, digits))
    def check(made):
        turns, _ = made
        assert there_and_back(tmp_path, name, turns, {}) == (turns, {})

    check()


@pytest.mark.parametrize(
    ("name", "names", "digits", "recordings"),
    [
        ("supervisions", SPACED, 8, 3),
        ("textgrid", SPACED, 9, 1),
        ("audacity", SPACED, 6, 1),
        ("srt", SPACED, 3, 1),
        ("vtt", SPACED, 3, 1),
        ("whisper", SPACED, 9, 1),
        ("seglst", SPACED, 9, 3),
        ("stm", SOLID, 3, 3),
    ],
)
def test_turns_and_their_texts_come_back(tmp_path, name, names, digits, recordings):
    @quick
    @given(spoken(names, digits, recordings, TEXTS))
    def check(made):
        assert there_and_back(tmp_path, name, *made) == made

    check()


@pytest.mark.parametrize(("name", "recordings"), [("ctm", 2), ("supervisions", 2), ("whisper", 1)])
def test_words_come_back_with_their_times(tmp_path, name, recordings):
    @quick
    @given(worded(recordings=recordings))
    def check(made):
        assert there_and_back(tmp_path, name, *made) == made

    check()


def test_regions_come_back_from_turns_and_others_become_their_extent(tmp_path):
    turns = [Turn("a", 1, 2, REGION), Turn("a", 3, 4.5, REGION)]
    write_extents(tmp_path / "x.uem", {"a": turns, "b": [Turn("b", 3, 9, "x"), Turn("b", 2, 4, REGION)]})
    assert (tmp_path / "x.uem").read_text() == "a 1 1.000 2.000\na 1 3.000 4.500\nb 1 2.000 9.000\n"
    assert read_regions(tmp_path / "x.uem") == {"a": turns, "b": [Turn("b", 2, 9, REGION)]}


SAMPLE = [Turn("x", 0.5, 1.75, "anna"), Turn("x", 1.0, 2.25, "bo"), Turn("x", 2.5, 3.0, "anna")]
SAID = {SAMPLE[0]: Said("good day", (Word(0.5, 1.0, "good"), Word(1.0, 1.75, "day")))}


def damaged(data: bytes, seed: int) -> bytes:
    """`data` cut off, or with some bytes, lines or numbers changed."""
    chance = random.Random(seed)
    way = seed % 4
    if way == 0:
        return data[: chance.randrange(len(data))]
    if way == 1:
        changed = bytearray(data)
        for _ in range(chance.randint(1, 5)):
            changed[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(changed)
    if way == 2:
        lines = data.splitlines(keepends=True)
        chance.shuffle(lines)
        return b"".join(lines[: chance.randint(1, len(lines))])
    odd = chance.choice([b"-1", b"1e999", b"nan", b"9" * 400, b'"', b"\x00", b"{", b"[[", "\u0663".encode()])
    at = chance.randrange(len(data))
    return data[:at] + odd + data[at + chance.randint(0, 3) :]


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_and_random_bytes_give_an_answer_or_a_clear_error(tmp_path, name):
    kind = FORMATS[name]
    path = tmp_path / f"x{kind.suffixes[-1]}"
    kind.write(path, {"x": SAMPLE}, SAID)
    whole, answers = path.read_bytes(), 0

    def check(data: bytes) -> None:
        nonlocal answers
        path.write_bytes(data)
        try:
            kind.read(path, Reading({}, []))
            answers += 1
        except MimidiarError as error:
            assert str(path) in str(error) and len(str(error)) < 600 and "\n" not in str(error)

    for seed in range(200):
        check(damaged(whole, seed))
    assert 0 < answers < 200
    quick(given(st.binary(max_size=200))(check))()


@pytest.mark.parametrize("name", FORMATS)
def test_missing_files_folders_and_endless_lines(tmp_path, name):
    kind = FORMATS[name]
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(MimidiarError) as caught:
            kind.read(path, Reading({}, []))
        assert str(path) in str(caught.value)
    endless = tmp_path / f"endless{kind.suffixes[-1]}"
    endless.write_bytes(b"7x" * (1 << 20))
    with pytest.raises(MimidiarError, match="endless") as caught:
        kind.read(endless, Reading({}, []))
    assert len(str(caught.value)) < 600


def test_a_file_beyond_the_limit_is_not_held_in_memory(tmp_path):
    (tmp_path / "x").write_bytes(b"x" * 100)
    assert len(whole_bytes(tmp_path / "x", max_bytes=100)) == 100
    with pytest.raises(MimidiarError, match="over 0 MiB"):
        whole_bytes(tmp_path / "x", max_bytes=99)


@pytest.mark.parametrize(
    ("file", "name"),
    [("a.b.RTTM", "rttm"), ("x.jsonl.gz", "supervisions"), ("x.json", "pyannote"), ("x.textgrid", "textgrid")],
)
def test_the_suffix_tells_the_format(file, name):
    assert format_of_target(file) == name


@pytest.mark.parametrize("name", ["pyannote", "whisper", "seglst"])
def test_the_content_of_a_json_tells_its_format(tmp_path, name):
    FORMATS[name].write(tmp_path / "x.json", {"x": SAMPLE}, SAID)
    assert format_of_source(tmp_path / "x.json") == name


@pytest.mark.parametrize("content", ["{}", "[1]", "7", '[{"a": 1}]', '{"text": "hello"}'])
def test_json_of_no_known_format_is_refused_with_the_choices(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(
        MimidiarError, match=r"x\.json: the JSON in it looks like none of pyannote, whisper, seglst; .*--from"
    ):
        format_of_source(tmp_path / "x.json")
