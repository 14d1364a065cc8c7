"""`prepare musan` and `prepare rirs` on small trees in the corpora's layouts."""

from pathlib import Path

import pytest
from lhotse import CutSet

from mimidiar.corpora import sounds
from mimidiar.corpora.preparation import Preparation
from mimidiar.corpora.sounds import prepare_musan, prepare_rirs, read_rooms
from mimidiar.data.jsonl import read_jsonl
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.published import write_musan, write_rirs


@pytest.fixture
def musan_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sounds, "MUSAN_PARTS", {"music": 2, "speech": 1, "noise": 2})
    return write_musan(tmp_path / "downloads" / "musan")


@pytest.fixture
def rirs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sounds, "RIRS_PUBLISHED", {"sim_rir": 3, "point_noise": 1})
    return write_rirs(tmp_path / "downloads" / "rirs")


def test_musan(musan_root: Path, tmp_path: Path) -> None:
    folders = prepare_musan(Preparation(None, tmp_path / "out", downloads=tmp_path / "downloads"))
    assert [f.name for f in folders] == ["musan_music", "musan_speech", "musan_noise"]
    cuts = {f.name: CutSet.from_jsonl(f / "cuts.jsonl.gz").to_eager() for f in folders}
    assert [cut.id for cut in cuts["musan_noise"]] == ["noise-free-sound-0000", "noise-free-sound-0001"]
    first = cuts["musan_music"]["music-fma-0000"]
    assert first.supervisions[0].speaker == "Ann_Artist" and first.duration == 1.0
    assert first.supervisions[0].custom == {"genres": ["jazz", "blues"], "vocals": False}
    assert first.load_audio().shape == (1, 16000)  # the path holds wherever a recipe is started
    assert not (folders[2] / "supervisions.jsonl.gz").exists()


def test_musan_with_gaps(musan_root: Path, tmp_path: Path, said: list[str]) -> None:
    (musan_root / "musan" / "music" / "fma" / "music-fma-0001.wav").unlink()
    with pytest.raises(MimidiarError, match=r"1 of 4 listed sounds are missing: music/fma/music-fma-0001.wav. Restore"):
        prepare_musan(Preparation(musan_root, tmp_path / "out"))
    (musan_root / "musan" / "noise" / "free-sound" / "noise-free-sound-0000.wav").unlink()  # in no list
    said.clear()
    folders = prepare_musan(Preparation(musan_root, tmp_path / "out", settings=["skip_missing=true"]))
    assert any("music: 1 sounds of 2; noise: 1 sounds of 2. Taken as it is." in line for line in said)
    assert len(read_jsonl(folders[0] / "supervisions.jsonl.gz")) == 1
    (musan_root / "musan" / "music" / "fma" / "ANNOTATIONS").unlink()
    with pytest.raises(MimidiarError, match=r"musan: music: 1 sounds of 2; noise: 1 sounds of 2. Unpack it again"):
        prepare_musan(Preparation(musan_root, tmp_path / "again"))


def test_rirs(rirs_root: Path, tmp_path: Path) -> None:
    folders = prepare_rirs(Preparation(rirs_root, tmp_path / "out"))
    assert [f.name for f in folders] == ["rirs_sim_rir", "rirs_real_rir", "rirs_iso_noise", "rirs_point_noise"]
    names = {f.name: [row["id"] for row in read_jsonl(f / "recordings.jsonl.gz")] for f in folders}
    assert names["rirs_sim_rir"] == ["large-Room001-00001", "medium-Room001-00001", "small-Room001-00001"]
    assert names["rirs_real_rir"] == ["RVB2014_type1_rir_largeroom1_far_angla"]
    assert names["rirs_iso_noise"] == ["RVB2014_type1_noise_largeroom1_1"]
    sim, real, *noises = (read_rooms(folder) for folder in folders)
    assert sim["small-Room001-00001"] == "simulated_rirs/smallroom/small-Room001" and len(set(sim.values())) == 3
    assert real == {"RVB2014_type1_rir_largeroom1_far_angla": "real_rirs_isotropic_noises/001"} and noises == [{}, {}]
    cut = CutSet.from_jsonl(folders[1] / "cuts.jsonl.gz")["RVB2014_type1_rir_largeroom1_far_angla"]
    assert cut.load_audio().shape == (2, 4800)
    (only,) = prepare_rirs(Preparation(rirs_root, tmp_path / "one", settings=["parts=[sim_rir]"], limit=2))
    assert len(read_jsonl(only / "recordings.jsonl.gz")) == 2


def test_rirs_with_gaps(rirs_root: Path, tmp_path: Path) -> None:
    top = rirs_root / "RIRS_NOISES"
    (top / "simulated_rirs" / "smallroom" / "Room001" / "Room001-00001.wav").unlink()
    message = r"rirs: 1 of 6 listed sounds are missing: simulated_rirs/smallroom/Room001/Room001-00001.wav"
    with pytest.raises(MimidiarError, match=message):
        prepare_rirs(Preparation(rirs_root, tmp_path / "out"))
    (top / "simulated_rirs" / "smallroom" / "rir_list").unlink()
    with pytest.raises(MimidiarError, match=r"rirs: sim_rir: 2 sounds of 3. Unpack it again, or"):
        prepare_rirs(Preparation(rirs_root, tmp_path / "out"))
    prepare_rirs(Preparation(rirs_root, tmp_path / "out", settings=["skip_missing=true"]))
    (top / "pointsource_noises").rename(top / "elsewhere")
    with pytest.raises(MimidiarError, match=r"pointsource_noises: no such folder; is .* RIRS_NOISES\?"):
        prepare_rirs(Preparation(rirs_root, tmp_path / "out"))
    with pytest.raises(MimidiarError, match=r"--set parts=\[x\]: choose of sim_rir, real_rir"):
        prepare_rirs(Preparation(rirs_root, tmp_path / "out", settings=["parts=[x]"]))
