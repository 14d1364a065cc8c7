"""VoxConverse on a made-up tree in the layout of its zips, and the real annotation where it is at hand."""

import io
import os
import shutil
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.corpora import download, voxconverse
from mimidiar.corpora.preparation import Preparation
from mimidiar.corpora.voxconverse import PUBLISHED, digest_of_words, download_voxconverse, prepare_voxconverse
from mimidiar.data.manifests import read_set
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.meetings import VOX_ANNOTATIONS, VOX_RTTM, VOX_SEC, write_voxconverse
from mimidiar.tests.corpora.served import Server, serve
from mimidiar.tests.corpora.trees import write_audio
from mimidiar.tests.logged import logged

PACK = os.environ.get("MIMIDIAR_MINI_CORPUS")


def prepare(root: Path, out: Path, *settings: str, by: Callable = prepare_voxconverse) -> tuple[list[Path], list[str]]:
    with logged() as said:
        return by(Preparation(root, out, settings=settings)), said


def example() -> Callable:
    """What egs/README.md shows as all that a corpus needs."""
    page = (Path(__file__).parents[3] / "egs" / "README.md").read_text()
    code = textwrap.dedent(page.partition("```python\n")[2].partition("   ```\n")[0])
    assert 0 < len(code.splitlines()) <= 30
    names: dict = {}
    exec(code, names)
    return names["prepare_voxconverse"]


both = pytest.mark.parametrize("by", [prepare_voxconverse, example()], ids=["the package", "the example of the README"])


def test_sets_and_speakers_of_their_own(tmp_path: Path) -> None:
    folders, said = prepare(write_voxconverse(tmp_path / "vox"), tmp_path / "out")
    assert folders == [tmp_path / "out" / "dev", tmp_path / "out" / "test"]
    assert read_rttm(folders[1] / "ref.rttm") == {
        "aepyx": [Turn("aepyx", 0.0, 1.5, "aepyx-spk00"), Turn("aepyx", 1.25, 3.0, "aepyx-spk01")],
        "aggyz": [Turn("aggyz", 0.25, 2.25, "aggyz-spk00")],
    }
    assert read_rttm(folders[0] / "ref.rttm") == {"abjxc": [Turn("abjxc", 0.4, 2.04, "abjxc-spk00")]}
    assert read_set(folders[1]).uem == {"aepyx": [(0.0, VOX_SEC)], "aggyz": [(0.0, VOX_SEC)]}
    assert any("test      2 recordings" in line and "3 speakers" in line for line in said)


def test_the_example_of_the_recipes_readme_makes_the_same_sets(tmp_path: Path) -> None:
    root = write_voxconverse(tmp_path / "vox")
    prepare(root, tmp_path / "example", by=example())
    prepare(root, tmp_path / "out")
    for file in (*(tmp_path / "out/dev").iterdir(), *(tmp_path / "out/test").iterdir()):
        assert file.read_bytes() == (tmp_path / "example" / file.relative_to(tmp_path / "out")).read_bytes()


def test_lhotse_layout_and_one_set_alone(tmp_path: Path) -> None:
    for name, text in VOX_RTTM.items():
        if name.startswith("test"):
            write_audio(tmp_path / "vox" / f"{name}.wav", VOX_SEC)
            (tmp_path / "vox" / f"{name}.rttm").write_text(text)
    folders, _ = prepare(tmp_path / "vox", tmp_path / "out", "sets=test")
    assert [r.id for r in read_set(folders[0]).recordings] == ["aepyx", "aggyz"]
    folders, _ = prepare(tmp_path / "vox", tmp_path / "out", "sets=test", "prefix=voxconverse_")
    assert folders == [tmp_path / "out" / "voxconverse_test"]
    with pytest.raises(MimidiarError, match=r"vox/dev: no wav file in it; run stage 0, or leave the set out"):
        prepare(tmp_path / "vox", tmp_path / "both")
    with pytest.raises(MimidiarError, match="sets=train: choose of dev, test"):
        prepare(tmp_path / "vox", tmp_path / "both", "sets=train")


@both
def test_what_is_missing_is_named_refused_or_left_out(tmp_path: Path, by: Callable) -> None:
    root = write_voxconverse(tmp_path / "vox")
    (root / "test" / "voxconverse_test_wav" / "aepyx.wav").unlink()
    write_audio(root / "test" / "voxconverse_test_wav" / "zzzzz.wav", VOX_SEC)
    with pytest.raises(MimidiarError) as error:
        prepare(root, tmp_path / "out", by=by)
    assert "1 of 3 recordings have no audio" in str(error.value) and "aepyx" in str(error.value)
    assert "1 of 3 recordings have no reference: zzzzz" in str(error.value)
    assert not (tmp_path / "out").exists()
    folders, said = prepare(root, tmp_path / "out", "skip_missing=true", by=by)
    assert [r.id for r in read_set(folders[1]).recordings] == ["aggyz"]
    assert sum("left out" in line for line in said) == 2


@both
def test_an_empty_reference_is_none(tmp_path: Path, by: Callable) -> None:
    root = write_voxconverse(tmp_path / "vox")
    next(root.rglob("aggyz.rttm")).write_text("")
    with pytest.raises(MimidiarError, match="test: 1 of 2 recordings have no reference: aggyz"):
        prepare(root, tmp_path / "out", by=by)


@both
def test_annotation_beyond_the_audio(tmp_path: Path, by: Callable) -> None:
    root = write_voxconverse(tmp_path / "vox")
    write_audio(root / "test" / "voxconverse_test_wav" / "aggyz.wav", 2.0)
    with pytest.raises(MimidiarError, match=r"aggyz \(1 turn\(s\), until 2.250 s; the audio lasts 2.000 s\)"):
        prepare(root, tmp_path / "out", by=by)
    folders, said = prepare(root, tmp_path / "out", "cut_beyond_audio=true", by=by)
    assert read_rttm(folders[1] / "ref.rttm")["aggyz"] == [Turn("aggyz", 0.25, 2.0, "aggyz-spk00")]
    assert any("1 recording(s) with a reference that goes on after the audio: aggyz" in line for line in said)


def test_two_references_of_one_recording(tmp_path: Path) -> None:
    root = write_voxconverse(tmp_path / "vox")
    shutil.copytree(root / VOX_ANNOTATIONS, root / "voxconverse-master")
    with pytest.raises(MimidiarError, match="abjxc has two references"):
        prepare(root, tmp_path / "again")


def test_another_version_of_the_real_annotation_is_refused(tmp_path: Path) -> None:
    if not PACK:
        pytest.skip("the published annotation is in the corpus folder")
    with tarfile.open(Path(PACK) / "refs" / "voxconverse_v0.3_rttm.tar.xz") as archive:
        archive.extractall(tmp_path / "rttm", filter="data")
    for name, count in (("dev", 216), ("test", 232)):
        files = {path.stem: path for path in (tmp_path / "rttm" / name).glob("*.rttm")}
        assert len(files) == count and digest_of_words(files) == PUBLISHED[name][1]
        for recording in files:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{recording}.wav").touch()
        talks = voxconverse.read_voxconverse(tmp_path, name)
        assert len(talks) == count and all(talk.turns for talk in talks)
    path = tmp_path / "rttm" / "test" / "aepyx.rttm"
    path.write_text(path.read_text().replace("\n", "\r\n"))
    voxconverse.read_voxconverse(tmp_path, "test")  # other line ends are not another version
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(MimidiarError, match=r"rttm/test: this is not version 0.3 .*24bf60be"):
        voxconverse.read_voxconverse(tmp_path, "test")


def zipped(root: Path, folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(root))
    return stream.getvalue()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    root = write_voxconverse(tmp_path / "source")
    monkeypatch.setattr(download, "PAUSE_SEC", 0.0)
    monkeypatch.setattr(voxconverse, "AUDIO_SHA256", dict.fromkeys(PUBLISHED))
    for name in ("ZIP_GB", "WAV_GB"):
        monkeypatch.setattr(voxconverse, name, {"dev": 0.001, "test": 0.002})
    with serve() as state:
        monkeypatch.setattr(voxconverse, "AUDIO_URL", state.url + "/{}.zip")
        monkeypatch.setattr(voxconverse, "ANNOTATIONS_URL", state.url + "/annotations.zip")
        for name in PUBLISHED:
            state.files[f"/{name}.zip"] = zipped(root / name, root / name)
        state.files["/annotations.zip"] = zipped(root, root / VOX_ANNOTATIONS)
        yield state


def test_what_is_downloaded_can_be_prepared(server: Server, tmp_path: Path, said: list[str]) -> None:
    download_voxconverse(tmp_path / "downloads")
    assert "0.0 GB from robots.ox.ac.uk" in said[0] and "5.0 MB into" in said[1]
    assert not list((tmp_path / "downloads").rglob("*.zip"))
    folders = prepare_voxconverse(Preparation(None, tmp_path / "out", downloads=tmp_path / "downloads"))
    assert len(read_set(folders[1]).recordings) == 2
    download_voxconverse(tmp_path / "downloads")
    assert len(server.requests) == 3


def test_a_broken_download_goes_on(server: Server, tmp_path: Path, said: list[str]) -> None:
    annotations = server.files.pop("/annotations.zip")
    with pytest.raises(MimidiarError, match=r"annotations.zip: the server answers 404"):
        download_voxconverse(tmp_path)
    server.files["/annotations.zip"] = annotations
    shutil.rmtree(tmp_path / "voxconverse" / "dev")
    dev = server.files["/dev.zip"]
    (tmp_path / "voxconverse" / "dev.zip.partial").write_bytes(dev[:1000])
    said.clear()
    download_voxconverse(tmp_path)
    assert ": 2.0 MB into" in said[1]  # 1 MB of audio and its zip, less the 1000 bytes that are there
    assert server.requests[-2] == ("/dev.zip", "bytes=1000-")
    assert [path for path, _ in server.requests] == [
        "/dev.zip",
        "/test.zip",
        "/annotations.zip",
        "/dev.zip",
        "/annotations.zip",
    ]
    with pytest.raises(MimidiarError, match="voxconverse has no settings"):
        download_voxconverse(tmp_path, settings=["sets=dev"])
