"""Pooled taps: means of what `extract` gives, in any number of jobs, of speech or of windows."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import SupervisionSegment
from lhotse.supervision import AlignmentItem

from mimidiar.data.manifests import file_recording, write_set
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import extract, plan_shards
from mimidiar.features.store import FeatureStore
from mimidiar.studies.taps.pooled_store import PooledTaps, Pooling, pool, pool_sets
from mimidiar.tests.logged import logged
from mimidiar.tests.speech import speech

RATE = 16000
SPEECH = (0.32, 1.28)  # s: frames 4 to 15 at 12.5 Hz


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Five utterances of which a stretch is marked as speech."""
    folder = tmp_path_factory.mktemp("pooled") / "data"
    recordings, supervisions = [], []
    for number, seconds in enumerate([2.0, 2.5, 1.6, 3.0, 2.2]):
        path = folder / "audio" / f"u{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, speech(20.0)[number * 5000 :][: round(seconds * RATE)], RATE)
        recordings.append(file_recording(f"u{number}", path, RATE, round(seconds * RATE)))
        marked = {"vad": [AlignmentItem("speech", SPEECH[0], SPEECH[1] - SPEECH[0])]}
        supervisions.append(SupervisionSegment(f"u{number}", f"u{number}", 0.0, seconds, speaker="s", alignment=marked))
    write_set(folder, recordings, supervisions)
    return folder


def pool_one(data: Path, out: Path, encoder: str, pooling: Pooling, **options) -> list[Path]:
    """The folder of one set; features of the CPU."""
    return [folder for folder, _ in pool_sets([data], out, encoder, pooling, device="cpu", **options)]


@pytest.fixture(scope="module")
def pooled(data: Path) -> Path:
    with logged() as said:
        (folder,) = pool_one(data, data.parent / "pooled", "mimi-random", Pooling())
    assert len(said) == 1 and "quantized" in said[0] and "codebooks of these weights are empty" in said[0]
    return folder


@pytest.mark.parametrize("tap", ["seanet", "transformer.1", "latent"])
def test_an_utterance_is_the_mean_of_its_speech_frames(tap: str, data: Path, pooled: Path, tmp_path: Path) -> None:
    extract(data, tmp_path / "feats", "mimi-random", tap, device="cpu")
    frames, found = FeatureStore(tmp_path / "feats"), PooledTaps(pooled)
    assert found.taps == ["seanet", "transformer.0", "transformer.1", "latent"]
    first, last = (round(time * frames.frame_hz) for time in SPEECH)
    for name in frames.keys():  # noqa: SIM118 (not a dict)
        wanted = frames.read(name)[first:last].mean(0)
        assert found.read(name).shape == (1, 4, 256)
        np.testing.assert_allclose(found.read(name)[0, found.taps.index(tap)], wanted, atol=1e-5 * np.abs(wanted).max())


def test_jobs_give_the_bytes_of_one_process(data: Path, pooled: Path, tmp_path: Path, monkeypatch) -> None:
    small = lambda recordings, *_: plan_shards(recordings, batch_sec=4.0, shard_sec=4.0)  # noqa: E731
    monkeypatch.setattr("mimidiar.studies.taps.pooled_store.plan_shards", small)
    for folder, jobs in ((tmp_path / "one", [None]), (tmp_path / "two", [(2, 2), (1, 2), None])):
        for job in jobs:
            pool_one(data, folder, "mimi-random", Pooling(), job=job)
    one, two = tmp_path / "one/data", tmp_path / "two/data"
    arks = sorted(path.name for path in one.glob("*.ark"))
    assert len(arks) > 2
    for name in arks:
        assert (one / name).read_bytes() == (two / name).read_bytes()
    for name in PooledTaps(pooled).recordings:
        whole = PooledTaps(pooled).read(name)
        np.testing.assert_allclose(PooledTaps(one).read(name), whole, atol=1e-5 * np.abs(whole).max())


def test_a_set_that_is_there_needs_no_encoder(data: Path, pooled: Path, monkeypatch) -> None:
    """Building one takes longer than to see that nothing is missing."""
    before = (pooled / "feats.scp").read_bytes()
    monkeypatch.setattr("mimidiar.studies.taps.pooled_store.open_taps", None)
    assert pool_one(data, pooled.parent, "mimi-random", Pooling()) == [pooled]
    assert (pooled / "feats.scp").read_bytes() == before


def test_windows_of_a_choice_of_recordings_are_means_of_stretches(data: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        pool_one(data, tmp_path / folder, "logmel", Pooling(0.8, 0.4), limit=2)
    extract(data, tmp_path / "feats", "logmel", device="cpu")
    frames, found = FeatureStore(tmp_path / "feats"), PooledTaps(tmp_path / "a/data")
    assert found.recordings == PooledTaps(tmp_path / "b/data").recordings and len(found.recordings) == 2
    for name in found.recordings:
        own = frames.read(name)  # 25 Hz: windows of 20 frames every 10
        windows = found.read(name)
        assert windows.shape == (len(range(0, len(own) - 20 + 10, 10)), 1, own.shape[1])
        for number, window in enumerate(windows[:, 0]):
            np.testing.assert_allclose(window, own[10 * number : 10 * number + 20].mean(0), rtol=1e-5)


def test_every_frame_is_in_a_window_and_short_recordings_are_one() -> None:
    for count in range(1, 60):
        ranges = Pooling(1.6, 0.8).ranges(count, 12.5)
        assert {frame for span in ranges for frame in range(*span)} == set(range(count))
        assert all(last > first for first, last in ranges) and (count > 20 or len(ranges) == 1)


def test_speech_that_is_not_marked_is_all_frames() -> None:
    frames = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.testing.assert_allclose(pool(frames, [], 12.5, Pooling())[0], frames.mean(0))
    np.testing.assert_allclose(pool(frames, [(0.08, 0.24)], 12.5, Pooling())[0], frames[1:3].mean(0))


def test_what_does_not_fit_is_refused(data: Path, pooled: Path, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match="holds features with encoder = 'mimi-random', asked for 'logmel'"):
        pool_one(data, pooled.parent, "logmel", Pooling())
    with pytest.raises(MimidiarError, match="the hop must be"):
        pool_one(data, tmp_path / "x", "logmel", Pooling(1.0, 2.0))
    with pytest.raises(MimidiarError, match="no pooled taps here"):
        PooledTaps(tmp_path)
    extract(data, tmp_path / "feats", "logmel", device="cpu")
    with pytest.raises(MimidiarError, match="features of the tap mel"):
        PooledTaps(tmp_path / "feats")
    assert not (tmp_path / "x").exists()
