"""Reading audio: rates, channels, chunks, and every way in which a file can be bad."""

import numpy as np
import pytest
import soundfile
import soxr

from mimidiar.audio.files import measure_audio, probe_audio, read_audio, stream_audio
from mimidiar.audio.signal import in_frames, resample, stream_samples
from mimidiar.errors import MimidiarError


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize("rate", [16000, 24000, 44100, 48000])
def test_read_resamples(tmp_path, rate, suffix):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, tone(1.5, rate), rate)
    read = read_audio(path, 24000)
    assert read.dtype == np.float32 and read.ndim == 1
    assert abs(len(read) - 36000) <= 1
    inner = slice(2000, 34000)
    np.testing.assert_allclose(read[inner], tone(1.5, 24000)[inner], atol=0.02 if suffix == ".ogg" else 1e-3)
    assert probe_audio(path).sample_rate == rate and measure_audio(path).samples == round(1.5 * rate)


@pytest.mark.parametrize("chunk_sec", [0.01, 0.7, 100.0])
@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
def test_chunks_are_the_whole(tmp_path, rate, chunk_sec):
    path = tmp_path / "a.wav"
    noise = np.random.default_rng(0).standard_normal(rate * 2 + 77).astype(np.float32) * 0.1
    soundfile.write(path, noise, rate, subtype="FLOAT")
    chunks = list(stream_audio(path, 24000, chunk_sec))
    assert max(map(len, chunks)) <= 24000 * (chunk_sec + 0.2)
    whole = soxr.resample(noise, rate, 24000, quality="HQ") if rate != 24000 else noise
    np.testing.assert_allclose(np.concatenate(chunks), whole, atol=1e-6)


def test_channels_are_averaged(tmp_path):
    path = tmp_path / "stereo.flac"
    soundfile.write(path, np.stack([tone(1, 16000), np.zeros(16000, np.float32)], axis=1), 16000)
    np.testing.assert_allclose(read_audio(path, 16000), tone(1, 16000) / 2, atol=1e-4)
    assert probe_audio(path).channels == 2


def test_one_channel_is_read_alone(tmp_path):
    path = tmp_path / "stereo.flac"
    soundfile.write(path, np.stack([tone(1, 16000), tone(1, 16000, 300.0)], axis=1), 16000)
    for channel, hertz in enumerate((440.0, 300.0)):
        read = np.concatenate(list(stream_audio(path, 16000, channel=channel)))
        np.testing.assert_allclose(read, tone(1, 16000, hertz), atol=1e-4)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_samples_are_streamed_as_a_file_is(tmp_path, rate):
    path = tmp_path / "a.wav"
    noise = np.random.default_rng(0).standard_normal(2 * rate + 13).astype(np.float32) * 0.1
    soundfile.write(path, noise, rate, subtype="FLOAT")
    chunks = list(stream_samples(noise, rate, 24000, chunk_sec=0.7))
    assert len(chunks) >= 3 and np.array_equal(
        np.concatenate(chunks), np.concatenate(list(stream_audio(path, 24000, 0.7)))
    )


@pytest.mark.parametrize("lengths", [[], [7], [10], [3, 3, 3, 3], [25, 1], [4, 20, 6]])
def test_chunks_become_whole_frames(lengths):
    signal = np.arange(1.0, sum(lengths) + 1, dtype=np.float32)
    found = list(in_frames(np.split(signal, np.cumsum(lengths)[:-1]) if lengths else [], 10))
    assert all(len(each) % 10 == 0 and len(each) for each in found)
    joined = np.concatenate([np.zeros(0, np.float32), *found])
    assert len(joined) == -(-len(signal) // 10) * 10
    assert np.array_equal(joined[: len(signal)], signal) and not joined[len(signal) :].any()


def test_telephone_speech_is_read_with_a_warning(tmp_path):
    path = tmp_path / "telephone.wav"
    soundfile.write(path, tone(1, 8000), 8000)
    with pytest.warns(UserWarning, match="8000 Hz: the band above 4000 Hz is empty"):
        assert abs(len(read_audio(path, 24000)) - 24000) <= 1


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".ogg"])
def test_cut_short(tmp_path, suffix):
    path = tmp_path / f"cut{suffix}"
    noise = np.random.default_rng(0).standard_normal(32000) * 0.1
    soundfile.write(path, noise, 16000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    if suffix == ".ogg":  # its header promises nothing: a shorter file is a file
        assert len(read_audio(path, 16000)) < 32000
        return
    with pytest.raises(MimidiarError, match=rf"cut{suffix}: .*cut short: the header promises .*fetch it again"):
        read_audio(path, 24000)


def test_wav_from_a_pipe_is_not_cut_short(tmp_path):
    """A writer that cannot seek back leaves 0xFFFFFFFF as the length."""
    path = tmp_path / "pipe.wav"
    soundfile.write(path, tone(1, 16000), 16000)
    header = bytearray(path.read_bytes())
    header[4:8] = header[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(header)
    assert len(read_audio(path, 16000)) == 16000


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none(tmp_path, value):
    path = tmp_path / "nan.wav"
    samples = tone(2, 16000)
    samples[24000] = value
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    with pytest.raises(MimidiarError, match=r"nan.wav: sample 24000 \(1.50 s\) is not a finite number"):
        list(stream_audio(path, 24000, chunk_sec=0.4))


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such audio file"), (b"", r"empty \(0 bytes\)"), (b"Dear Sir or Madam, " * 50, "not audio")],
)
def test_what_is_no_audio(tmp_path, content, said):
    path = tmp_path / "letter.wav"
    if content is not None:
        path.write_bytes(content)
    for read in (probe_audio, lambda path: read_audio(path, 24000)):
        with pytest.raises(MimidiarError, match=rf"letter.wav: .*{said}"):
            read(path)


def test_no_samples(tmp_path):
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros(0), 16000)
    with pytest.raises(MimidiarError, match=r"none.wav: holds 0 samples"):
        read_audio(path, 24000)


@pytest.mark.parametrize("rate", [16000, 24000])
def test_a_signal_is_resampled_as_a_file_is(tmp_path, rate):
    path = tmp_path / "a.wav"
    noise = np.random.default_rng(0).standard_normal(rate + 13).astype(np.float32) * 0.1
    soundfile.write(path, noise, rate, subtype="FLOAT")
    assert np.array_equal(resample(noise, rate, 24000), read_audio(path, 24000))
