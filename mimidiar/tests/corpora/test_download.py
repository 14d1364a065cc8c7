"""Downloads against a server on this machine: whole, interrupted, changed at the source, refused."""

import fcntl
import hashlib
import random
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from mimidiar.corpora import download
from mimidiar.corpora.download import fetch, in_units, require_space
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.served import BYTES_BEFORE_BREAK, Server, serve

BODY = random.Random(0).randbytes(6_000_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "PAUSE_SEC", 0.0)
    with serve() as state:
        state.files["/a.bin"] = BODY
        yield state


@pytest.mark.parametrize("checksum", [hashlib.sha256(BODY).hexdigest(), hashlib.md5(BODY).hexdigest().upper()])
def test_a_whole_file_with_all_checks(server: Server, tmp_path: Path, checksum: str) -> None:
    path = tmp_path / "new" / "a.bin"
    assert fetch(f"{server.url}/a.bin", path, checksum, len(BODY)) == path
    assert path.read_bytes() == BODY and [p.name for p in path.parent.iterdir()] == ["a.bin"]
    fetch(f"{server.url}/a.bin", path, checksum, len(BODY))
    assert len(server.requests) == 1  # what is there is not fetched again


def test_a_file_without_content(server: Server, tmp_path: Path) -> None:
    server.files["/empty"] = b""
    assert fetch(f"{server.url}/empty", tmp_path / "empty").read_bytes() == b""
    with pytest.raises(MimidiarError, match="the server has 0 bytes, expected 5"):
        fetch(f"{server.url}/empty", tmp_path / "five", size=5)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.breaks = 2
    fetch(f"{server.url}/a.bin", tmp_path / "a.bin", checksum=hashlib.sha256(BODY).hexdigest())
    starts = [None, f"bytes={BYTES_BEFORE_BREAK}-", f"bytes={2 * BYTES_BEFORE_BREAK}-"]
    assert [asked for _, asked in server.requests] == starts


def interrupt(server: Server, path: Path) -> None:
    """Leave half of the file, as a process that was killed does."""
    path.with_name("a.bin.partial").write_bytes(BODY[:1_000_000])
    path.with_name("a.bin.partial.version").write_text(f'"{hash(BODY)}"')


def test_the_next_call_goes_on(server: Server, tmp_path: Path) -> None:
    interrupt(server, tmp_path / "a.bin")
    fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert server.requests == [("/a.bin", "bytes=1000000-")]
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_another_version_at_the_source_is_not_glued_to_the_old_half(server: Server, tmp_path: Path) -> None:
    interrupt(server, tmp_path / "a.bin")
    server.files["/a.bin"] = BODY[::-1]
    fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY[::-1]


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    interrupt(server, tmp_path / "a.bin")
    server.ranges = False
    fetch(f"{server.url}/a.bin", tmp_path / "a.bin", size=len(BODY))
    assert (tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("extra", [b"", b"rubbish"])
def test_a_partial_file_that_is_whole_or_too_long(server: Server, tmp_path: Path, extra: bytes) -> None:
    (tmp_path / "a.bin.partial").write_bytes(BODY + extra)
    fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert len(server.requests) == (2 if extra else 1)


def test_a_connection_that_keeps_breaking_says_how_far_it_came(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0)
    monkeypatch.setattr(download, "CHUNK", 4_000_000)
    server.breaks = 1
    with pytest.raises(MimidiarError, match=r"a.bin: interrupted after 2.5 MB.*; run the same command again"):
        fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin.partial").stat().st_size == BYTES_BEFORE_BREAK


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"checksum": "ab" * 32},
            r"what came has the sha256 [0-9a-f]{64}, expected (ab){32}; run the same command again",
        ),
        ({"checksum": "cd" * 16}, r"what came has the md5 [0-9a-f]{32}, expected (cd){16}"),
        ({"size": 5}, r"the server has 6000000 bytes, expected 5; the source has changed"),
    ],
)
def test_a_wrong_file_is_named_and_not_kept(server: Server, tmp_path: Path, wanted: dict, message: str) -> None:
    with pytest.raises(MimidiarError, match=message):
        fetch(f"{server.url}/a.bin", tmp_path / "a.bin", **wanted)
    assert not list(tmp_path.iterdir())


def test_a_wrong_file_that_was_there_is_left_and_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(MimidiarError, match=r"a.bin: it is there already, but has 4 bytes, expected 6000000"):
        fetch(f"{server.url}/a.bin", tmp_path / "a.bin", size=len(BODY))
    assert (tmp_path / "a.bin").read_bytes() == b"mine" and not server.requests


def test_refusals(server: Server, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"b.bin: the server answers 404 \(there is no such file"):
        fetch(f"{server.url}/b.bin", tmp_path / "b.bin")
    server.status = 401
    with pytest.raises(MimidiarError, match=r"401 \(it wants a password\)"):
        fetch(f"{server.url}/a.bin", tmp_path / "a.bin")


def test_no_network(tmp_path: Path) -> None:
    with serve() as state:
        gone = state.url
    with pytest.raises(MimidiarError, match=r"cannot be fetched \(.*refused.*\); is 127.0.0.1:\d+ reachable from here"):
        fetch(f"{gone}/a.bin", tmp_path / "a.bin")
    assert not list(tmp_path.iterdir())


def test_a_password_does_not_follow_a_redirect(server: Server, tmp_path: Path) -> None:
    server.redirects["/door"] = f"{server.url}/a.bin"
    fetch(f"{server.url}/door", tmp_path / "a.bin", headers={"Authorization": "Basic abc"})
    assert [headers.get("Authorization") for headers in server.headers] == ["Basic abc", None]


def test_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    usage = namedtuple("usage", "total used free")(10**12, 0, 3_200_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage if path == tmp_path else pytest.fail(str(path)))
    said.clear()
    require_space(tmp_path / "not" / "yet", 3e9, "the corpus")
    assert said == [f"the corpus: 3.0 GB into {tmp_path}/not/yet, 3.2 GB free there"]
    with pytest.raises(MimidiarError, match=r"the corpus takes 40 GB and 3.2 GB are free on this disk; free 37 GB, or"):
        require_space(tmp_path, 40e9, "the corpus")


def test_sizes_in_words() -> None:
    assert [in_units(n) for n in (12, 4600, 460e6, 7.14e9)] == ["12 bytes", "4.6 kB", "460 MB", "7.1 GB"]


@pytest.mark.parametrize("ranges", [True, False])
def test_of_two_at_once_the_second_is_refused(server: Server, tmp_path: Path, ranges: bool) -> None:
    server.ranges = ranges
    interrupt(server, tmp_path / "a.bin")
    with open(tmp_path / "a.bin.partial", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(MimidiarError, match=r"a.bin: another process is fetching it; wait for that one"):
            fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin.partial").stat().st_size == 1_000_000
    fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY
