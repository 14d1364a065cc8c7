"""Archives: whole, in parts, damaged, hostile."""

import io
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from mimidiar.corpora.unpack import unpack
from mimidiar.errors import MimidiarError

BODY = random.Random(0).randbytes(200_000)


def zipped(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("cuts", [(), (1,), (700, 150_000)])
def test_archives_also_in_parts(tmp_path: Path, pack: object, cuts: tuple[int, ...]) -> None:
    content = {"x/one.wav": BODY, "x/y/two.wav": b"two"}
    archive = pack(content)
    paths = []
    for k, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(archive)], strict=True)):
        paths.append(tmp_path / f"part{k}")
        paths[-1].write_bytes(archive[start:end])
    unpack(paths, tmp_path / "out")
    assert {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in tmp_path.rglob("*.wav")} == content
    assert not any(path.exists() for path in paths)  # unpacked, it only takes space


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_damaged_archive_is_named_and_kept(tmp_path: Path, pack: object) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(pack({"one.wav": BODY})[:100_000])
    with pytest.raises(MimidiarError, match=r"a.tar.gz: no whole archive \(.*\); delete it and fetch it again"):
        unpack([archive], tmp_path / "out")
    assert archive.exists()


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(tarred({"../evil.wav": b"x"}))
    with pytest.raises(MimidiarError):
        unpack([tmp_path / "a.tar.gz"], tmp_path / "out")
    assert not (tmp_path / "evil.wav").exists()
