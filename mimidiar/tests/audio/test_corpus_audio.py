"""What is refused of an audio file of a corpus, and with which words."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mimidiar.audio.corpus_audio import read_corpus_audio, write_flac
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.trees import write_audio


def test_a_good_file(tmp_path: Path) -> None:
    samples = read_corpus_audio(write_audio(tmp_path / "a.flac"), 1.05, "row")
    assert samples.shape == (16000,) and samples.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "options", "stated", "message"),
    [
        ("a.flac", {"rate": 8000}, 1.0, "sample rate is 8000 Hz, expected 16000"),
        ("a.flac", {"channels": 2}, 1.0, "2 channels, expected 1"),
        ("a.flac", {"seconds": 2.0}, 1.5, "lasts 2.000 s, but the row says 1.500 s"),
        ("a.wav", {"seconds": 0.0}, 1.0, "holds 0 samples"),
    ],
)
def test_wrong_header(tmp_path: Path, name: str, options: dict, stated: float, message: str) -> None:
    path = write_audio(tmp_path / name, **options)
    with pytest.raises(MimidiarError, match=rf"utts.tsv:7 \(u\): .*{message}"):
        read_corpus_audio(path, stated, "utts.tsv:7 (u)")


def test_missing_truncated_and_not_finite(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"row: .*no such audio file"):
        read_corpus_audio(tmp_path / "none.flac", 1.0, "row")
    whole = write_audio(tmp_path / "a.flac", 4.0)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(MimidiarError, match=r"row: .*cut short"):
        read_corpus_audio(whole, 4.0, "row")
    samples = np.zeros(16000, np.float32)
    samples[8000] = np.nan
    soundfile.write(str(tmp_path / "nan.wav"), samples, 16000, subtype="FLOAT")
    with pytest.raises(MimidiarError, match=r"row: .*sample 8000 \(0.50 s\) is not a finite number"):
        read_corpus_audio(tmp_path / "nan.wav", 1.0, "row")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32767, 1600).astype(np.int16)
    write_flac(tmp_path / "a" / "b.flac", samples)
    read = read_corpus_audio(tmp_path / "a" / "b.flac", 0.1, "row")
    assert np.array_equal(np.round(read * 32768).astype(np.int16), samples)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.flac"]
