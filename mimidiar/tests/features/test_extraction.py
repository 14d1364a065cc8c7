"""Stage 3 from end to end: jobs, kills, bad audio, a full disk, other people's folders."""

import errno
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from mimidiar.audio.files import read_audio, stream_audio
from mimidiar.cli.feats import extract as command
from mimidiar.data.recordings import RecordingFile, read_recordings
from mimidiar.encoders.recordings import encode_chunks
from mimidiar.encoders.registry import load_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import extract, plan_shards
from mimidiar.features.store import FeatureStore
from mimidiar.tests.speech import speech

SMALL = {"encoder": "mimi-random", "device": "cpu", "batch_sec": 6.0, "shard_sec": 12.0}


def write_set(folder: Path, seconds: list[float], rate: int = 16000) -> Path:
    """A data folder with one recording for each length."""
    (folder / "audio").mkdir(parents=True)
    for number, length in enumerate(seconds):
        samples = speech(40.0)[number * 999 :][: round(length * rate)]
        soundfile.write(folder / "audio" / f"rec-{number}.wav", samples, rate)
    write_manifest(folder)
    return folder


def write_manifest(folder: Path, **changes) -> None:
    """recordings.jsonl.gz as lhotse writes it, of all audio files in the folder."""
    lines = []
    for path in sorted((folder / "audio").iterdir()):
        info = soundfile.info(path)
        source = {"type": "file", "channels": list(range(info.channels)), "source": str(path)}
        item = {"id": path.stem, "sources": [source], "sampling_rate": info.samplerate, "num_samples": info.frames}
        lines.append(json.dumps({**item, "duration": info.frames / info.samplerate, **changes}))
    with gzip.open(folder / "recordings.jsonl.gz", "wt") as stream:
        stream.write("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set") / "data", [1.0, 2.5, 0.04, 3.0, 2.0, 7.0, 1.2, 2.2, 13.0])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, with the folder's own name taken out of the scp."""
    return {path.name: path.read_bytes().replace(str(folder).encode(), b"OUT") for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def plain(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain") / "feats"
    done = extract(data, folder, **SMALL)
    assert (done.recordings, done.finished) == (9, True)
    return contents(folder)


def test_features_are_the_encoders(data, tmp_path, plain):
    extract(data, tmp_path / "feats", **SMALL)
    assert contents(tmp_path / "feats") == plain
    store = FeatureStore(tmp_path / "feats")
    by_kaldiio = kaldiio.load_scp(str(tmp_path / "feats" / "feats.scp"))
    encoder = load_encoder("mimi-random")
    for recording in read_recordings(data):
        wanted = np.concatenate(list(encode_chunks(encoder, stream_audio(recording.path, encoder.sample_rate))))
        samples = len(read_audio(recording.path, 24000))
        assert store.num_frames(recording.id) == -(-samples // 1920) == len(wanted)
        np.testing.assert_allclose(store.read(recording.id), wanted, atol=2e-5)
        np.testing.assert_array_equal(store.read(recording.id), by_kaldiio[recording.id])
    assert store.meta["encoder"] == "mimi-random" and store.meta["tap"] == "latent" and store.dim == 256
    assert (store.frame_hz, store.meta["sample_rate"], len(store.meta["weights_sha256"])) == (12.5, 24000, 64)


def test_jobs_give_the_same_bytes(data, tmp_path, plain):
    for job in ((2, 2), (1, 2)):
        assert not extract(data, tmp_path / "feats", job=job, **SMALL).finished
    assert not (tmp_path / "feats" / "feats.scp").exists()
    done = extract(data, tmp_path / "feats", **SMALL)
    assert (done.recordings, done.finished) == (0, True)
    assert contents(tmp_path / "feats") == plain


def test_finishing_needs_no_torch(data, tmp_path):
    extract(data, tmp_path / "feats", **SMALL)
    code = (
        "import sys; from mimidiar.features.extraction import extract;"
        f"extract({str(data)!r}, {str(tmp_path / 'feats')!r}, **{SMALL!r});"
        "print(*sorted({'torch', 'moshi', 'lhotse'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_killed_and_repeated_gives_the_same_bytes(data, tmp_path, plain):
    """kill -9 when the first batch of a shard is written; its records in the hidden file are not computed again."""
    out = tmp_path / "feats"
    code = (
        "import signal, mimidiar.features.extraction as e; real, begun = e.encode_batch, [];"
        "stop = lambda: (print('at the second', flush=True), signal.pause());"
        "e.encode_batch = lambda *a: (begun.append(a), len(begun) == 2 and stop(), real(*a))[-1];"
        f"e.extract({str(data)!r}, {str(out)!r}, **{SMALL!r})"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "at the second\n"
        assert any(path.stat().st_size for path in out.glob(".feats.*.partial"))
        process.kill()
    assert not (out / "feats.scp").exists()
    done = extract(data, out, **SMALL)
    assert done.recordings == 6
    assert contents(out) == plain


@pytest.mark.parametrize(
    ("other", "said"),
    [({"tap": "seanet"}, "tap = 'latent', asked for 'seanet'"), ({"seed": 1}, "weights = 'untrained, seed 0")],
)
def test_a_folder_of_other_features_is_refused(data, tmp_path, other, said):
    extract(data, tmp_path / "feats", **SMALL)
    before = contents(tmp_path / "feats")
    with pytest.raises(MimidiarError, match=said):
        extract(data, tmp_path / "feats", **{**SMALL, **other})
    assert contents(tmp_path / "feats") == before


def test_a_folder_of_other_recordings_is_refused(tmp_path):
    extract(write_set(tmp_path / "a", [1.0, 1.0]), tmp_path / "feats", **SMALL)
    with pytest.raises(MimidiarError, match=r"recordings = 2, asked for 1"):
        extract(write_set(tmp_path / "b", [1.0]), tmp_path / "feats", **SMALL)


def damage_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_nan(path: Path) -> None:
    samples, rate = soundfile.read(path, dtype="float32")
    samples[100] = np.nan
    soundfile.write(path, samples, rate, subtype="FLOAT")


def damage_shorten(path: Path) -> None:
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples[: len(samples) // 2], rate)


def damage_slow(path: Path) -> None:
    samples, _ = soundfile.read(path)
    soundfile.write(path, samples[::2], 8000)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_slow, "8000 samples at 8000 Hz, in the manifest 16000 at 16000 Hz"),
        (Path.unlink, "no such audio file"),
        (damage_cut, "cut short"),
        (damage_nan, "not a finite number"),
        (damage_shorten, "8000 samples at 16000 Hz, in the manifest 16000"),
        (lambda path: path.write_bytes(b"x" * 999), "not audio"),
    ],
)
def test_bad_audio_is_named_and_nothing_is_left(tmp_path, damage, said):
    data = write_set(tmp_path / "data", [1.0])
    damage(data / "audio" / "rec-0.wav")
    with pytest.raises(MimidiarError, match=rf"recording rec-0: .*rec-0.wav: .*{said}"):
        extract(data, tmp_path / "feats", **SMALL)
    assert list((tmp_path / "feats").iterdir()) == []


def test_stereo_and_telephone_audio(tmp_path):
    (tmp_path / "data" / "audio").mkdir(parents=True)
    signal_8k = speech(2.0)[:8000]
    soundfile.write(tmp_path / "data" / "audio" / "mono.wav", signal_8k, 8000)
    soundfile.write(tmp_path / "data" / "audio" / "stereo.wav", np.stack([signal_8k, signal_8k], axis=1), 8000)
    write_manifest(tmp_path / "data")
    with pytest.warns(UserWarning, match="band above 4000 Hz"):
        extract(tmp_path / "data", tmp_path / "feats", **SMALL)
    store = FeatureStore(tmp_path / "feats")
    np.testing.assert_allclose(store.read("mono"), store.read("stereo"), atol=2e-5)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no mount here")
    try:
        data = write_set(tmp_path / "data", [2.0] * 6)
        with pytest.raises(MimidiarError, match=r"feats.1.ark: no space left on the device; free some and run"):
            extract(data, disk / "feats", **SMALL)
        assert {path.name for path in (disk / "feats").iterdir()} <= {"meta.json", ".feats.1.ark.partial"}
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        assert extract(data, disk / "feats", **SMALL).finished
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_full_disk_by_its_error_alone(data, tmp_path, monkeypatch):
    def no_space(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mimidiar.features.store.os.pwrite", no_space)
    with pytest.raises(MimidiarError, match="no space left on the device"):
        extract(data, tmp_path / "feats", **SMALL)


def test_plan_keeps_its_bounds_and_everything():
    lengths = np.random.default_rng(0).gamma(2.0, 8.0, 300)
    recordings = [RecordingFile(f"r{i}", Path("x"), 16000, int(sec * 16000) + 1) for i, sec in enumerate(lengths)]
    shards = plan_shards(recordings, 60.0, 600.0)
    assert plan_shards(recordings[::-1], 60.0, 600.0) == shards
    assert sorted(each.id for shard in shards for batch in shard for each in batch) == sorted(r.id for r in recordings)
    for shard in shards:
        assert sum(each.seconds for batch in shard for each in batch) <= 600
        for batch in shard:
            assert len(batch) == 1 or len(batch) * max(each.seconds for each in batch) <= 60


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "holds no recordings"),
        ("{}", "line 1: no lhotse recording"),
        ('{"id": "a", "sampling_rate": 1, "num_samples": 1, "sources": [{"type": "url", "source": "u"}]}', "type url"),
    ],
)
def test_bad_manifests(tmp_path, lines, said):
    with pytest.raises(MimidiarError, match="no such manifest"):
        read_recordings(tmp_path)
    with gzip.open(tmp_path / "recordings.jsonl.gz", "wt") as stream:
        stream.write(lines)
    with pytest.raises(MimidiarError, match=said):
        read_recordings(tmp_path)


def test_lhotse_reads_the_manifest_as_we_do(data):
    from lhotse import load_manifest

    ours = {each.id: (str(each.path), each.sample_rate, each.samples) for each in read_recordings(data)}
    theirs = load_manifest(data / "recordings.jsonl.gz")
    assert ours == {each.id: (each.sources[0].source, each.sampling_rate, each.num_samples) for each in theirs}


def test_the_command(data, tmp_path):
    arguments = [str(data), str(tmp_path / "feats"), "--encoder", "mimi-random", "--tap", "seanet", "--device", "cpu"]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0 and "9 recordings" in done.output and "x real time" in done.output
    assert FeatureStore(tmp_path / "feats").frame_hz == 25
    done = CliRunner().invoke(command, [*arguments, "--job", "3/2"])
    assert done.exit_code == 2 and "'3/2' is not K/N" in done.output


TAPS = [("mimi-random", "latent"), ("mimi-mini", "quantized.8"), ("logmel", None)]


@pytest.mark.gpu
@pytest.mark.parametrize(("encoder", "tap"), TAPS)
def test_a_gpu_extracts_the_same(data: Path, tmp_path: Path, encoder: str, tap: str | None) -> None:
    """But for rounding; where two codes are as near, it may take the other."""
    stores = []
    for device in ("cpu", "cuda"):
        extract(data, tmp_path / device, **{**SMALL, "encoder": encoder, "tap": tap, "device": device})
        stores.append(FeatureStore(tmp_path / device))
    wanted, found = ([store.read(item.id) for item in read_recordings(data)] for store in stores)
    assert [len(features) for features in found] == [len(features) for features in wanted]
    wanted, found = np.concatenate(wanted), np.concatenate(found)
    same = np.abs(found - wanted).max(1) < 0.01 * wanted.std()
    assert same.mean() > (0.95 if tap == "quantized.8" else 0.999)
