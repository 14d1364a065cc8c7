"""Stage 0 of AMI against a server on this machine."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.annotation.rttm import read_rttm
from mimidiar.cli.data import download as download_command
from mimidiar.corpora import ami, download
from mimidiar.corpora.ami import download_ami, prepare_ami
from mimidiar.corpora.preparation import Preparation
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.meetings import AMI_SEC, write_ami
from mimidiar.tests.corpora.served import Server, serve
from mimidiar.tests.corpora.test_ami import ONLY_WORDS


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A small AMI on a server of this machine: two test meetings of 8 s and their annotations."""
    source = write_ami(tmp_path / "source")
    archive = Path(shutil.make_archive(str(tmp_path / "nxt"), "zip", source / "ami_public_manual_1.6.2")).read_bytes()
    monkeypatch.setattr(download, "PAUSE_SEC", 0.0)
    monkeypatch.setattr(ami, "ANNOTATIONS_BYTES", len(archive))
    monkeypatch.setattr(ami, "ANNOTATIONS_SHA256", hashlib.sha256(archive).hexdigest())
    monkeypatch.setattr(ami, "meetings_of", lambda name: ["ES2004a", "TS3003b"] if name == "test" else [])
    monkeypatch.setattr(ami, "HOURS", {"train": 0.0, "dev": 0.0, "test": 2 * AMI_SEC / 3600})
    with serve() as state:
        monkeypatch.setattr(ami, "HOST", state.url)
        state.files["/AMICorpusAnnotations/ami_public_manual_1.6.2.zip"] = archive
        for path in (source / "wav_db").rglob("*.wav"):
            name = f"/AMICorpusMirror/amicorpus/{path.relative_to(source / 'wav_db')}"
            state.files[name] = path.read_bytes()
        yield state


def test_what_is_downloaded_can_be_prepared(server: Server, tmp_path: Path, said: list[str]) -> None:
    ran = CliRunner().invoke(download_command, ["ami", str(tmp_path / "downloads"), "--set", "sets=test"])
    assert ran.exit_code == 0, ran.output
    assert "AMI: 2 meetings (Mix-Headset) and annotations" in said[0] and "CC BY 4.0" in said[0]
    prepare_ami(Preparation(None, tmp_path / "out", downloads=tmp_path / "downloads", settings=["sets=test"]))
    assert read_rttm(tmp_path / "out" / "test" / "ref.rttm") == ONLY_WORDS


def test_an_interrupted_download_goes_on_and_fetches_nothing_twice(server: Server, tmp_path: Path) -> None:
    missing = server.files.pop("/AMICorpusMirror/amicorpus/TS3003b/audio/TS3003b.Mix-Headset.wav")
    with pytest.raises(MimidiarError, match=r"TS3003b.Mix-Headset.wav: the server answers 404"):
        download_ami(tmp_path, settings=["sets=test"])
    before = len(server.requests)
    server.files["/AMICorpusMirror/amicorpus/TS3003b/audio/TS3003b.Mix-Headset.wav"] = missing
    download_ami(tmp_path, ["sets=test"])
    assert len(server.requests) == before + 1
    download_ami(tmp_path, ["sets=test"])
    assert len(server.requests) == before + 1


def test_space_and_checksum_come_first(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami, "HOURS", {"train": 0.0, "dev": 0.0, "test": 1e9})
    with pytest.raises(MimidiarError, match=r"takes .* GB and .* are free on this disk"):
        download_ami(tmp_path, settings=["sets=test"])
    assert server.requests == []
    monkeypatch.setattr(ami, "HOURS", {"train": 0.0, "dev": 0.0, "test": 0.0})
    monkeypatch.setattr(ami, "ANNOTATIONS_SHA256", "0" * 64)
    with pytest.raises(MimidiarError, match="sha256"):
        download_ami(tmp_path, settings=["sets=test"])
    assert not list((tmp_path / "ami").glob("*.zip")) and not (tmp_path / "ami" / "wav_db").exists()


def test_the_array_microphone(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    """IS1003b, of which there is no such recording, is not asked for."""
    monkeypatch.setattr(ami, "meetings_of", lambda name: ["ES2004a", "IS1003b"])
    audio = server.files["/AMICorpusMirror/amicorpus/ES2004a/audio/ES2004a.Mix-Headset.wav"]
    server.files["/AMICorpusMirror/amicorpus/ES2004a/audio/ES2004a.Array1-01.wav"] = audio
    said.clear()
    download_ami(tmp_path, ["sets=test", "mic=sdm"])
    assert said[0].startswith("AMI: 1 meetings (Array1-01)")
    assert [path.rsplit("/", 1)[1] for path, _ in server.requests[1:]] == ["ES2004a.Array1-01.wav"]
    with pytest.raises(MimidiarError, match="--set mic=array: choose of mix, sdm"):
        download_ami(tmp_path, ["mic=array"])
