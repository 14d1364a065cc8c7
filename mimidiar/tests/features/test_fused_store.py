"""Two stores as one: what stands at t shows at t, at any rates; no copies; what does not fit is refused."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.cli.feats import fuse as command
from mimidiar.encoders.speaker.windowing import EmbeddingWindows
from mimidiar.encoders.speaker.windows import embed_recordings
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import STREAMS, fuse, on_time_axis, open_features, split_meta
from mimidiar.features.store import META, FeatureStore
from mimidiar.files import write_json
from mimidiar.tests.encoders.speaker.embedders import Shares
from mimidiar.tests.encoders.speaker.test_windows import step_at
from mimidiar.tests.matrices import write_matrix_store

RATES = [6.25, 10.0, 12.5, 20.0, 25.0, 100.0]


def write_store(folder: Path, name: str, frame_hz: float, compress: bool = False, **matrices: np.ndarray) -> Path:
    write_matrix_store(folder, "feats", sorted(matrices.items()), compress)
    dim = next(iter(matrices.values())).shape[1]
    meta = {"encoder": name, "tap": "latent", "weights": "none", "weights_sha256": name * 3}
    write_json(folder / META, meta | {"frame_hz": frame_hz, "dim": dim})
    return folder


def noise(frames: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((frames, dim)).astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(st.floats(1, 7), st.sampled_from(RATES), st.sampled_from(RATES))
def test_a_step_at_t_shows_at_t(seconds, axis_hz, stream_hz):
    """The column is 0 before and 1 after; the frame in which it steps says by its value where in it the step lies."""
    edges = np.arange(round(8 * stream_hz) + 1) / stream_hz
    after = np.clip((edges[1:] - seconds) * stream_hz, 0, 1)  # of each frame, how much lies after the step
    shown = on_time_axis(after[:, None].astype(np.float32), stream_hz / axis_hz, 0, round(8 * axis_hz))[:, 0]
    assert abs((8 - shown.sum() / axis_hz) - seconds) < 1e-4
    settled = np.abs((np.arange(len(shown)) + 0.5) / axis_hz - seconds) > 0.5 / axis_hz + 1 / stream_hz
    assert np.allclose(shown[settled], (np.arange(len(shown))[settled] + 0.5) / axis_hz > seconds, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(RATES), st.sampled_from(RATES), st.integers(0, 30), st.integers(1, 30))
def test_a_frame_is_the_mean_of_its_stretch(axis_hz, stream_hz, start, count):
    frames = noise(1200, 3)
    found = on_time_axis(frames, stream_hz / axis_hz, start, start + count)
    fine = np.repeat(frames, 80, axis=0)  # 80 samples of each frame: all edges lie between two
    for row, frame in enumerate(range(start, start + count)):
        first, last = (round(each * stream_hz / axis_hz * 80) for each in (frame, frame + 1))
        np.testing.assert_allclose(found[row], fine[first:last].mean(0), atol=1e-4)


@pytest.mark.parametrize("rates", [(12.5, 12.5), (25.0, 12.5), (12.5, 25.0), (12.5, 10.0)])
def test_any_stretch_equals_that_of_the_whole(tmp_path, rates):
    lengths = [round(4 * rate) for rate in rates]
    parts = [noise(length, dim, dim) for length, dim in zip(lengths, (3, 2), strict=True)]
    folders = [write_store(tmp_path / str(i), "ab"[i], rates[i], rec=parts[i]) for i in range(2)]
    store = fuse(folders, tmp_path / "fused")
    whole = store.read("rec")
    assert whole.shape == (lengths[0], 5) and whole.dtype == np.float32
    np.testing.assert_array_equal(whole[:, :3], parts[0])
    if rates[0] == rates[1]:
        np.testing.assert_array_equal(whole[:, 3:], parts[1])
    for start, stop in [(0, 1), (7, 20), (13, lengths[0]), (5, 5), (lengths[0] - 1, lengths[0])]:
        np.testing.assert_allclose(store.read("rec", start, stop), whole[start:stop], atol=1e-5)


def test_a_stream_may_be_compressed(tmp_path):
    parts = noise(50, 3), noise(40, 2, 1)
    whole, short = (
        fuse(
            [
                write_store(tmp_path / f"{compress}{i}", "ab"[i], hz, compress and i == 1, rec=part)
                for i, (hz, part) in enumerate(zip((12.5, 10.0), parts, strict=True))
            ],
            tmp_path / f"fused-{compress}",
        )
        for compress in (False, True)
    )
    found, wanted = short.read("rec", 7, 20), whole.read("rec", 7, 20)
    np.testing.assert_array_equal(found[:, :3], wanted[:, :3])
    difference = np.abs(found[:, 3:] - wanted[:, 3:]).max()
    assert 0 < difference <= 0.52 * np.ptp(parts[1]) / 65535


def test_a_speaker_change_shows_in_the_fused_embeddings(tmp_path):
    """Embeddings at 12.5 Hz beside a codec's features at 25 Hz: the second voice takes over where it does."""
    (embeddings,) = embed_recordings(Shares(), [step_at(3.3)], EmbeddingWindows())
    codec = write_store(tmp_path / "codec", "c", 25.0, rec=noise(200, 4))
    voices = write_store(tmp_path / "voices", "v", 12.5, rec=embeddings.float().numpy())
    fused = fuse((codec, voices), tmp_path / "fused").read("rec")
    second = fused[:, 5] > fused[:, 4]
    assert np.count_nonzero(np.diff(second)) == 1 and abs(np.argmax(second) / 25 - 3.3) <= 0.1


def test_the_folder_names_two_others_and_moves_with_them(tmp_path):
    first = write_store(tmp_path / "here/a/set", "a", 25.0, one=noise(51, 3), two=noise(20, 3))
    second = write_store(tmp_path / "here/b/set", "b", 12.5, one=noise(25, 2), two=noise(10, 2))
    done = CliRunner().invoke(command, [str(path) for path in (first, second, tmp_path / "here/ab/set")])
    assert done.exit_code == 0 and "2 recordings, 3 + 2 = 5 dimensions at 25 Hz" in done.output
    assert [path.name for path in (tmp_path / "here/ab/set").iterdir()] == [STREAMS]
    (tmp_path / "here").rename(tmp_path / "there")
    store = open_features(tmp_path / "there/ab/set")
    assert (store.keys(), len(store), "two" in store) == (["one", "two"], 2, True)
    assert (store.dim, store.frame_hz, store.num_frames("one"), store.num_columns("one")) == (5, 25.0, 51, 5)
    assert store.read("one").shape == (51, 5)  # the last frame has no partner; the one before it stands
    assert (store.meta["encoder"], store.meta["weights_sha256"]) == ("a+b", "aaa+bbb")
    assert store.meta["streams"] == [3, 2] and isinstance(open_features(tmp_path / "there/a/set"), FeatureStore)


def test_what_does_not_fit_is_refused_and_nothing_written(tmp_path):
    first = write_store(tmp_path / "a", "a", 12.5, one=noise(50, 3))
    longer = write_store(tmp_path / "longer", "b", 12.5, one=noise(54, 3))
    other = write_store(tmp_path / "other", "b", 12.5, one=noise(50, 3), two=noise(50, 3))
    for second, words in [
        (longer, "one is 4.00 s long in .*a, 4.32 s in .*longer; extract both"),
        (other, "1 recordings are in only one of .*, first 'two'"),
        (tmp_path / "none", "none: no feats.scp"),
    ]:
        with pytest.raises(MimidiarError, match=words):
            fuse((first, second), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(MimidiarError, match="a: holds features of its own"):
        fuse((first, first), first)
    write_json(tmp_path / "out" / STREAMS, ["../a"])
    with pytest.raises(MimidiarError, match="not the names of two feature folders"):
        open_features(tmp_path / "out")


def test_the_names_of_the_two_are_found_in_what_was_joined(tmp_path):
    folders = [write_store(tmp_path / n, n, 12.5, x=noise(10, dim)) for n, dim in (("one", 3), ("two", 4))]
    fused = fuse(folders, tmp_path / "both").meta
    both = [(each["encoder"], each["tap"], each["weights_sha256"], each["dim"]) for each in split_meta(fused)]
    assert both == [("one", "latent", "oneoneone", 3), ("two", "latent", "twotwotwo", 4)]
    single = FeatureStore(folders[0]).meta
    assert split_meta(single) == [single]
    with pytest.raises(ValueError, match="shorter"):
        split_meta(fused | {"tap": "latent"})
