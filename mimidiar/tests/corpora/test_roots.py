"""Where corpora are looked for, and that every corpus refuses what it does not know."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.cli.data import download as command
from mimidiar.corpora import corpora, corpus_function
from mimidiar.corpora.preparation import Preparation
from mimidiar.errors import MimidiarError


def find_root(root: Path | None, downloads: Path, name: str) -> Path:
    return Preparation(root, "out", downloads=downloads).find_root(name)


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIARIZATION_ROOT", "ENCODER_MODIFICATION_ROOT"):
        monkeypatch.delenv(name, raising=False)


def test_the_order_of_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project" / "data" / "voxceleb1"
    project.mkdir(parents=True)
    monkeypatch.setenv("DIARIZATION_ROOT", str(tmp_path / "corpora"))
    monkeypatch.setenv("ENCODER_MODIFICATION_ROOT", str(tmp_path / "project"))
    assert find_root(None, tmp_path / "downloads", "voxceleb1") == project
    (tmp_path / "corpora" / "voxceleb1").mkdir(parents=True)
    assert find_root(None, tmp_path / "downloads", "voxceleb1") == tmp_path / "corpora" / "voxceleb1"
    (tmp_path / "downloads" / "voxceleb1").mkdir(parents=True)
    assert find_root(None, tmp_path / "downloads", "voxceleb1") == tmp_path / "downloads" / "voxceleb1"
    assert find_root(tmp_path, tmp_path / "downloads", "voxceleb1") == tmp_path


def test_a_corpus_that_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIARIZATION_ROOT", "/corpora")
    with pytest.raises(MimidiarError, match=r"musan: neither --corpus nor .*/musan nor /corpora/musan; run stage 0"):
        find_root(None, tmp_path, "musan")
    with pytest.raises(MimidiarError, match=r"nowhere: no such folder; --corpus names the folder that holds musan"):
        find_root(tmp_path / "nowhere", tmp_path, "musan")


def test_downloads_go_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "mimidiar.corpora.sounds.download_musan", lambda downloads, settings: asked.append(str(downloads))
    )
    for arguments, environment in ((["musan"], {}), (["musan"], {"DIARIZATION_ROOT": "/c"}), (["musan", "here"], {})):
        assert CliRunner().invoke(command, arguments, env=environment).exit_code == 0
    assert asked == ["downloads", "/c", "here"]


@pytest.mark.parametrize("name", corpora())
def test_every_corpus_refuses_a_setting_that_it_does_not_know(name: str, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"nonsense"):
        corpus_function("prepare", name)(Preparation(tmp_path, tmp_path / "out", settings=["nonsense=1"]))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", corpora("download"))
def test_every_download_refuses_a_setting_that_it_does_not_know(name: str, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"nonsense"):
        corpus_function("download", name)(tmp_path, ["nonsense=1"])
    assert not list(tmp_path.iterdir())
