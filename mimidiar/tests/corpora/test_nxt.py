"""The rule from words to turns, by hand and against the published references."""

import os
import tarfile
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.uem import read_uem
from mimidiar.corpora import ami
from mimidiar.corpora.ami import meetings_of, prepare_ami
from mimidiar.corpora.nxt import Annotations, join_words
from mimidiar.corpora.preparation import Preparation
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.meetings import write_xml
from mimidiar.tests.logged import logged

PACK = os.environ.get("MIMIDIAR_MINI_CORPUS")


@pytest.mark.parametrize(
    ("words", "turns"),
    [
        ([], []),
        ([(1.0, 2.0)], [(1.0, 2.0)]),
        ([(1.0, 2.0), (2.0, 3.0)], [(1.0, 3.0)]),
        ([(1.0, 2.0), (2.01, 3.0)], [(1.0, 2.0), (2.01, 3.0)]),
        ([(1.0, 2.0), (2.0, 2.0), (2.0, 2.5)], [(1.0, 2.5)]),
        ([(1.0, 1.0)], []),
        # As in TS3009c: a full stop 10 ms before the end of its word ends the turn there.
        ([(878.02, 879.53), (879.52, 879.52), (879.53, 880.43)], [(878.02, 879.52), (879.53, 880.43)]),
        # As in EN2006a: a word that ends two seconds before it begins takes the turn with it.
        ([(2162.24, 2162.31), (2162.31, 2160.39), (2162.5, 2162.8)], [(2162.5, 2162.8)]),
    ],
)
def test_words_to_turns(words: list, turns: list) -> None:
    assert join_words(words) == turns


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=20))
def test_turns_cover_the_words_and_nothing_else(steps: list[tuple[int, int]]) -> None:
    """Words in order, `gap` after the one before and `length` long, in hundredths of a second."""
    words, at = [], 0
    for gap, length in steps:
        words.append((at + gap, at + gap + length))
        at += gap + length
    turns = join_words(words)
    assert {t for s, e in turns for t in range(s, e)} == {t for s, e in words for t in range(s, e)}
    assert all(first[1] < second[0] for first, second in pairwise(turns))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    if not PACK:
        pytest.skip("the published references are in the corpus folder")
    with tarfile.open(Path(PACK) / "refs" / "ami_only_words_rttm_uem_lists.tar.xz") as archive:
        archive.extractall(tmp_path / "but", filter="data")
    return tmp_path / "but"


def test_the_published_references_are_what_the_rule_gives(published: Path, tmp_path: Path) -> None:
    """Each published turn as one word with a full stop: the rule neither joins nor splits any, down to 10 ms gaps.

    The split is the published one, too, and the size that is compared with is theirs.
    """
    shortest_gap = 1.0
    for name in ("train", "dev", "test"):
        assert meetings_of(name) == sorted((published / "lists" / f"{name}.meetings.txt").read_text().split())
        count, total = 0, 0.0
        for turns in read_rttm(published / "only_words" / "rttms" / name).values():
            by_speaker: dict[str, list[tuple[float, float]]] = defaultdict(list)
            for turn in turns:
                by_speaker[turn.speaker].append((turn.start, turn.end))
                count, total = count + 1, total + turn.duration
            for spans in by_speaker.values():
                words = [word for start, end in spans for word in ((start, end), (end, end))]
                assert join_words(words) == spans
                gaps = (second[0] - first[1] for first, second in pairwise(spans))
                shortest_gap = min(shortest_gap, *gaps, 1.0)
        assert (count, round(total, 3)) == ami.PUBLISHED[name]
        uem = read_uem(published / "uems" / name)
        assert sum(end for ((_, end),) in uem.values()) / 3600 == pytest.approx(ami.HOURS[name], abs=0.006)
    assert 0.009 < shortest_gap < 0.011


def test_a_whole_set_is_compared_with_the_published_one(published: Path, tmp_path: Path) -> None:
    """NXT files made of the published test turns: the comparison sees that they are all there, and that one is not."""
    names: dict[str, dict[str, str]] = {}
    for meeting, turns in read_rttm(published / "only_words" / "rttms" / "test").items():
        letters = {speaker: "ABCDE"[k] for k, speaker in enumerate(sorted({turn.speaker for turn in turns}))}
        names[meeting] = letters
        for speaker, letter in letters.items():
            spans = [(turn.start, turn.end) for turn in turns if turn.speaker == speaker]
            body = "".join(f'<w starttime="{s:.3f}" endtime="{e:.3f}">a</w>\n' for s, e in spans)
            write_xml(tmp_path / "nxt" / "words" / f"{meeting}.{letter}.words.xml", meeting, body)
    speaker_tag = '<speaker nxt_agent="{}" global_name="{}"/>'
    body = "".join(
        f'<meeting observation="{m}">{"".join(speaker_tag.format(a, s) for s, a in letters.items())}</meeting>\n'
        for m, letters in names.items()
    )
    write_xml(tmp_path / "nxt" / "corpusResources" / "meetings.xml", "meetings", body)

    def compared() -> list[str]:
        annotations = Annotations(tmp_path / "nxt")
        meetings = [ami._conversation(m, tmp_path, "mix", annotations.only_words) for m in meetings_of("test")]
        with logged() as said:
            ami._compare_with_published("test", meetings)
        return said

    (line,) = compared()
    assert "has the size of the published only_words RTTM (7493 turns, 30713.924 s" in line
    path = tmp_path / "nxt" / "words" / "TS3003a.A.words.xml"
    path.write_text("\n".join(line for k, line in enumerate(path.read_text().splitlines()) if k != 3))
    (line,) = compared()
    assert line.startswith("WARNING: test: the reference has 7492 turns") and "not comparable" in line


def test_real_meetings_with_the_published_references(published: Path, tmp_path: Path) -> None:
    """Twelve meetings of 30 s in AMI's layout: the references are those of the corpus folder, cut likewise."""
    excerpts = Path(PACK or "") / "ami_excerpts"
    expected = {}
    for path in (excerpts / "audio").iterdir():
        meeting = path.stem.split("-")[1]
        audio = tmp_path / "ami" / meeting / "audio" / f"{meeting}.Mix-Headset.wav"
        audio.parent.mkdir(parents=True)
        soundfile.write(audio, *soundfile.read(path, dtype="int16"))
        (turns,) = read_rttm(excerpts / "rttm" / f"{path.stem}.rttm").values()
        expected[meeting] = [replace(turn, recording=meeting) for turn in turns]
    settings = [
        "sets=train",
        "skip_missing=true",
        "reference=rttm",
        f"rttm={published / 'only_words' / 'rttms' / 'train'}",
    ]
    with pytest.raises(MimidiarError, match=r"12 recording\(s\) with a reference that goes on after the audio"):
        prepare_ami(Preparation(tmp_path / "ami", tmp_path / "out", settings=settings))
    folders = prepare_ami(
        Preparation(tmp_path / "ami", tmp_path / "out", settings=[*settings, "cut_beyond_audio=true"])
    )
    assert read_rttm(folders[0] / "ref.rttm") == expected and len(expected) == 12
