"""Corpora that come as archives, from a server on this machine: VoxCeleb1, LibriSpeech, MUSAN, RIRs."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from lhotse.recipes import librispeech as lhotse_librispeech
from lhotse.recipes import musan as lhotse_musan
from lhotse.recipes import rir_noise as lhotse_rirs
from lhotse.recipes import voxceleb as lhotse_voxceleb

from mimidiar.cli.data import download as command
from mimidiar.corpora import librispeech, sounds, voxceleb_download
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.served import Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        yield state


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def tarred(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def vgg(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """VGG's host: the dev part in four pieces, the test part, and the lists."""
    dev = zipped(**{"wav/id10001/v/00001.wav": "dev" * 100})
    test = zipped(**{"wav/id10270/v/00001.wav": "test"})
    cuts = [0, 40, 90, 200, len(dev)]
    files = {f"vox1_dev_wav_parta{x}": dev[a:b] for x, a, b in zip("abcd", cuts, cuts[1:], strict=False)}
    files["vox1_test_wav.zip"] = test
    server.files |= {f"/{name}": data for name, data in files.items()}
    server.files |= {f"/meta/{name}": name.encode() for name in voxceleb_download.META_FILES}
    urls = [f"{server.url}/{name}" for name in files]
    monkeypatch.setattr(lhotse_voxceleb, "VOXCELEB1_PARTS_URL", urls)
    monkeypatch.setattr(voxceleb_download, "META_URL", f"{server.url}/meta")
    monkeypatch.setattr(voxceleb_download, "MD5", {name: md5(data) for name, data in files.items()})
    monkeypatch.setattr(voxceleb_download, "SIZES", {"dev": (1e6, 1e6), "test": (1e5, 1e5)})
    return server


def test_voxceleb1_in_pieces_with_a_password(
    vgg: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("VOXCELEB_USER", "ann")
    monkeypatch.setenv("VOXCELEB_PASSWORD", "secret")
    said.clear()
    folder = voxceleb_download.download_voxceleb1(tmp_path)
    found = tree(folder)
    assert found["wav/id10001/v/00001.wav"] == "dev" * 100 and found["wav/id10270/v/00001.wav"] == "test"
    assert found["veri_test2.txt"] == "veri_test2.txt" and "vox1_meta.csv" in found
    assert not any("vox1_dev_wav" in name or name.endswith(".zip") for name in found)  # the archives are gone
    assert all(headers["Authorization"] == "Basic YW5uOnNlY3JldA==" for headers in vgg.headers)
    assert "VoxCeleb1, dev and test part (archives and what is in them): 2.1 MB into" in said[0]
    asked = len(vgg.requests)
    voxceleb_download.download_voxceleb1(tmp_path)
    assert "already there" in said[1] and len(vgg.requests) == asked


def test_the_test_part_of_voxceleb1_alone(vgg: Server, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["voxceleb1", str(tmp_path), "--set", "parts=[test]"])
    assert result.exit_code == 0
    assert not any("dev_wav" in path for path, _ in vgg.requests)


def test_voxceleb1_for_those_who_did_not_register(vgg: Server, tmp_path: Path) -> None:
    vgg.status = 401
    with pytest.raises(MimidiarError) as error:
        voxceleb_download.download_voxceleb1(tmp_path)
    message = str(error.value)
    assert "answers 401" in message and "set VOXCELEB_USER and VOXCELEB_PASSWORD" in message
    assert "vox1_dev_wav_partaa, vox1_dev_wav_partab" in message and str(tmp_path / "voxceleb1") in message


@pytest.fixture
def openslr(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """OpenSLR's host with small archives, and Google Drive with the word times."""
    monkeypatch.setattr(librispeech, "URL", f"{server.url}/{{resource}}/{{part}}.tar.gz")
    monkeypatch.setattr(librispeech, "ALIGNMENTS_URL", f"{server.url}/drive?id={{}}")
    monkeypatch.setattr(lhotse_librispeech, "LIBRISPEECH_ALIGNMENTS_URL", "https://drive.google.com/uc?id=abc")
    for part, (resource, _, _, count) in list(librispeech.PARTS.items()):
        data = tarred(**{f"LibriSpeech/{part}/1/2/1-2.trans.txt": part})
        server.files[f"/{resource}/{part}.tar.gz"] = data
        monkeypatch.setitem(librispeech.PARTS, part, (resource, md5(data), 1e5, count))
    server.files["/drive?id=abc"] = zipped(**{"LibriSpeech/dev-clean/1/2/1-2.alignment.txt": "words"})
    return server


def test_librispeech(openslr: Server, tmp_path: Path) -> None:
    folder = librispeech.download_librispeech(tmp_path)
    found = tree(folder / "LibriSpeech")
    assert {name for name in found if name.endswith(".trans.txt")} == {
        f"{part}/1/2/1-2.trans.txt" for part in ("train-clean-100", "dev-clean", "test-clean")
    }
    assert found["dev-clean/1/2/1-2.alignment.txt"] == "words"
    asked = len(openslr.requests)
    librispeech.download_librispeech(tmp_path)
    assert len(openslr.requests) == asked


def test_google_drive_asks_something_in_place_of_the_word_times(openslr: Server, tmp_path: Path) -> None:
    openslr.files["/drive?id=abc"] = b"<html>are you sure?</html>"
    with pytest.raises(MimidiarError, match=r"Google Drive sent a page .*uc\?id=abc in a browser.*alignments=false"):
        librispeech.download_librispeech(tmp_path)
    librispeech.download_librispeech(tmp_path, ["alignments=false"])
    with pytest.raises(MimidiarError, match="LibriSpeech has no part 'dev'"):
        librispeech.download_librispeech(tmp_path, ["parts=[dev]"])


def test_mini_librispeech_goes_on_after_a_break(openslr: Server, tmp_path: Path) -> None:
    whole = openslr.files["/31/train-clean-5.tar.gz"]
    folder = tmp_path / "mini_librispeech"
    folder.mkdir()
    (folder / "train-clean-5.tar.gz.partial").write_bytes(whole[:50])
    librispeech.download_mini_librispeech(tmp_path)
    assert librispeech.is_complete(folder)
    assert ("/31/train-clean-5.tar.gz", "bytes=50-") in openslr.requests


def test_musan_and_rirs(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    server.files["/musan.tar.gz"] = tarred(**{"musan/noise/x.wav": "noise"})
    server.files["/rirs_noises.zip"] = zipped(**{"RIRS_NOISES/pointsource_noises/x.wav": "noise"})
    monkeypatch.setattr(lhotse_musan, "MUSAN_URL", f"{server.url}/musan.tar.gz")
    monkeypatch.setattr(lhotse_rirs, "RIR_NOISE_ZIP_URL", f"{server.url}/rirs_noises.zip")
    with pytest.raises(MimidiarError, match=f"has the md5 [0-9a-f]+, expected {sounds.MUSAN_MD5}"):
        sounds.download_musan(tmp_path)
    monkeypatch.setattr(sounds, "MUSAN_MD5", md5(server.files["/musan.tar.gz"]))
    monkeypatch.setattr(sounds, "RIRS_MD5", md5(server.files["/rirs_noises.zip"]))
    assert tree(sounds.download_musan(tmp_path))["musan/noise/x.wav"] == "noise"
    assert (sounds.download_rirs(tmp_path) / "RIRS_NOISES" / "pointsource_noises" / "x.wav").is_file()
    said.clear()
    sounds.download_musan(tmp_path)
    assert said == [f"MUSAN from openslr.org (CC BY 4.0 and public domain): already there, in {tmp_path / 'musan'}"]


def test_space_is_looked_for_before_anything_is_fetched(
    vgg: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voxceleb_download, "SIZES", {"dev": (33e15, 40e15), "test": (1e9, 1e9)})
    with pytest.raises(MimidiarError, match=r"takes 7\d+ GB and .* are free on this disk; free"):
        voxceleb_download.download_voxceleb1(tmp_path)
    assert not vgg.requests
