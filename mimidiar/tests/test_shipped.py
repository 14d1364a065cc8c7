"""Weights that come with the package: found by name, and read only when they are whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from mimidiar import shipped
from mimidiar.commit import ROOT
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file, write_json


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one", "two"):
        (tmp_path / f"{name}.safetensors").write_bytes(name.encode())
        write_json(tmp_path / f"{name}.json", {"sha256": sha256_file(tmp_path / f"{name}.safetensors")})
    monkeypatch.setattr(shipped, "ASSETS", tmp_path)
    return tmp_path


def test_found_by_name(assets: Path) -> None:
    assert shipped.shipped_file("two") == assets / "two.safetensors"


def test_an_unknown_name_lists_what_there_is(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MimidiarError, match=r"no weights called 'three' \(with one, two\); name a file"):
        shipped.shipped_file("three")
    with pytest.raises(MimidiarError, match=r"called 'onne' \(with one, two\); did you mean 'one'\?"):
        shipped.shipped_file("onne")
    monkeypatch.setattr(shipped, "ASSETS", assets / "nowhere")
    with pytest.raises(MimidiarError, match=r"called 'one' \(with none\)"):
        shipped.shipped_file("one")


def test_other_bytes_than_those_of_the_record_are_refused_with_both_hashes(assets: Path) -> None:
    path = assets / "one.safetensors"
    wanted = sha256_file(path)
    path.write_bytes(b"onf")
    with pytest.raises(MimidiarError) as caught:
        shipped.shipped_file("one")
    for said in (str(path), wanted, sha256_file(path), "install mimidiar again"):
        assert said in str(caught.value)
    (assets / "one.json").unlink()
    with pytest.raises(MimidiarError, match=r"one\.json: no such file"):
        shipped.shipped_file("one")


def test_a_wheel_has_them(tmp_path: Path) -> None:
    """Whatever lies in assets is copied to where a wheel is made of."""
    source = tmp_path / "source"
    (source / "mimidiar/assets").mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    (source / "mimidiar/__init__.py").touch()
    for suffix in (".safetensors", ".json", ".md"):
        (source / f"mimidiar/assets/small{suffix}").write_text("x")
    line = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path / "built")]
    subprocess.run(line, cwd=source, check=True, capture_output=True)
    built = {path.name for path in (tmp_path / "built/mimidiar/assets").iterdir()}
    assert built == {"small.safetensors", "small.json", "small.md"}


def test_what_is_shipped_is_whole_and_small_enough() -> None:
    for name in shipped.shipped_names():
        path = shipped.shipped_file(name)
        assert path.stat().st_size <= 12e6 and path.with_suffix(".md").is_file()
