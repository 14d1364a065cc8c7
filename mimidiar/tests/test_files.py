"""Files are whole or not there."""

import errno
import gzip
import os
from pathlib import Path

import pytest

from mimidiar.errors import MimidiarError
from mimidiar.files import HOST, atomic_path, put_in_place, read_json, sha256_file, write_json, write_text


def test_a_raise_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_temporary_name_keeps_the_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "x.jsonl.gz") as partial:
        assert partial.suffix == ".gz"
        with gzip.open(partial, "wt") as stream:
            stream.write("{}")
    assert gzip.decompress((tmp_path / "x.jsonl.gz").read_bytes()) == b"{}"


def test_what_a_killed_process_left_is_swept_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    """Also not that of another machine, whose processes nobody sees from here."""
    names = (f".a.{HOST}.4194399.partial.txt", f".a.{HOST}.1.partial.txt", f".b.{HOST}.4194399.partial.txt")
    dead, alive, other, elsewhere = (tmp_path / name for name in (*names, ".a.elsewhere.4194399.partial.txt"))
    for path in (dead, alive, other, elsewhere):
        path.touch()
    write_text(tmp_path / "a.txt", "new")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", alive.name, other.name, elsewhere.name}


def test_bytes_are_on_disk_before_the_name_and_the_name_before_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def flush(file: int) -> None:
        events.append(os.path.relpath(os.readlink(f"/proc/self/fd/{file}"), tmp_path))
        fsync(file)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", lambda old, new: (events.append("named"), replace(old, new)))
    with atomic_path(tmp_path / "a.txt") as partial:
        partial.write_text("all")
    assert events == [partial.name, "named", "."]
    events.clear()
    (tmp_path / "half" / "in").mkdir(parents=True)
    (tmp_path / "half" / "in" / "b").touch()
    put_in_place(tmp_path / "half", tmp_path / "whole")
    assert events == ["half", "half/in", "half/in/b", "named", "."] and (tmp_path / "whole" / "in" / "b").is_file()


def test_a_folder_that_its_file_system_cannot_flush_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int, *, code: int = errno.EINVAL) -> None:
        if os.path.isdir(f"/proc/self/fd/{file}"):
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    write_text(tmp_path / "a", "all")
    assert (tmp_path / "a").read_text() == "all"
    monkeypatch.setattr(os, "fsync", lambda file: fail(file, code=errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        write_text(tmp_path / "b", "all")


def test_a_full_disk_is_named_and_nothing_stays(tmp_path: Path) -> None:
    with (
        pytest.raises(MimidiarError, match=r"a\.txt: no space left.*same command"),
        atomic_path(tmp_path / "a.txt") as partial,
    ):
        partial.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "ü"})
    assert read_json(tmp_path / "a.json") == {"a": "ü", "b": 1}
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(MimidiarError, match=r"bad\.json: not valid JSON"):
        read_json(tmp_path / "bad.json")
    (tmp_path / "long.json").write_text("9" * 5000)  # Python reads no integer of so many digits
    with pytest.raises(MimidiarError, match=r"long\.json: not valid JSON"):
        read_json(tmp_path / "long.json")
    with pytest.raises(MimidiarError, match="no such file"):
        read_json(tmp_path / "none.json")


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "abc")
    assert sha256_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_pipe_has_no_hash(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opened, it would wait for a writer for ever
    with pytest.raises(MimidiarError, match=r"pipe: this is a pipe or a device.*write it to a file"):
        sha256_file(tmp_path / "pipe")


def test_a_file_that_cannot_be_written_is_called_by_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught, atomic_path(tmp_path / "a.txt") as partial:
        partial.mkdir()
        try:
            partial.write_text("x")
        finally:
            partial.rmdir()
    assert caught.value.filename == str(tmp_path / "a.txt")
