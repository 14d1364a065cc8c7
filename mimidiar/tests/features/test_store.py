"""The ark/scp store: what kaldiio reads, stretches, going on after a kill, a full disk."""

import errno
import os

import kaldiio
import numpy as np
import pytest

from mimidiar.errors import MimidiarError
from mimidiar.features.ark import index_ark
from mimidiar.features.store import (
    FeatureStore,
    MatrixStore,
    ShardWriter,
    pack,
    shard_path,
    write_scp,
)
from mimidiar.files import write_json
from mimidiar.tests.matrices import write_matrix_store


def matrices(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {f"rec-{i}": random.standard_normal((random.integers(1, 40), 5)).astype(np.float32) for i in range(count)}


def test_kaldiio_reads_it_and_so_do_we(tmp_path):
    wanted = matrices(7)
    write_matrix_store(tmp_path, "posteriors", wanted.items())
    by_kaldiio = kaldiio.load_scp(str(tmp_path / "posteriors.scp"))
    store = MatrixStore(tmp_path / "posteriors.scp")
    assert store.keys() == sorted(wanted) == sorted(by_kaldiio)
    assert dict(kaldiio.load_ark(str(shard_path(tmp_path, "posteriors", 0)))).keys() == wanted.keys()
    for key, matrix in wanted.items():
        np.testing.assert_array_equal(by_kaldiio[key], matrix)
        np.testing.assert_array_equal(store.read(key), matrix)
        assert (store.num_frames(key), store.num_columns(key)) == matrix.shape
        start, stop = len(matrix) // 3, len(matrix) - len(matrix) // 4
        np.testing.assert_array_equal(store.read(key, start, stop), matrix[start:stop])
        assert store.read(key).dtype == np.float32


def test_what_kaldiio_wrote_is_read(tmp_path):
    wanted = matrices(3)
    with kaldiio.WriteHelper(f"ark,scp:{tmp_path}/a.ark,{tmp_path}/a.scp") as writer:
        for key, matrix in wanted.items():
            writer(key, matrix)
    store = MatrixStore(tmp_path / "a.scp")
    assert all(np.array_equal(store.read(key), matrix) for key, matrix in wanted.items())


def test_a_moved_folder_is_still_read(tmp_path):
    write_matrix_store(tmp_path / "here", "feats", matrices(2).items())
    (tmp_path / "here").rename(tmp_path / "there")
    np.testing.assert_array_equal(MatrixStore(tmp_path / "there" / "feats.scp").read("rec-1"), matrices(2)["rec-1"])


def test_shards_join_sorted_by_key(tmp_path):
    wanted = matrices(4)
    for number, keys in enumerate((["rec-3", "rec-0"], ["rec-2", "rec-1"])):
        with ShardWriter(tmp_path, "feats", number) as shard:
            shard.write({key: wanted[key] for key in keys})
    assert write_scp(tmp_path, "feats", 2) == sorted(wanted)
    lines = (tmp_path / "feats.scp").read_text().splitlines()
    assert all(line.split(" ")[1].startswith(f"{tmp_path}/feats.") for line in lines)
    store = MatrixStore(tmp_path / "feats.scp")
    assert all(np.array_equal(store.read(key), matrix) for key, matrix in wanted.items())


def test_a_key_in_two_shards(tmp_path):
    for number in range(2):
        with ShardWriter(tmp_path, "feats", number) as shard:
            shard.write(matrices(1))
    with pytest.raises(MimidiarError, match=r"feats.2.ark: rec-0 is in .*feats.1.ark as well"):
        write_scp(tmp_path, "feats", 2)


@pytest.mark.parametrize("cut", [0, 1, 3, 9, 14, 30, -1])
def test_going_on_after_a_kill_gives_the_same_bytes(tmp_path, cut):
    """The killed writer's file ends anywhere in its second record."""
    wanted = matrices(3)
    first = pack({"rec-0": wanted["rec-0"]})
    torn = pack({"rec-1": wanted["rec-1"]})[:cut]
    (tmp_path / ".feats.1.ark.partial").write_bytes(first + torn)
    with ShardWriter(tmp_path, "feats", 0) as shard:
        assert shard.done == {"rec-0"}
        shard.write({key: wanted[key] for key in ("rec-1", "rec-2")})
    assert shard.path.read_bytes() == pack(wanted)
    assert os.listdir(tmp_path) == ["feats.1.ark"]


def test_an_error_inside_keeps_whole_batches_and_no_shard(tmp_path):
    with pytest.raises(ZeroDivisionError), ShardWriter(tmp_path, "feats", 0) as shard:
        shard.write(matrices(2))
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == [".feats.1.ark.partial"]
    assert list(index_ark(tmp_path / ".feats.1.ark.partial")) == ["rec-0", "rec-1"]
    with pytest.raises(ZeroDivisionError), ShardWriter(tmp_path / "empty", "feats", 0):
        raise ZeroDivisionError
    assert os.listdir(tmp_path / "empty") == []


def test_two_writers_of_one_shard(tmp_path):
    with ShardWriter(tmp_path, "feats", 0) as first:
        with pytest.raises(MimidiarError, match="another process is writing"), ShardWriter(tmp_path, "feats", 0):
            pass
        first.write(matrices(1))
    assert list(index_ark(first.path)) == ["rec-0"]


def test_a_full_disk_leaves_whole_records(tmp_path, monkeypatch):
    real_write = os.write

    def write_some(file, data):
        if os.lseek(file, 0, os.SEEK_CUR) > 500:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(file, bytes(data[:400]))

    wanted = matrices(3)
    with ShardWriter(tmp_path, "feats", 0) as shard:
        shard.write({"rec-0": wanted["rec-0"]})
        with monkeypatch.context() as patched, pytest.raises(MimidiarError, match=r"feats.1.ark: no space left"):
            patched.setattr(os, "write", write_some)
            shard.write({key: wanted[key] for key in ("rec-1", "rec-2")})
        shard.write({key: wanted[key] for key in ("rec-1", "rec-2")})
    assert shard.path.read_bytes() == pack(wanted)


@pytest.mark.parametrize("key", ["", "two words", "tab\tkey"])
def test_keys_that_kaldi_cannot_hold(key):
    with pytest.raises(MimidiarError, match="white space"):
        pack({key: np.zeros((1, 1))})


def test_errors_name_file_and_key(tmp_path):
    write_matrix_store(tmp_path, "feats", matrices(2).items())
    with pytest.raises(MimidiarError, match=r"feats.scp: has no 'rec-9' among its 2 keys"):
        MatrixStore(tmp_path / "feats.scp").read("rec-9")
    with pytest.raises(MimidiarError, match=r"rec-0 has \d+ frames, asked for \[0, 999\)"):
        MatrixStore(tmp_path / "feats.scp").read("rec-0", 0, 999)
    with pytest.raises(MimidiarError, match=r"no feats.scp.*run stage 3"):
        FeatureStore(tmp_path / "nothing")
    ark = shard_path(tmp_path, "feats", 0)
    ark.write_bytes(ark.read_bytes()[:-8])
    with pytest.raises(MimidiarError, match=r"feats.1.ark: cut short: rec-1"):
        MatrixStore(tmp_path / "feats.scp").read("rec-1")
    ark.unlink()
    with pytest.raises(MimidiarError, match=r"feats.1.ark: no such archive \(it holds rec-0\)"):
        MatrixStore(tmp_path / "feats.scp").read("rec-0")
    (tmp_path / "feats.scp").write_text("rec-0 feats.ark\n")
    with pytest.raises(MimidiarError, match=r"feats.scp: line 1 is not 'key archive:offset'"):
        MatrixStore(tmp_path / "feats.scp")


def test_meta_of_a_feature_store(tmp_path):
    write_matrix_store(tmp_path, "feats", matrices(2).items())
    write_json(tmp_path / "meta.json", {"frame_hz": 12.5, "dim": 5, "encoder": "mimi-random"})
    store = FeatureStore(tmp_path)
    assert (store.frame_hz, store.dim, store.meta["encoder"], len(store)) == (12.5, 5, "mimi-random", 2)
    assert "rec-0" in store and "rec-9" not in store
