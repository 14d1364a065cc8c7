"""AMI on a made-up tree in its layout: turns worked out by hand, every reference, everything that can be wrong."""

import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.cli.data import prepare as command
from mimidiar.corpora import ami
from mimidiar.corpora.ami import LEAKY, meetings_of, prepare_ami
from mimidiar.corpora.preparation import Preparation
from mimidiar.data.manifests import read_set
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.tests.corpora.meetings import AMI_SEC, write_ami, write_nxt
from mimidiar.tests.corpora.trees import edit, write_audio
from mimidiar.tests.logged import logged

FEW = ("sets=test", "skip_missing=true")  # the trees hold a few of the meetings
# By hand from meetings.WORDS. ES2004a.A: 'Hmm café .' touch; the laugh of 470 ms and the 10 ms before 'so' are gaps;
# the lone '?' and the words without a time are nothing; the last two words overlap. C only makes a vocal sound.
ONLY_WORDS = {
    "ES2004a": [
        Turn("ES2004a", 0.37, 1.53, "MEO015"),
        Turn("ES2004a", 2.0, 2.4, "MEO015"),
        Turn("ES2004a", 2.2, 3.205, "FEE013"),
        Turn("ES2004a", 2.41, 2.9, "MEO015"),
        Turn("ES2004a", 5.5, 6.3, "MEO015"),
    ],
    "TS3003b": [Turn("TS3003b", 1.0, 4.0, "MTD009PM")],
}
# Segments of one speaker that overlap are one turn, those that touch stay two; one that ends before it begins is none.
SEGMENTS = {
    "ES2004a": [
        Turn("ES2004a", 0.3, 2.95, "MEO015"),
        Turn("ES2004a", 2.1, 3.6, "FEE013"),
        Turn("ES2004a", 3.6, 3.9, "FEE013"),
        Turn("ES2004a", 5.4, 6.4, "MEO015"),
    ],
    "TS3003b": [Turn("TS3003b", 0.9, 4.1, "MTD009PM")],
}


def prepare(root: Path, out: Path, *settings: str, limit: int | None = None) -> tuple[list[Path], list[str]]:
    with logged() as said:
        return prepare_ami(Preparation(root, out, limit=limit, settings=settings or FEW)), said


@pytest.mark.parametrize(("reference", "expected"), [("only_words", ONLY_WORDS), ("segments", SEGMENTS)])
def test_turns_worked_out_by_hand(tmp_path: Path, reference: str, expected: dict[str, list[Turn]]) -> None:
    root = write_ami(tmp_path / "ami")
    folders, said = prepare(root, tmp_path / "out", *FEW, f"reference={reference}")
    assert folders == [tmp_path / "out" / "test"]
    assert ("1 words of the annotations have no time and are left out" in said) == (reference == "only_words")
    assert read_rttm(folders[0] / "ref.rttm") == expected
    test = read_set(folders[0])
    assert test.uem == {"ES2004a": [(0.0, AMI_SEC)], "TS3003b": [(0.0, AMI_SEC)]}
    assert {s.speaker: s.gender for s in test.supervisions} == {"MEO015": "m", "FEE013": "f", "MTD009PM": "m"}
    assert [r.sources[0].source.rsplit("/", 1)[1] for r in test.recordings] == [
        "ES2004a.Mix-Headset.wav", "TS3003b.Mix-Headset.wav",
    ]  # fmt: skip
    origin = read_json(folders[0] / "corpus.json")["origin"]
    assert origin == f"AMI meetings, Mix-Headset, references {reference} (of its recordings: test 2 of 16)"


def test_the_ancestors_split_is_called_leaky(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami", ("ES2004a", "TS3003b", "TS3007c"))
    few = ("skip_missing=true", "prefix=ami_", "ancestor_split=true", "max_speakers=1")
    folders, said = prepare(root, tmp_path / "out", *few)
    assert [folder.name for folder in folders] == ["ami_train", "ami_dev", "ami_test"]
    train, dev, test = ({recording.id for recording in read_set(folder).recordings} for folder in folders)
    assert train == {"TS3007c", "TS3003b"}  # of the train part and of the test part
    assert (dev, test) == ({"TS3007c"}, {"ES2004a"})
    assert "train: 1 meetings with more than 1 speakers are left out: ES2004a" in said
    for folder in folders:
        assert read_json(folder / "corpus.json")["leaky"] == LEAKY


def test_no_crowded_meeting_is_watched_in_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every meeting falls into the leaky dev, the one of two speakers among them; test keeps it."""
    monkeypatch.setattr(ami, "LEAKY_SHARE", 1)
    root = write_ami(tmp_path / "ami", ("TS3007c", "ES2004a", "TS3003b"))
    few = ("skip_missing=true", "ancestor_split=true", "max_speakers=1")
    folders, said = prepare(root, tmp_path / "out", *few)
    train, dev, test = ({recording.id for recording in read_set(folder).recordings} for folder in folders)
    assert train == dev == {"TS3007c", "TS3003b"} and "ES2004a" in test
    assert "dev: 1 meetings with more than 1 speakers are left out: ES2004a" in said


def test_sets_with_a_prefix_are_kept_apart_too(tmp_path: Path) -> None:
    """Nobody of train may be in test, whatever the sets are called."""
    root = write_ami(tmp_path / "ami", ("TS3007c", "TS3003b"))
    edit(root / "ami_public_manual_1.6.2" / "corpusResources" / "meetings.xml", "MTD026UID", "MTD009PM")
    with pytest.raises(MimidiarError, match=r"ami_mix_train and .*ami_mix_test share 1 speaker.*MTD009PM"):
        prepare(root, tmp_path / "out", "skip_missing=true", "sets=train,test", "prefix=ami_mix_")


def test_the_zip_gives_the_same_bytes_as_the_folder(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami")
    prepare(root, tmp_path / "out")
    shutil.make_archive(str(root / "ami_public_manual_1.6.2"), "zip", root / "ami_public_manual_1.6.2")
    shutil.rmtree(root / "ami_public_manual_1.6.2")
    prepare(root, tmp_path / "zip")
    for file in (tmp_path / "out" / "test").iterdir():
        assert file.read_bytes() == (tmp_path / "zip" / "test" / file.name).read_bytes()
    with zipfile.ZipFile(root / "ami_public_manual_1.6.2.zip") as archive:
        archive.extractall(root)  # where lhotse unpacks it
    (root / "ami_public_manual_1.6.2.zip").unlink()
    prepare(root, tmp_path / "flat")
    assert read_rttm(tmp_path / "flat" / "test" / "ref.rttm") == ONLY_WORDS


@pytest.mark.parametrize("place", ["wav_db", "amicorpus", "."])
def test_the_array_microphone_and_other_places(tmp_path: Path, place: str) -> None:
    root = write_ami(tmp_path / "ami", suffix="Array1-01", audio=place)
    folders, _ = prepare(root, tmp_path / "out", *FEW, "mic=sdm")
    assert all(r.sources[0].source.endswith(".Array1-01.wav") for r in read_set(folders[0]).recordings)
    with pytest.raises(MimidiarError, match=r"16 of 16 recordings have no audio .*Mix-Headset.wav"):
        prepare(root, tmp_path / "mix", "sets=test")


def test_lhotse_reads_the_tree_as_we_do(tmp_path: Path) -> None:
    """The layout is that of the corpus: lhotse's recipe finds the same speakers and words in it."""
    from lhotse.recipes.ami import parse_ami_annotations

    root = write_nxt(tmp_path / "nxt", ("ES2004a", "TS3003b"))
    words = root / "words" / "ES2004a.A.words.xml"
    words.write_bytes(words.read_bytes().replace(b"caf\xe9", b"cafe"))  # lhotse takes the files for UTF-8
    found = parse_ami_annotations(root)
    assert {(meeting, speaker) for meeting, speaker, _ in found} == {
        ("ES2004a", "MEO015"), ("ES2004a", "FEE013"), ("TS3003b", "MTD009PM"),
    }  # fmt: skip
    (segment,) = found[("TS3003b", "MTD009PM", 0)]
    assert (segment.start_time, segment.end_time) == (1.0, 4.0)


def test_references_of_the_user(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami")
    line = "SPEAKER {} 1 {} <NA> <NA> {} <NA> <NA>\n"
    (tmp_path / "fa" / "test").mkdir(parents=True)
    (tmp_path / "fa" / "test" / "a.rttm").write_text(line.format("ES2004a.Mix-Headset", "1.000 2.000", "ann"))
    (tmp_path / "fa" / "b.rttm").write_text(line.format("TS3003b", "0.500 0.250", "MEE016"))
    shutil.rmtree(root / "ami_public_manual_1.6.2")  # not needed then
    own = ("reference=rttm", f"rttm={tmp_path / 'fa'}")
    folders, _ = prepare(root, tmp_path / "out", *FEW, *own)
    assert read_rttm(folders[0] / "ref.rttm") == {
        "ES2004a": [Turn("ES2004a", 1.0, 3.0, "ES2004a-ann")],
        "TS3003b": [Turn("TS3003b", 0.5, 0.75, "MEE016")],
    }
    (tmp_path / "fa" / "c.rttm").write_text(line.format("ES2004a", "1.000 2.000", "ann"))
    with pytest.raises(MimidiarError, match=r"ES2004a is in .*c.rttm and in .*a.rttm; keep one"):
        prepare(root, tmp_path / "again", *FEW, *own)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MimidiarError, match="empty: no turn in any RTTM file"):
        prepare(root, tmp_path / "again", *FEW, "reference=rttm", f"rttm={tmp_path / 'empty'}")


def test_missing_meetings_are_named_and_counted_and_nothing_is_written(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami")
    (root / "ami_public_manual_1.6.2" / "words" / "TS3003b.A.words.xml").unlink()
    write_audio(root / "wav_db" / "IS1009a" / "audio" / "IS1009a.Mix-Headset.wav", 1.0)
    with pytest.raises(MimidiarError) as error:
        prepare(root, tmp_path / "out", "sets=test")
    message = str(error.value)
    assert "AMI: 2 problem(s)" in message and "13 of 16 recordings have no audio" in message
    assert "EN2002a, EN2002b" in message and "and 3 more" in message and "skip_missing=true" in message
    assert "15 of 16 recordings have no reference" in message
    assert not (tmp_path / "out").exists()
    folders, said = prepare(root, tmp_path / "out")
    assert [r.id for r in read_set(folders[0]).recordings] == ["ES2004a"]
    assert any("13 of 16" in line and "left out" in line for line in said)
    shutil.rmtree(root / "wav_db")
    with pytest.raises(MimidiarError, match="test: no recording is left"):
        prepare(root, tmp_path / "none")


def test_annotations_beyond_the_audio(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami")
    write_audio(root / "wav_db" / "ES2004a" / "audio" / "ES2004a.Mix-Headset.wav", 2.3)
    late = r"ES2004a \(4 turn\(s\), until 6.300 s; the audio lasts 2.300 s\)"
    with pytest.raises(MimidiarError, match=rf"1 recording\(s\) .*{late}.*cut_beyond_audio=true"):
        prepare(root, tmp_path / "out")
    folders, said = prepare(root, tmp_path / "out", *FEW, "cut_beyond_audio=true")
    assert [(t.start, t.end) for t in read_rttm(folders[0] / "ref.rttm")["ES2004a"]] == [
        (0.37, 1.53), (2.0, 2.3), (2.2, 2.3),
    ]  # fmt: skip
    assert any("ES2004a (4 turn(s)" in line and "cut there" in line for line in said)


def test_the_meeting_that_is_known_to_be_longer_is_cut_unasked(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami", ("TS3007c",))
    folders, said = prepare(root, tmp_path / "out", "sets=train", "skip_missing=true")
    assert [(t.start, t.end) for t in read_rttm(folders[0] / "ref.rttm")["TS3007c"]] == [(1.0, 2.0), (7.5, 8.0)]
    assert any("TS3007c (2 turn(s), until 9.500 s; the audio lasts 8.000 s)" in line for line in said)


def test_meetings_without_an_array_are_no_fault_of_the_user(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami", ("TS3007c",), suffix="Array1-01")
    _, said = prepare(root, tmp_path / "out", "sets=train", "skip_missing=true", "mic=sdm")
    assert "train: IS1003b, IS1007d left out: the corpus has no Array1-01 of them" in said
    assert any("133 of 134 recordings have no audio" in line for line in said)


@pytest.mark.parametrize("kind", ["stereo", "rate", "text"])
def test_audio_that_is_not_the_corpus_is_refused(tmp_path: Path, kind: str) -> None:
    path = write_ami(tmp_path / "ami") / "wav_db" / "ES2004a" / "audio" / "ES2004a.Mix-Headset.wav"
    if kind == "text":
        path.write_text("<html>not found</html>")
    else:
        write_audio(path, 8.0, **({"channels": 2} if kind == "stereo" else {"rate": 8000}))
    message = {"stereo": "2 channel.*16000", "rate": "8000 Hz, expected 1 at 16000", "text": "not audio"}[kind]
    with pytest.raises(MimidiarError, match=rf"ES2004a: .*{message}"):
        prepare(tmp_path / "ami", tmp_path / "out")


def test_other_versions_are_refused(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami")
    annotations = root / "ami_public_manual_1.6.2"
    edit(annotations / "00README_MANUAL.txt", "Release 1.7 of the words, after release 1.6", "Release 1.6")
    with pytest.raises(MimidiarError, match=r"README_MANUAL.txt says release 1.6, that of version 1.6.2 says 1.7"):
        prepare(root, tmp_path / "out")
    (annotations / "00README_MANUAL.txt").unlink()
    annotations.rename(root / "ami_public_manual_1.6.1")
    with pytest.raises(MimidiarError, match=r"neither the folder nor the zip .*1.6.2 is here; .*1.6.1 is of another"):
        prepare(root, tmp_path / "out")
    with pytest.raises(MimidiarError, match=r"version 1.6.1 of the annotations, expected 1.6.2"):
        prepare(root, tmp_path / "out", *FEW, f"annotations={root / 'ami_public_manual_1.6.1'}")
    (root / "ami_public_manual_1.6.1").rename(tmp_path / "elsewhere")
    folders, _ = prepare(root, tmp_path / "out", *FEW, f"annotations={tmp_path / 'elsewhere'}")
    assert read_rttm(folders[0] / "ref.rttm") == ONLY_WORDS


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("words/ES2004a.A.words.xml", "</nite:root>", "", "ES2004a.A.words.xml: no whole XML"),
        (
            "words/ES2004a.A.words.xml",
            'starttime="0.37"',
            'starttime="soon"',
            "ES2004a: a <w> has .*'soon'.*expected sec",
        ),
        ("segments/ES2004a.A.segments.xml", 'transcriber_end="2.95"', "", "ES2004a: a <segment> has .*transcriber_end"),
        (
            "corpusResources/meetings.xml",
            'nxt_agent="B"',
            'nxt_agent="E"',
            "B.*whom meetings.xml does not name in ES2004a",
        ),
        ("corpusResources/meetings.xml", 'observation="ES2004a"', "", "names nobody"),
    ],
)
def test_broken_annotations_are_named(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    root = write_ami(tmp_path / "ami")
    path = root / "ami_public_manual_1.6.2" / file
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
    with pytest.raises(MimidiarError, match=message):
        prepare(root, tmp_path / "out", *FEW, f"reference={'segments' if 'segments' in file else 'only_words'}")


def test_annotations_that_are_not_there(tmp_path: Path) -> None:
    root = write_ami(tmp_path / "ami")
    (root / "ami_public_manual_1.6.2" / "corpusResources" / "meetings.xml").unlink()
    with pytest.raises(MimidiarError, match=r"meetings.xml: no such file; these are not the annotations"):
        prepare(root, tmp_path / "out")
    shutil.rmtree(root / "ami_public_manual_1.6.2")
    (root / "ami_public_manual_1.6.2.zip").write_bytes(b"half a zip")
    with pytest.raises(MimidiarError, match="neither a folder nor a whole zip"):
        prepare(root, tmp_path / "out")
    with pytest.raises(MimidiarError, match="nowhere: no such folder or zip of annotations"):
        prepare(root, tmp_path / "out", *FEW, f"annotations={tmp_path / 'nowhere'}")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("mic=array", "--set mic=array: choose of mix, sdm"),
        ("reference=words", "--set reference=words: choose of only_words, segments, rttm"),
        ("sets=eval", "--set sets=eval: choose of train, dev, test"),
        ("reference=rttm", "go together"),
        ("rttm=folder", "go together"),
        ("microphone=sdm", "unknown key 'microphone'"),
        ("skip_missing=perhaps", "skip_missing"),
    ],
)
def test_settings_are_checked(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(MimidiarError, match=message):
        prepare(write_ami(tmp_path / "ami"), tmp_path / "out", setting)


def test_where_the_corpus_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.delenv("DIARIZATION_ROOT", raising=False)
    with pytest.raises(MimidiarError, match=r"neither --corpus nor .*downloads/ami; run stage 0"):
        prepare_ami(Preparation(None, tmp_path / "out", downloads=tmp_path / "downloads"))
    with pytest.raises(MimidiarError, match=r"nowhere: no such folder; --corpus names the folder that holds ami"):
        prepare_ami(Preparation(tmp_path / "nowhere", tmp_path / "out"))
    monkeypatch.setenv("DIARIZATION_ROOT", str(tmp_path / "data"))
    write_ami(tmp_path / "data" / "ami")
    arguments = ["ami", str(tmp_path / "out"), "--downloads", str(tmp_path / "downloads")]
    ran = CliRunner().invoke(command, [*arguments, *(word for setting in FEW for word in ("--set", setting))])
    assert ran.exit_code == 0 and any("test      2 recordings" in line for line in said), ran.output
    assert read_rttm(tmp_path / "out" / "test" / "ref.rttm") == ONLY_WORDS


def test_a_limit_of_speakers(tmp_path: Path) -> None:
    folders, _ = prepare(write_ami(tmp_path / "ami"), tmp_path / "out", limit=2)
    assert [r.id for r in read_set(folders[0]).recordings] == ["ES2004a"]


def test_the_official_split() -> None:
    sets = {name: meetings_of(name) for name in ("train", "dev", "test")}
    assert {name: len(meetings) for name, meetings in sets.items()} == {"train": 136, "dev": 18, "test": 16}
    assert len({m for meetings in sets.values() for m in meetings}) == 170
    assert sets["test"][::4] == ["EN2002a", "ES2004a", "IS1009a", "TS3003a"]
