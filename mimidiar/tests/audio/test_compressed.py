"""Containers and codecs that FFmpeg reads: content, rates, streams, damage, and what it must not open."""

import os

import av
import numpy as np
import pytest
import soundfile

from mimidiar.audio.compressed import as_floats
from mimidiar.audio.files import probe_audio, read_audio, stream_audio
from mimidiar.errors import MimidiarError
from mimidiar.tests.audio.made import RATE, bursts, mp3, wav, write_av
from mimidiar.tests.logged import logged

# suffix, codec, the container's name where the suffix does not tell, rate
CONTAINERS = [
    ("m4a", "aac", None, 16000),
    ("mp4", "aac", None, 44100),
    ("mov", "pcm_s16le", None, 48000),
    ("aac", "aac", "adts", 44100),
    ("mkv", "flac", None, 16000),
    ("mka", "libopus", None, 48000),
    ("webm", "libopus", None, 48000),
    ("wma", "wmav2", "asf", 44100),
    ("amr", "libopencore_amrnb", None, 8000),
    ("3gp", "libopencore_amrnb", None, 8000),
    ("mp3", "libmp3lame", None, 44100),
    ("opus", "libopus", None, 48000),
    ("avi", "libmp3lame", None, 44100),
]


def envelope(samples: np.ndarray, rate: int) -> np.ndarray:
    """Level of every tenth of a second."""
    block = rate // 10
    return np.sqrt(np.square(samples[: len(samples) // block * block].reshape(-1, block)).mean(axis=1))


@pytest.mark.parametrize(("suffix", "codec", "kind", "rate"), CONTAINERS)
def test_what_is_heard_is_where_it_was(tmp_path, suffix, codec, kind, rate) -> None:
    path = write_av(tmp_path / f"a.{suffix}", bursts(6.0, rate), rate, codec, kind=kind)
    info = probe_audio(path)
    assert (info.sample_rate, info.channels) == (rate, 1)
    if suffix != "aac":  # which is guessed of the first frames
        assert info.seconds == pytest.approx(6, abs=0.4)
    with logged() as said:
        read = read_audio(path, rate)
    assert len(read) / rate == pytest.approx(6, abs=0.2) and not said
    shares = envelope(read, rate)[:58], envelope(bursts(6.0, rate), rate)[:58]
    assert np.corrcoef(*shares)[0, 1] > 0.85


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_samples_are_those_of_libsndfile_bit_for_bit(tmp_path, suffix, subtype) -> None:
    path = tmp_path / f"a.{suffix}"
    stereo = np.stack([bursts(3.3), bursts(3.3, seed=1)], axis=1)
    soundfile.write(path, stereo, RATE, subtype=subtype)
    wanted = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    assert np.array_equal(read_audio(path, RATE), wanted)
    assert np.array_equal(np.concatenate(list(stream_audio(path, RATE, chunk_sec=0.33))), wanted)


def test_one_of_several_audio_streams(tmp_path) -> None:
    path = write_av(tmp_path / "a.mkv", bursts(3.0), RATE, "pcm_s16le", streams=2)  # the second at half the level
    with logged() as said:
        first = read_audio(path, RATE)
    assert said == [f"{path}: has 2 audio streams, and the first is read; --audio-stream names another"]
    with logged() as said:
        second = np.concatenate(list(stream_audio(path, RATE, audio_stream=2)))
    assert not said and np.allclose(second, first / 2, atol=1e-4)
    with pytest.raises(MimidiarError, match=r"a.mkv: has 2 audio streams, none with number 3 \(from 1\)"):
        probe_audio(path, audio_stream=3)


def test_a_film_without_sound(tmp_path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(MimidiarError, match=r"a.mkv: has no audio stream \(video\)"):
        probe_audio(tmp_path / "a.mkv")


def test_a_rate_that_changes_midway_is_resampled(tmp_path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(mp3(bursts(4.0, 16000), 16000) + mp3(bursts(4.0, 24000), 24000))
    read = read_audio(path, 16000)
    assert len(read) / 16000 == pytest.approx(8, abs=0.3)
    assert np.corrcoef(envelope(read[: 4 * RATE], RATE), envelope(bursts(4.0), RATE))[0, 1] > 0.8


def test_channels_that_change_midway(tmp_path) -> None:
    """Each part is in its place, none is lost."""
    path = tmp_path / "a.mp3"
    sounds = [bursts(3.0, seed=seed) for seed in range(3)]
    path.write_bytes(mp3(sounds[0]) + mp3(np.stack([sounds[1], sounds[1]], axis=1)) + mp3(sounds[2]))
    read = read_audio(path, RATE)
    assert len(read) / RATE == pytest.approx(9, abs=0.3)
    alone = [read_audio(_put(tmp_path / f"{k}.mp3", mp3(sound)), RATE) for k, sound in enumerate(sounds)]
    assert np.corrcoef(envelope(read[: 3 * RATE], RATE), envelope(alone[0][: 3 * RATE], RATE))[0, 1] > 0.99
    assert np.corrcoef(envelope(read[-3 * RATE :], RATE), envelope(alone[2][-3 * RATE :], RATE))[0, 1] > 0.95


def _put(path, data: bytes):
    path.write_bytes(data)
    return path


def write_gap(path, start: int, gap: int, options: dict | None = None) -> None:
    """Two seconds from `start` on, and two more `gap` samples later; raw samples in the container of the suffix."""
    with av.open(str(path), "w", options=options or {}) as container:
        out = container.add_stream("pcm_s16le" if path.suffix == ".mka" else "libopus", rate=48000, layout="mono")
        out.codec_context.open()
        tone = (8000 * np.sin(np.arange(2 * 48000) / 20)).astype(np.int16)
        cut = av.AudioResampler("s16", "mono", 48000, out.codec_context.frame_size or 960)
        for at in (start, start + 2 * 48000 + gap):
            whole = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
            whole.sample_rate, whole.pts = 48000, at
            for frame in cut.resample(whole):
                container.mux(out.encode(frame))
        container.mux(out.encode(None))


@pytest.mark.parametrize("start", [0, 600 * 48000], ids=["from-zero", "from-ten-minutes"])
def test_times_count_from_the_first_one(tmp_path, start) -> None:
    path = tmp_path / "a.mka"
    write_gap(path, start, 3 * 48000)
    with logged() as said:
        read = read_audio(path, 48000)
    assert len(read) == 7 * 48000 and not read[2 * 48000 : 5 * 48000].any() and read[-48000:].any()
    assert said == [f"{path}: 3.0 s without samples between its time stamps: silence"]


def test_a_live_recording_that_states_no_length_keeps_its_gaps(tmp_path) -> None:
    path = tmp_path / "a.webm"
    write_gap(path, 0, 3 * 48000, {"live": "1"})
    read = read_audio(path, 48000)
    assert (
        len(read) / 48000 == pytest.approx(7, abs=0.1)
        and np.abs(read[round(2.3 * 48000) : round(4.7 * 48000)]).max() < 1e-3
    )


def test_damaged_packets_are_passed_over_and_counted(tmp_path) -> None:
    data = bytearray(write_av(tmp_path / "whole.mp4", bursts(20.0, 44100), 44100, "aac").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = b"\xff" * 3000
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with logged() as said:
        read = read_audio(path, RATE)
    assert len(read) / RATE == pytest.approx(20, abs=0.2) and np.isfinite(read).all() and np.abs(read).max() <= 8
    assert "damaged packets passed over; what follows may be early by as much" in said[0]
    late = envelope(read, RATE)[150:195], envelope(bursts(20.0, RATE), RATE)[150:195]
    assert np.corrcoef(*late)[0, 1] > 0.85  # by their time stamps, what follows is in its place


def test_a_playlist_opens_no_other_file(tmp_path) -> None:
    (tmp_path / "secret.wav").write_bytes(wav(bursts(1.0)))
    for name, text in {
        "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "a.txt": "ffconcat version 1.0\nfile secret.wav\n",
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(MimidiarError, match=f"{name}: not audio that libsndfile or FFmpeg reads"):
            read_audio(tmp_path / name, RATE)


@pytest.mark.parametrize("kind", ["u8", "s16", "s32", "flt", "dbl"])
@pytest.mark.parametrize("planar", ["", "p"])
def test_frames_of_all_kinds_become_floats(kind, planar) -> None:
    levels = np.array([[-0.5, 0.25], [0.0, 0.5], [0.25, -0.25]])  # (n, channels)
    scale, shift, kinds = {
        "u8": (128, 128, np.uint8),
        "s16": (2**15, 0, np.int16),
        "s32": (2**31, 0, np.int32),
        "flt": (1, 0, np.float32),
        "dbl": (1, 0, np.float64),
    }[kind]
    values = (levels * scale + shift).astype(kinds)
    packed = np.ascontiguousarray(values.T) if planar else values.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format=kind + planar, layout="stereo")
    assert np.array_equal(as_floats(frame), levels)


def test_nothing_is_printed_by_decoders(tmp_path) -> None:
    """What they have to say of damaged files goes to the file descriptor itself."""
    data = bytearray(mp3(bursts(4.0)))
    data[500:900] = b"\x5a" * 400
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    before, kept = os.dup(2), tmp_path / "stderr"
    with open(kept, "wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            read_audio(path, RATE)
        finally:
            os.dup2(before, 2)
            os.close(before)
    assert kept.read_bytes() == b""
