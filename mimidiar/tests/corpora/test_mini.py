"""`prepare mini`: from a folder, from mini LibriSpeech, from nothing; and the real mini corpus if it is at hand."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.cli.data import prepare as command
from mimidiar.corpora import corpus_function, mini, voices
from mimidiar.corpora.librispeech import is_complete
from mimidiar.corpora.mini import read_mini_corpus
from mimidiar.corpora.preparation import Preparation
from mimidiar.data.manifests import read_set
from mimidiar.encoders.vad import speech_segments
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.trees import edit, write_audio, write_pack

PACK = os.environ.get(mini.CORPUS_VARIABLE)


@pytest.fixture(autouse=True)
def no_corpus_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(mini.CORPUS_VARIABLE, raising=False)


@pytest.fixture
def speech_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up trees hold noise, in which no speech would be found."""
    monkeypatch.setattr("mimidiar.corpora.utterances.speech_segments", lambda audio: [[(0.1, 0.8)] for _ in audio])


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_sets_of_a_folder(tmp_path: Path, speech_everywhere: None, said: list[str]) -> None:
    root = write_pack(tmp_path / "pack", speakers=40)
    (root / "words" / "trials_x.txt").write_text("1 w-00-0 w-00-1\n0 w-00-0 w-01-0\n")
    said.clear()
    folders = mini.prepare_mini(Preparation(root, tmp_path / "out", seed=3))
    assert [f.name for f in folders] == ["train", "dev", "test", "trials_x", "talks"]
    speakers = {f.name: {s.speaker for s in read_set(f).supervisions} for f in folders}
    assert len(speakers["train"] | speakers["dev"] | speakers["test"]) == 40
    assert not speakers["train"] & (speakers["dev"] | speakers["test"] | speakers["trials_x"])
    trials = read_set(tmp_path / "out" / "trials_x")
    assert [r.id for r in trials.recordings] == ["w-00-0", "w-00-1", "w-01-0"] and len(trials.trials or []) == 2
    supervision = next(iter(trials.supervisions))
    assert supervision.custom == {"corpus": "w", "session": "session-0"} and supervision.gender == "f"
    (item,) = supervision.alignment["vad"]
    assert (item.symbol, item.start, item.duration) == ("speech", 0.1, 0.7)
    mini.prepare_mini(Preparation(root, tmp_path / "again", seed=3))
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "again")


def test_utterances_without_speech_are_dropped_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    root = write_pack(tmp_path / "pack", speakers=40)
    (root / "words" / "trials_x.txt").write_text("1 w-00-0 w-00-1\n0 w-00-0 w-01-0\n")
    # The first three utterances are w-00-0, w-00-1, w-01-0.
    found = [[] if k == 2 else [(0.0, 0.5)] for k in range(80)]
    monkeypatch.setattr("mimidiar.corpora.utterances.speech_segments", lambda audio: found[: len(list(audio))])
    said.clear()
    mini.prepare_mini(Preparation(root, tmp_path / "out"))
    assert any("no speech was found in 1 of 80 utterances" in line and line.endswith("w-01-0") for line in said)
    assert any("trials_x: 1 of 2 trials kept" in line for line in said)


def test_a_limit_of_speakers(tmp_path: Path, speech_everywhere: None) -> None:
    root = write_pack(tmp_path / "pack", speakers=40, utterances=12)
    mini.prepare_mini(Preparation(root, tmp_path / "out", limit=2))
    found = read_set(tmp_path / "out" / "train")
    assert len({s.speaker for s in found.supervisions}) == 2 and len(found.supervisions) == 20


def test_nothing_is_written_when_a_record_is_wrong(tmp_path: Path, speech_everywhere: None) -> None:
    root = write_pack(tmp_path / "pack", speakers=40)
    (root / "talks" / "audio" / "talk.flac").unlink()
    with pytest.raises(MimidiarError, match=r"recordings.tsv:2 \(talk\): .*talk.flac: no such audio file"):
        mini.prepare_mini(Preparation(root, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_wrong_length_is_found_while_listening(tmp_path: Path) -> None:
    root = write_pack(tmp_path / "pack", speakers=4)
    edit(root / "words" / "utts.tsv", "flac/w-01-0.flac\t1.000", "flac/w-01-0.flac\t1.500")
    with pytest.raises(MimidiarError, match=r"utts.tsv:4 \(w-01-0\): .*lasts 1.000 s, but the row says 1.500 s"):
        mini.prepare_mini(Preparation(root, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_unknown_corpus_and_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"unknown corpus 'maxi'; choose one of: ami.*mini"):
        corpus_function("prepare", "maxi")
    with pytest.raises(
        MimidiarError, match=r"unknown corpus 'voxceleb'; choose one of: .*; did you mean 'voxceleb1'\?"
    ):
        corpus_function("download", "voxceleb")
    result = CliRunner().invoke(command, ["mini", str(tmp_path / "out"), "--corpus", str(tmp_path / "nowhere")])
    assert isinstance(result.exception, MimidiarError) and "nowhere: no such corpus folder" in str(result.exception)


def test_mini_librispeech(tmp_path: Path) -> None:
    root = tmp_path / "downloads" / "mini_librispeech"
    for part, speakers in (("train-clean-5", (1, 2)), ("dev-clean-2", (3, 4, 5, 6))):
        for speaker in speakers:
            for n in range(3):
                write_audio(root / "LibriSpeech" / part / str(speaker) / "77" / f"{speaker}-77-000{n}.flac")
        assert is_complete(root) == (part == "dev-clean-2")
    men = "".join(f"{k} | M | x | 1 | y\n" for k in range(2, 7))
    text = f";ID |SEX| SUBSET\n1 | F | train-clean-5 | 25 | Ann\n{men}"
    (root / "LibriSpeech" / "SPEAKERS.TXT").write_text(text)
    pack = mini.find_mini_corpus(Preparation(None, tmp_path, downloads=tmp_path / "downloads"))
    assert pack.utterances[0].id == "ls-1-77-0000" and pack.utterances[0].gender == "f"
    assert pack.split["ls-1"] == "train" and pack.split["ls-3"] == "dev"
    trials = pack.trials["trials_heldout"]
    assert sum(label for label, *_ in trials) == 12 and len(trials) == len(set(trials)) == 48


def test_synthetic_voices_when_there_is_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    few = {gender: " ".join(names.split()[:6]) for gender, names in voices.VARIANTS.items()}
    monkeypatch.setattr(voices, "VARIANTS", few)
    monkeypatch.setattr(voices, "UTTERANCES_PER_VOICE", 2)
    said.clear()
    mini.prepare_mini(Preparation(None, tmp_path / "out", downloads=tmp_path / "none"))
    assert "SYNTHETIC VOICES" in said[0] and "nothing about Mimi" in said[0]
    speech = sum(i.duration for s in read_set(tmp_path / "out" / "test").supervisions for i in s.alignment["vad"])
    total = sum(s.duration for s in read_set(tmp_path / "out" / "test").supervisions)
    assert 0.6 < speech / total < 1.0  # silero-vad hears them as speech


def test_speech_segments_do_not_depend_on_what_is_beside_them(tmp_path: Path) -> None:
    from mimidiar.audio.files import read_audio

    root = voices.write_voices(tmp_path / "v", 0) if PACK is None else Path(PACK)
    paths = sorted(root.rglob("*.flac"), key=lambda path: path.stat().st_size)[:300:50]  # short, of different lengths
    audio = [read_audio(path, 16000) for path in paths]
    together = list(speech_segments(audio))
    assert together == [next(iter(speech_segments([samples]))) for samples in audio]
    assert all(0 <= a < b <= len(x) / 16000 for x, spans in zip(audio, together, strict=True) for a, b in spans)


@pytest.mark.skipif(PACK is None, reason="no real speech at hand (MIMIDIAR_MINI_CORPUS)")
def test_the_real_pack(tmp_path: Path) -> None:
    mini.prepare_mini(Preparation(PACK, tmp_path, seed=0, limit=4))
    sets = {path.name: read_set(path) for path in tmp_path.iterdir() if path.is_dir()}
    assert set(sets) == {"train", "dev", "test", "trials_dev", "trials_testother6", "ami_excerpts"}
    excerpts = read_mini_corpus(PACK).conversations["ami_excerpts"]
    assert len(excerpts) == 12 and sum(turn.duration for own in excerpts for turn in own.turns) > 200
    first = excerpts[: len(sets["ami_excerpts"].recordings)]
    assert {recording.id for recording in first} == set(sets["ami_excerpts"].recordings.ids)
    assert len({turn.speaker for own in first for turn in own.turns}) <= 4
    assert sum(turn.duration for turn in sets["ami_excerpts"].supervisions) > 40
    for name in ("train", "dev", "test"):
        corpora = {}
        for s in sets[name].supervisions:
            corpora.setdefault(s.custom["corpus"], set()).add(s.speaker)
        assert all(len(speakers) == 4 for speakers in corpora.values()) and {"ls", "so762"} <= set(corpora)
