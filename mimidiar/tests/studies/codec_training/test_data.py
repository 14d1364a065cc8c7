"""Crops for the codec: of speech, as loud as asked for, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest

from mimidiar.config import load_config
from mimidiar.data.utterances_manifest import SourceUtterance, read_source
from mimidiar.errors import MimidiarError
from mimidiar.features.store import META
from mimidiar.files import write_json
from mimidiar.studies.codec_training.config import CodecConfig
from mimidiar.studies.codec_training.data import (
    CodecCrops,
    Targets,
    collate_crops,
    middle,
    read_all,
    split_speakers,
    with_level,
)
from mimidiar.tests.matrices import write_matrix_store
from mimidiar.tests.tones import SPEECH, tone_hz, write_tones
from mimidiar.training.batches import Draw

QUIET = ["overlap_rate=0", "crop_sec=0.4", "level_dbfs=[-20,-20]"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tones(tmp_path_factory.mktemp("tones") / "train", [0, 1, 2, 3])


def crops(data: Path, overrides: list[str], targets: Path | None = None) -> CodecCrops:
    speakers = read_source(data)
    known = Targets(targets, [row for rows in speakers.values() for row in rows])
    return CodecCrops(read_all(data), speakers, load_config(CodecConfig, None, overrides), 7, known)


def pitch_hz(crop: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(crop * np.hanning(len(crop)))).argmax() * 24000 / len(crop))


def test_crops_are_of_every_speaker_and_mostly_of_speech(data: Path) -> None:
    drawn = [crops(data, QUIET)[Draw(0, index)][0] for index in range(80)]
    assert {len(crop) for crop in drawn} == {9600}
    heard = [round(pitch_hz(crop) / 250) * 250 for crop in drawn]
    counts = [heard.count(tone_hz(f"v-{number}")) for number in range(4)]
    assert sum(counts) == 80 and min(counts) >= 10


def test_a_crop_has_the_level_that_was_drawn(data: Path) -> None:
    fixed, wide = crops(data, QUIET), crops(data, [*QUIET, "level_dbfs=[-50,-20]"])
    levels = [[20 * np.log10(np.std(one[Draw(0, k)][0])) for k in range(40)] for one in (fixed, wide)]
    np.testing.assert_allclose(levels[0], -20, atol=0.1)
    assert -50.1 < min(levels[1]) < -44 and -26 < max(levels[1]) < -19.9


def test_a_draw_is_the_same_again_and_another_epoch_has_others(data: Path) -> None:
    first, again, other = crops(data, []), crops(data, []), crops(data, [])
    pairs = [(first[Draw(1, k)][0], again[Draw(1, k)][0], other[Draw(2, k)][0]) for k in range(8)]
    assert all((a == b).all() and (a != c).any() for a, b, c in pairs)


def test_where_two_talk_there_is_no_speaker_to_tell(data: Path, tmp_path: Path) -> None:
    names = sorted(path.stem for path in (data / "wav").iterdir())
    write_matrix_store(tmp_path, "feats", [(name, np.eye(8, 192, k, np.float32)) for k, name in enumerate(names)])
    write_json(tmp_path / META, {"frame_hz": 12.5, "dim": 192})
    alone, together = crops(data, QUIET, tmp_path), crops(data, [*QUIET, "overlap_rate=1"], tmp_path)
    one = [alone[Draw(0, k)] for k in range(12)]
    assert all(np.linalg.norm(target) == pytest.approx(1) for _, target in one)
    for crop, target in (together[Draw(0, k)] for k in range(12)):
        assert not target.any() and 20 * np.log10(np.std(crop)) == pytest.approx(-20, abs=0.1)
    batch = collate_crops(one)
    assert batch.audio.shape == (12, 1, 9600) and batch.targets.shape == (12, 192)


def test_an_utterance_without_features_is_named(data: Path, tmp_path: Path) -> None:
    write_matrix_store(tmp_path, "feats", [("else", np.ones((3, 4), np.float32))])
    write_json(tmp_path / META, {"frame_hz": 12.5, "dim": 4})
    with pytest.raises(MimidiarError, match="has no 'v-0-0'"):
        crops(data, QUIET, tmp_path)


def test_speakers_are_trained_on_or_watched(data: Path) -> None:
    speakers = read_source(data)
    train, watched = split_speakers(speakers, 0.3, seed=1)
    assert len(watched) == 1 and {**train, **watched} == speakers
    assert any(split_speakers(speakers, 0.3, seed)[1].keys() != watched.keys() for seed in range(2, 9))
    assert [len(part) for part in split_speakers(speakers, 0.99, seed=1)] == [1, 3]
    with pytest.raises(MimidiarError, match="1 speaker"):
        split_speakers({"a": []}, 0.3, seed=1)


def test_the_middle_of_a_crop_is_any_moment_of_speech() -> None:
    random = np.random.default_rng(0)
    utterance = SourceUtterance("u", "u", "s", "", "", 2.2, SPEECH)
    found = [middle(utterance, random) for _ in range(2000)]
    inside = [any(start <= moment <= end for start, end in SPEECH) for moment in found]
    assert all(inside)
    assert np.mean([moment < 1 for moment in found]) == pytest.approx(0.8 / 1.3, abs=0.04)


def test_gain_has_its_limits() -> None:
    sine = np.sin(np.arange(4800) * 0.1).astype(np.float32)
    assert np.abs(with_level(sine, -1.0)).max() <= 1.0
    assert np.std(with_level(1e-5 * sine, -20.0)) == pytest.approx(1e-3 / np.sqrt(2), rel=0.01)
    assert not with_level(np.zeros(10, np.float32), -20.0).any()
