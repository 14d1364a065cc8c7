"""`prepare voxceleb1` on a small tree in the corpus' layout, and the real lists of trials where they are at hand."""

import os
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.cli.data import prepare as command
from mimidiar.corpora import voxceleb
from mimidiar.corpora.preparation import Preparation
from mimidiar.corpora.voxceleb import TRIAL_LISTS, prepare_voxceleb1
from mimidiar.data.manifests import read_set
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.tests.corpora.published import write_voxceleb1
from mimidiar.tests.corpora.trees import write_audio

CORPUS = os.environ.get("MIMIDIAR_MINI_CORPUS")
LISTS = Path(CORPUS or "/nowhere") / "refs" / "voxceleb1_trials.tar.xz"
DEV = [f"id{k}" for k in range(10001, 10011)]
TEST = ["id10270", "id10280", "id10290", "id10300", "id10309"]
A, B, C = "id10270/-vid_000000/00001.wav", "id10270/-vid_000001/00001.wav", "id10309/-vid_000000/00002.wav"
TRIALS = f"1 {A} {B}\n0 {A} {C}\n0 {B} {C}\n"
ANY = "any_trials=true"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_voxceleb1(tmp_path / "vox", dict.fromkeys([*DEV, *TEST], 4), TRIALS)


def speakers(folder: Path) -> set[str]:
    return {segment.speaker for segment in read_set(folder).supervisions}


def test_sets_by_the_protocol(root: Path, tmp_path: Path, said: list[str]) -> None:
    folders = prepare_voxceleb1(Preparation(root, tmp_path / "out", seed=1, settings=[ANY]))
    assert [f.name for f in folders] == ["train", "dev", "test", "trials_dev", "trials_o_cleaned"]
    train, dev, test, _, trials = map(speakers, folders)
    assert len(train) == 8 and len(dev) == 2 and train | dev == set(DEV)  # a fifth at most is for tuning
    assert test == set(TEST) and trials == {"id10270", "id10309"}
    found = read_set(folders[-1])
    assert found.trials[0] == (1, "id10270--vid_000000-00001", "id10270--vid_000001-00001")
    assert len(found.recordings) == 3 and len(found.trials) == 3
    segment = next(s for s in found.supervisions if s.speaker == "id10309")
    assert segment.gender == "m" and segment.alignment is None
    assert segment.custom == {"corpus": "vox1", "session": "id10309--vid_000000"}
    assert "any_trials" not in "".join(said) and any("3 trials, 1 of them target; the list" in line for line in said)
    assert read_json(tmp_path / "out" / "corpus.json") == {"origin": "VoxCeleb1 (utterances taken whole)"}


def test_the_parts_in_folders_of_their_own_give_the_same(root: Path, tmp_path: Path) -> None:
    prepare_voxceleb1(Preparation(root, tmp_path / "one", settings=[ANY]))
    for part, names in (("dev", DEV), ("test", TEST)):
        (root / part / "wav").mkdir(parents=True)
        for name in names:
            (root / "wav" / name).rename(root / part / "wav" / name)
    (root / "wav").rmdir()
    prepare_voxceleb1(Preparation(root, tmp_path / "two", settings=[ANY]))
    for name in ("train", "trials_o_cleaned"):
        assert (tmp_path / "one" / name / "ref.rttm").read_bytes() == (
            tmp_path / "two" / name / "ref.rttm"
        ).read_bytes()


def test_the_ancestors_split_is_leaky_and_says_so(root: Path, tmp_path: Path, said: list[str]) -> None:
    folders = prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY, "ancestor_split=true"]))
    sets = {f.name: speakers(f) for f in folders}
    assert len(sets["train"]) == 4 and len(sets["dev"]) == 1 and sets["train"] | sets["dev"] == set(TEST)
    about = read_json(tmp_path / "out" / "corpus.json")
    assert about["leaky"].startswith("leaky: for comparison only") and about["leaky"] in about["origin"]
    assert about["leaky"] in said


def test_lists_of_all_speakers_leave_nothing_to_train_on(root: Path, tmp_path: Path, said: list[str]) -> None:
    dev = "id10001/-vid_000000/00001.wav"
    (root / "list_test_hard2.txt").write_text(f"0 {A} {dev}\n1 {A} {B}\n1 {A} {B}\n")
    said.clear()
    settings = [ANY, "trials=[O-cleaned,H-cleaned]"]
    folders = prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=settings))
    assert [f.name for f in folders] == ["test", "trials_o_cleaned", "trials_h_cleaned"]
    assert speakers(folders[-1]) == {"id10270", "id10001"}
    assert any("1 pairs are in it more than once" in line for line in said)
    assert len(read_set(folders[-1]).trials) == 2


def test_the_test_part_alone_does(root: Path, tmp_path: Path) -> None:
    for name in DEV:
        (root / "wav" / name).rename(tmp_path / name)
    folders = prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY, "parts=[test]"]))
    assert [f.name for f in folders] == ["test", "trials_o_cleaned"]


def test_a_limit_keeps_the_trials_that_remain(root: Path, tmp_path: Path) -> None:
    (root / "veri_test2.txt").write_text(
        f"1 {A} {B}\n0 {A} {C}\n0 {B} {C}\n"
        + "".join(f"1 {s}/-vid_000000/00001.wav {s}/-vid_000001/00002.wav\n" for s in TEST)
    )
    folders = prepare_voxceleb1(Preparation(root, tmp_path / "out", limit=2, settings=[ANY]))
    assert len(speakers(tmp_path / "out" / "train")) == 2 == len(speakers(tmp_path / "out" / "test"))
    kept = read_set(folders[-1]).trials
    assert 2 <= len(kept) < 8 and speakers(folders[-1]) <= speakers(tmp_path / "out" / "test")


def test_missing_files_are_named_counted_and_skipped_only_if_asked(root: Path, tmp_path: Path, said: list[str]) -> None:
    (root / "wav" / C).unlink()
    (root / "wav" / "id10001" / "-vid_000000" / "00001.wav").unlink()
    with pytest.raises(MimidiarError) as error:
        prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY]))
    message = str(error.value)
    assert "2 of 60 utterances are missing: id10001--vid_000000-00001, id10309--vid_000000-00002." in message
    assert "--set skip_missing=true" in message and not (tmp_path / "out").exists()
    said.clear()
    prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY, "skip_missing=true"]))
    assert any("Left out." in line for line in said) and any("1 of 3 trials kept" in line for line in said)


def test_without_a_list_of_files_their_number_has_to_do(root: Path, tmp_path: Path) -> None:
    (root / "iden_split.txt").unlink()
    (root / "vox1_meta.csv").unlink()
    message = r"40 of 148642 in the dev part and 20 of 4874 in the test part; put VGG's iden_split.txt"
    with pytest.raises(MimidiarError, match=message):
        prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY]))
    prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY, "skip_missing=true"]))
    assert speakers(tmp_path / "out" / "test") == set(TEST)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (TRIALS, r"veri_test2.txt: 3 trials, 1 of them target; the list O-cleaned has 37611 and 18802"),
        ("2 a b\n", r"veri_test2.txt, line 1: '2 a b' is not `0\|1 SPEAKER/VIDEO/N.wav"),
        (f"1 {A} {B}\n0 {A} {B}\n", r"are called the same speaker and different ones"),
    ],
)
def test_wrong_lists(root: Path, tmp_path: Path, lines: str, message: str) -> None:
    (root / "veri_test2.txt").write_text(lines)
    settings = [] if lines == TRIALS else [ANY]
    with pytest.raises(MimidiarError, match=message):
        prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["trials=[X]"], r"--set trials: there is no 'X'; name one or more of O, O-cleaned, E"),
        (["parts=[dev]"], "the test part cannot be left out"),
        (["skip_mising=true"], "unknown key 'skip_mising'; did you mean 'skip_missing'"),
        (["trials=[O]"], r"veri_test.txt: no such file; stage 0 fetches"),
    ],
)
def test_wrong_settings(root: Path, tmp_path: Path, settings: list[str], message: str) -> None:
    with pytest.raises(MimidiarError, match=message):
        prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=settings))


def test_another_version_of_the_corpus(root: Path, tmp_path: Path) -> None:
    write_audio(root / "wav" / "id10270" / "-vid_000000" / "00001.wav", rate=48000)
    with pytest.raises(
        MimidiarError, match=r"1 of 60 files cannot be used; unpack them again:\n.*1 channel\(s\) at 48000 Hz"
    ):
        prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY]))
    write_audio(root / "wav" / "id00012" / "v" / "00001.wav")
    with pytest.raises(MimidiarError, match=r"1 files are of no speaker of VoxCeleb1 .*id00012-v-00001. Is this"):
        prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(MimidiarError, match="neither wav nor dev/wav and test/wav"):
        prepare_voxceleb1(Preparation(tmp_path / "empty", tmp_path / "out", settings=["trials=[]"]))


def test_speech_segments_if_asked(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.setattr("mimidiar.corpora.utterances.speech_segments", lambda audio: [[(0.2, 0.7)] for _ in audio])
    said.clear()
    folders = prepare_voxceleb1(Preparation(root, tmp_path / "out", settings=[ANY, "vad=true"]))
    assert any("by silero-vad: about 0 min on one core" in line for line in said)
    (item,) = next(iter(read_set(folders[0]).supervisions)).alignment["vad"]
    assert (item.start, item.duration) == (0.2, 0.5)


def test_the_command_looks_where_the_environment_says(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.rename(tmp_path / "voxceleb1")
    monkeypatch.setenv("DIARIZATION_ROOT", str(tmp_path))
    result = CliRunner().invoke(command, ["voxceleb1", str(tmp_path / "out"), "--set", ANY])
    assert result.exit_code == 0 and (tmp_path / "out" / "trials_o_cleaned" / "trials").is_file()


@pytest.mark.skipif(not LISTS.is_file(), reason="no lists of trials at hand (MIMIDIAR_MINI_CORPUS)")
def test_the_real_lists_have_the_published_numbers(tmp_path: Path, said: list[str]) -> None:
    with tarfile.open(LISTS) as archive:
        archive.extractall(tmp_path, filter="data")
    for name, file in (("O", "voxceleb1_veri_test.txt"), ("O-cleaned", "voxceleb1_veri_test_fixed.txt")):
        (tmp_path / file).rename(tmp_path / TRIAL_LISTS[name][0])
        trials = voxceleb._read_list(tmp_path, name, False)
        assert len(trials) == {"O": 37720, "O-cleaned": 37611}[name] and not said
        assert len({utterance.split("-")[0] for _, *pair in trials for utterance in pair}) == 40
