"""Decoded sound against what went in: the measures at their ends, the files, and what is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mimidiar.errors import MimidiarError
from mimidiar.studies.codec_training.reconstruct import compare_with_input, reconstruct, sound_document
from mimidiar.tests.encoders.mimi.checkpoints import filled_mimi, save_checkpoint
from mimidiar.tests.logged import logged
from mimidiar.tests.speech import RATE, speech
from mimidiar.tests.tones import write_tones


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mimidiar.encoders.mimi.sizes import MINI

    return save_checkpoint(filled_mimi(MINI), tmp_path_factory.mktemp("weights") / "mini.safetensors")


def test_the_same_sound_is_perfect_and_another_is_not() -> None:
    heard, noise = speech(3.0), np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    same = compare_with_input("a", heard, heard, RATE)
    assert same.mel_db == 0 and same.si_sdr_db == 120 and same.stoi == pytest.approx(100, abs=0.01)
    near = compare_with_input("a", heard + 0.1 * heard.std() * noise, heard, RATE)
    far = compare_with_input("a", 0.1 * noise, heard, RATE)
    assert near.si_sdr_db == pytest.approx(20, abs=0.5) and far.si_sdr_db < -20
    assert 100 > near.stoi > far.stoi and 0 < near.mel_db < far.mel_db


@pytest.mark.parametrize("heard", [np.zeros(RATE, np.float32), speech(0.3), speech(0.02)], ids=["0", "0.3 s", "0.02 s"])
def test_what_cannot_be_judged_is_left_out(heard: np.ndarray) -> None:
    assert compare_with_input("a", heard, heard, RATE) is None


def test_a_document_is_the_mean_over_recordings_and_names_what_is_left_out() -> None:
    heard = speech(3.0)
    found = [compare_with_input(name, (1 - 0.5 * k) * heard, heard, RATE) for k, name in enumerate("ab")]
    document = sound_document(found, ["c"], "x", {"most_sec": 30})
    assert document["mel_db"] == pytest.approx((found[0].mel_db + found[1].mel_db) / 2)
    assert document["intervals"]["mel_db"]["low"] <= document["mel_db"] <= document["intervals"]["mel_db"]["high"]
    assert document["warnings"] == ["1 recordings silent or too short, first c"] and document["n_recordings"] == 2
    with pytest.raises(MimidiarError, match="none of 1 recordings can be scored"):
        sound_document([], ["c"], "x", {})


def test_each_way_through_the_codec_is_scored_and_can_be_heard(checkpoint: Path, tmp_path: Path) -> None:
    data, out = write_tones(tmp_path / "data", [0, 1], each=1), tmp_path / "out"
    with logged() as said:
        reconstruct(data, out, "mimi-mini", checkpoint, codebooks=[1, 8], examples=1, system="x")
    for way, number in (("unquantized", None), ("quantized1", 1), ("quantized8", 8)):
        document = json.loads((out / way / "score.json").read_text())
        assert document["kind"] == "reconstruction" and document["protocol"]["num_codebooks"] == number
        with open(out / way / "per_recording.csv") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["recording"] for row in rows] == ["v-0-0", "v-1-0"]
        assert np.mean([float(row["mel_db"]) for row in rows]) == pytest.approx(document["mel_db"], abs=1e-5)
    assert len(said) == 3 and "STOI" in said[0]
    (name,) = {path.name.split(".")[0] for path in (out / "examples").iterdir()}
    sounds = {path.name.split(".")[1]: soundfile.read(path) for path in (out / "examples").iterdir()}
    assert set(sounds) == {"input", "unquantized", "quantized1", "quantized8"}
    assert {len(samples) for samples, _ in sounds.values()} == {52800}
    heard, _ = soundfile.read(data / "wav" / f"{name}.flac")
    assert np.std(sounds["input"][0]) == pytest.approx(np.std(heard), rel=0.01)
    assert (sounds["quantized1"][0] != sounds["quantized8"][0]).any()


def test_an_untrained_codec_is_heard_around_its_empty_codebooks_alone(tmp_path: Path) -> None:
    data = write_tones(tmp_path / "data", [0], each=1)
    reconstruct(data, tmp_path / "out", "mimi-random")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"unquantized"}
    with pytest.raises(MimidiarError, match="codebooks of these weights are empty"):
        reconstruct(data, tmp_path / "out", "mimi-random", codebooks=[8])
    with pytest.raises(MimidiarError, match="logmel has no decoder"):
        reconstruct(data, tmp_path / "out", "logmel")
