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


@pytest.mark.parametrize("method", [None, 3, 4])
def test_what_kaldiio_wrote_is_read(tmp_path, method):
    """Of Kaldi's compressed forms those of two bytes: kTwoByteAuto and kTwoByteSignedInteger."""
    wanted = {key: np.rint(100 * matrix) for key, matrix in matrices(3).items()}
    with kaldiio.WriteHelper(f"ark,scp:{tmp_path}/a.ark,{tmp_path}/a.scp", compression_method=method) as writer:
        for key, matrix in wanted.items():
            writer(key, matrix)
    store = MatrixStore(tmp_path / "a.scp")
    for key, matrix in wanted.items():
        np.testing.assert_allclose(store.read(key), matrix, atol=0.01 if method else 0)


# In steps of range / 65535: half of one, and the roundings of float32.
@pytest.mark.parametrize("scale", [1e-6, 1.0, 3e4])
def test_compressed_matrices_are_off_by_half_a_step_and_read_as_kaldiio_reads_them(tmp_path, scale):
    wanted = {key: scale * matrix for key, matrix in matrices(7).items()}
    wanted |= {"one": np.full((1, 1), scale, np.float32), "still": np.full((3, 5), -scale, np.float32)}
    write_matrix_store(tmp_path, "feats", [*wanted.items(), ("empty", np.zeros((0, 5)))], compress=True)
    by_kaldiio = kaldiio.load_scp(str(tmp_path / "feats.scp"))
    store = MatrixStore(tmp_path / "feats.scp")
    for key, matrix in wanted.items():
        read = store.read(key)
        assert read.dtype == np.float32 and (store.num_frames(key), store.num_columns(key)) == matrix.shape
        np.testing.assert_array_equal(read, by_kaldiio[key])
        step = (matrix.max() - matrix.min()) / 65535
        assert np.abs(read - matrix).max() <= 0.52 * step + 1e-6 * np.abs(matrix).max()
        start, stop = len(matrix) // 3, len(matrix) - len(matrix) // 4
        np.testing.assert_array_equal(store.read(key, start, stop), read[start:stop])
    assert store.read("empty").shape == (0, 5)
    numbers = sum(matrix.size for matrix in wanted.values())
    assert shard_path(tmp_path, "feats", 0).stat().st_size < 2 * numbers + 32 * (len(wanted) + 1)


def test_what_16_bits_cannot_hold():
    with pytest.raises(MimidiarError, match="rec-0: not all of its numbers are finite"):
        pack({"rec-0": np.array([[1.0, np.inf]])}, compress=True)


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


@pytest.mark.parametrize("compress", [False, True])
def test_going_on_after_a_kill_gives_the_same_bytes(tmp_path, compress):
    """The killed writer's file ends anywhere, also between the records of a batch."""
    wanted = {key: matrix[:1] for key, matrix in matrices(3).items()}
    batches = [dict(list(wanted.items())[:1]), dict(list(wanted.items())[1:])]
    whole = pack(wanted, compress)
    for cut in range(len(whole) + 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / ".feats.1.ark.partial").write_bytes(whole[:cut])
        with ShardWriter(folder, "feats", 0, compress) as shard:
            ends = [len(pack(dict(list(wanted.items())[: n + 1]), compress)) for n in range(3)]
            assert len(shard.done) == sum(end <= cut for end in ends)
            for batch in batches:
                shard.write(batch)
        assert shard.path.read_bytes() == whole
        assert os.listdir(folder) == ["feats.1.ark"]


def test_a_batch_whose_blocks_are_missing_is_written_again(tmp_path, monkeypatch):
    """A power cut while a batch is written: the file has its length, and holes where nothing had reached the disk."""
    wanted = matrices(3)

    def cut_off(file, data, at):
        if at == len(pack({"rec-0": wanted["rec-0"]})):
            raise KeyboardInterrupt
        return real_write(file, bytes(len(data) // 2) + bytes(data[len(data) // 2 :]), at)

    real_write = os.pwrite
    with pytest.raises(KeyboardInterrupt), ShardWriter(tmp_path, "feats", 0) as shard:
        shard.write({"rec-0": wanted["rec-0"]})
        monkeypatch.setattr(os, "pwrite", cut_off)
        shard.write({key: wanted[key] for key in ("rec-1", "rec-2")})
    monkeypatch.setattr(os, "pwrite", real_write)
    assert (tmp_path / ".feats.1.ark.partial").stat().st_size == len(pack(wanted))
    with ShardWriter(tmp_path, "feats", 0) as shard:
        assert shard.done == {"rec-0"}
        shard.write({key: wanted[key] for key in ("rec-1", "rec-2")})
    assert shard.path.read_bytes() == pack(wanted)


def test_a_shard_is_on_disk_before_it_has_its_name_and_its_name_before_anything_else(tmp_path, monkeypatch):
    events = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}

    def flush(file):
        events.append(os.readlink(f"/proc/self/fd/{file}"))
        real["fsync"](file)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", lambda old, new: (events.append("named"), real["replace"](old, new)))
    with ShardWriter(tmp_path, "feats", 0) as shard:
        shard.write(matrices(1))
    assert events[-3:] == [str(tmp_path / ".feats.1.ark.partial"), "named", str(tmp_path)]


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
    real_write = os.pwrite

    def write_some(file, data, at):
        if at > 500:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(file, bytes(data[:400]), at)

    wanted = matrices(3)
    with ShardWriter(tmp_path, "feats", 0) as shard:
        shard.write({"rec-0": wanted["rec-0"]})
        with monkeypatch.context() as patched, pytest.raises(MimidiarError, match=r"feats.1.ark: no space left"):
            patched.setattr(os, "pwrite", write_some)
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
