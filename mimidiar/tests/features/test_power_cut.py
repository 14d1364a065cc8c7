"""An extraction that was cut off anywhere: the same command again gives the bytes of one that was never disturbed."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile

from mimidiar.data.recordings import read_recordings
from mimidiar.errors import MimidiarError
from mimidiar.features.ark import index_ark
from mimidiar.features.extraction import extract, plan_shards
from mimidiar.features.store import META, FeatureStore
from mimidiar.files import HOST, read_json
from mimidiar.tests.features.test_extraction import contents, write_manifest, write_set
from mimidiar.tests.speech import speech
from mimidiar.tests.utils.conftest import ROOT, env

__all__ = ["env"]  # a fixture

# Two batches in the first shard, one in the second.
LOGMEL = {"encoder": "logmel", "device": "cpu", "batch_sec": 1.0, "shard_sec": 1.5}
DEAD = f"{HOST}.4194399"  # no process has this number


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("set") / "data", [0.3, 0.35, 0.4, 0.45, 0.9])


@pytest.fixture(scope="module", params=[False, True], ids=["float", "compressed"])
def whole(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished extraction."""
    folder = tmp_path_factory.mktemp("whole") / "feats"
    assert extract(data, folder, compress=request.param, **LOGMEL).finished
    return folder


def again(data: Path, folder: Path) -> int:
    """How many recordings the same command computes on what is in the folder."""
    compress = "compressed" in read_json(folder / META) if (folder / META).exists() else False
    return extract(data, folder, compress=compress, **LOGMEL).recordings


def cut_off(whole: Path, folder: Path, shard: int, size: int) -> Path:
    """What is there when a shard was being written and `size` bytes of it were on disk; later shards had not begun."""
    shutil.copytree(whole, folder)
    for ark in folder.glob("feats.*.ark"):
        if int(ark.name.split(".")[1]) > shard:
            ark.unlink()
    (folder / "feats.scp").unlink()
    partial = (folder / f"feats.{shard}.ark").rename(folder / f".feats.{shard}.ark.partial")
    os.truncate(partial, size)
    return folder


def places(ark: Path) -> Iterator[int]:
    """Where a shard is cut: in and around the key, the header and the rows of each record."""
    for entry in index_ark(ark).values():
        yield from (entry.offset - 2, entry.offset - 1, entry.offset, entry.offset + 1, entry.offset + 7)
        yield from (entry.data - 1, entry.data, entry.data + 3, (entry.data + entry.end) // 2, entry.end - 1, entry.end)


def test_a_shard_that_was_cut_anywhere(data: Path, whole: Path, tmp_path: Path) -> None:
    wanted = contents(whole)
    shards = plan_shards(read_recordings(data), LOGMEL["batch_sec"], LOGMEL["shard_sec"])
    assert [len(batches) for batches in shards] == [2, 1]
    for shard in (1, 2):
        ark = whole / f"feats.{shard}.ark"
        after = sum(len(batch) for batches in shards[shard:] for batch in batches)
        for size in {0, *places(ark)}:
            folder = cut_off(whole, tmp_path / f"{shard}-{size}", shard, size)
            computed = again(data, folder)
            assert contents(folder) == wanted, (shard, size)
            # Of a batch that is not whole all is computed again, since they were heard together; of others nothing.
            lost = {key for key, entry in index_ark(ark).items() if entry.end > size}
            torn = [batch for batch in shards[shard - 1] if lost & {recording.id for recording in batch}]
            assert computed == sum(map(len, torn)) + after, (shard, size)
            shutil.rmtree(folder)


def without_scp(folder: Path) -> None:
    (folder / "feats.scp").unlink()


def with_half_an_scp(folder: Path) -> None:
    (folder / "feats.scp").rename(folder / f".feats.{DEAD}.partial.scp")


def with_half_a_meta_of_a_second_job(folder: Path) -> None:
    (folder / f".meta.{DEAD}.partial.json").write_text("{")


def with_an_empty_shard_begun(folder: Path) -> None:
    (folder / "feats.2.ark").unlink()
    (folder / ".feats.2.ark.partial").touch()


@pytest.mark.parametrize(
    "cut", [without_scp, with_half_an_scp, with_half_a_meta_of_a_second_job, with_an_empty_shard_begun]
)
def test_between_the_files(data: Path, whole: Path, tmp_path: Path, cut: Callable[[Path], None]) -> None:
    shutil.copytree(whole, tmp_path / "feats")
    without_scp(tmp_path / "feats")
    (tmp_path / "feats" / "feats.scp").write_bytes((whole / "feats.scp").read_bytes())
    cut(tmp_path / "feats")
    again(data, tmp_path / "feats")
    assert contents(tmp_path / "feats") == contents(whole)


def test_before_the_first_batch(data: Path, whole: Path, tmp_path: Path) -> None:
    """Both jobs have begun their shard, and meta.json is half written."""
    compress = "compressed" in read_json(whole / META)
    folder = tmp_path / "feats"
    folder.mkdir()
    for name in (".feats.1.ark.partial", ".feats.2.ark.partial", f".meta.{DEAD}.partial.json"):
        (folder / name).touch()
    assert extract(data, folder, compress=compress, **LOGMEL).recordings == 5
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("left", ["feats.1.ark", ".feats.1.ark.partial"])
def test_features_of_which_nothing_says_what_they_are_are_not_taken(
    data: Path, whole: Path, tmp_path: Path, left: str
) -> None:
    """No power cut leaves that: meta.json is on disk before the first features."""
    (tmp_path / "feats").mkdir()
    shutil.copy(whole / "feats.1.ark", tmp_path / "feats" / left)
    with pytest.raises(MimidiarError, match=rf"{left}: features, and no meta.json beside them"):
        again(data, tmp_path / "feats")
    assert [path.name for path in (tmp_path / "feats").iterdir()] == [left]


def test_one_form_is_not_taken_for_the_other(data: Path, whole: Path) -> None:
    before = contents(whole)
    has, asked = ("True", "None") if "compressed" in read_json(whole / META) else ("None", "True")
    with pytest.raises(MimidiarError, match=rf"holds features with compressed = {has}, asked for {asked}"):
        extract(data, whole, compress=has == "None", **LOGMEL)
    assert contents(whole) == before


def test_compressed_features_are_the_others_in_half_of_the_bytes(data: Path, tmp_path: Path) -> None:
    for name in ("float", "short"):
        extract(data, tmp_path / name, compress=name == "short", **LOGMEL)
    plain, short = (FeatureStore(tmp_path / name) for name in ("float", "short"))
    by_kaldiio = kaldiio.load_scp(str(tmp_path / "short" / "feats.scp"))
    for key, matrix in by_kaldiio.items():
        wanted, read = plain.read(key), short.read(key)
        np.testing.assert_array_equal(read, matrix)
        assert np.abs(read - wanted).max() <= 0.52 * (wanted.max() - wanted.min()) / 65535
    sizes = [sum(ark.stat().st_size for ark in (tmp_path / name).glob("*.ark")) for name in ("float", "short")]
    assert 0.5 < sizes[1] / sizes[0] < 0.51
    assert short.meta == plain.meta | {"compressed": True}


@pytest.mark.long
@pytest.mark.parametrize("more", [[], ["--compress"]], ids=["float", "compressed"])
def test_killed_three_times(tmp_path: Path, env: dict[str, str], more: list[str]) -> None:
    """kill -9 of a stage with two jobs, all at once, when a few files have changed: each run gets a bit further."""
    (tmp_path / "data" / "audio").mkdir(parents=True)
    for number in range(14):
        samples = np.tile(speech(40.0), 3)[number * 999 :]
        soundfile.write(tmp_path / "data" / "audio" / f"rec-{number}.wav", samples, 16000)
    write_manifest(tmp_path / "data")
    command = ["mimidiar", "extract", "data", "OUT", "--encoder", "logmel", "--device", "cpu", *more]

    def start(out: str) -> subprocess.Popen:
        words = [out if word == "OUT" else word for word in command]
        line = [ROOT / "utils/stage.py", "--out", out, "--input", "data", "--nj", "2", "--", *words]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(line, cwd=tmp_path, env=env, start_new_session=True, **quiet)

    def made(out: str) -> dict[str, bytes]:
        files = [path for path in (tmp_path / out).iterdir() if path.is_file()]
        mine = [path for path in files if not path.name.startswith(".stage") and path.name != "timing.jsonl"]
        return {path.name: path.read_bytes().replace(str(tmp_path / out).encode(), b"OUT") for path in mine}

    def sizes() -> dict[str, int]:
        return {name: len(data) for name, data in made("cut").items()} if (tmp_path / "cut").is_dir() else {}

    assert start("whole").wait(timeout=300) == 0
    assert {"feats.3.ark", "feats.scp", META} <= set(made("whole"))
    chance = random.Random(0)
    for _ in range(3):
        process, seen, changes = start("cut"), [sizes()], chance.randint(1, 3)
        limit = time.monotonic() + 120
        while len(seen) <= changes:
            assert process.poll() is None and time.monotonic() < limit
            with contextlib.suppress(FileNotFoundError):  # renamed while it was looked at
                seen += [now] if (now := sizes()) != seen[-1] else []
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "cut" / "feats.scp").exists()
    assert start("cut").wait(timeout=300) == 0
    assert made("cut") == made("whole")
