"""A stated length is no promise: what is read of files whose headers say too little, too much or nothing."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mimidiar.audio.files import measure_audio, probe_audio, read_audio, stream_audio
from mimidiar.audio.wav_header import wav_layout
from mimidiar.errors import MimidiarError
from mimidiar.tests.audio.made import RATE, bursts, chunk, cover, mp3, ogg, wav, write_av
from mimidiar.tests.logged import logged

SECONDS = 8.0
SOUND, QUIET = bursts(SECONDS), np.zeros(RATE * 12, np.float32)


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def heard(path: Path) -> float:
    """Seconds, read in short chunks."""
    return sum(map(len, stream_audio(path, RATE, chunk_sec=0.7))) / RATE


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (mp3(np.concatenate([SOUND, QUIET]), tagged=False), 20),  # guessed of its first frame: too short
        (mp3(np.concatenate([QUIET, SOUND]), tagged=False), 20),  # too long
        (mp3(SOUND, mode="CONSTANT", tagged=False), 8),
        (cover() + mp3(SOUND, mode="CONSTANT", tagged=False), 8),
        (mp3(SOUND) + mp3(SOUND), 16),
        (mp3(SOUND) + b"TAG" + bytes(125), 8),
        (cover() + mp3(SOUND) + cover(300) + mp3(bursts(3)), 11),
    ],
    ids=["short", "long", "constant", "cover", "joined", "tag-behind", "joined-with-covers"],
)
def test_mp3_is_read_to_its_end(tmp_path, data, seconds) -> None:
    path = put(tmp_path / "a.mp3", data)
    assert heard(path) == pytest.approx(seconds, abs=0.25) == measure_audio(path).seconds
    assert not probe_audio(path).exact


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("middle", ["alike", "two-channels", "another-rate"])
def test_chained_ogg_is_read_to_its_end(tmp_path, subtype, middle) -> None:
    parts = [ogg(bursts(seconds, seed=seed), subtype) for seed, seconds in enumerate((8, 3, 5))]
    if middle == "two-channels":
        parts[1] = ogg(np.stack([bursts(3), bursts(3)], axis=1), subtype)
    elif middle == "another-rate":
        parts[1] = ogg(bursts(3, 24000), subtype, 24000)
    path = put(tmp_path / "a.ogg", b"".join(parts))
    assert heard(path) == pytest.approx(16, abs=0.01)
    alone = read_audio(put(tmp_path / "b.ogg", parts[2]), RATE)
    assert np.corrcoef(read_audio(path, RATE)[-4 * RATE :][: 3 * RATE], alone[-4 * RATE :][: 3 * RATE])[0, 1] > 0.99


def test_an_ogg_without_its_end_is_read_with_a_warning(tmp_path) -> None:
    whole = ogg(SOUND, "VORBIS")
    path = put(tmp_path / "cut.ogg", whole[: len(whole) * 6 // 10])
    with logged() as said:
        assert 3 < heard(path) < 6 and heard(put(tmp_path / "whole.ogg", whole)) == 8
    assert said == [f"{path}: the Ogg stream has no end: it may be cut short; all that there is was read"]


def test_a_damaged_ogg_is_read_with_a_warning(tmp_path) -> None:
    data = bytearray(ogg(bursts(20), "VORBIS"))
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path = put(tmp_path / "a.ogg", bytes(data))
    with logged() as said:
        assert 15 < heard(path) < 20
    assert len(said) == 1 and "a.ogg: damaged: " in said[0] and "s are missing" in said[0]


def test_mp3_inside_wav(tmp_path) -> None:
    audio = mp3(SOUND, mode="CONSTANT", tagged=False)
    form = chunk(b"fmt ", struct.pack("<HHIIHHH", 0x55, 1, RATE, 8000, 1, 0, 0))
    riff = b"WAVE" + form + chunk(b"data", audio)
    path = put(tmp_path / "a.wav", b"RIFF" + struct.pack("<I", len(riff)) + riff)
    assert heard(path) == pytest.approx(8, abs=0.2)


def test_a_flac_whose_header_has_no_length(tmp_path) -> None:
    """As encoders leave it that write to a pipe."""
    soundfile.write(tmp_path / "a.flac", SOUND, RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    assert np.array_equal(
        read_audio(put(tmp_path / "b.flac", bytes(data)), RATE), read_audio(tmp_path / "a.flac", RATE)
    )


SIZE = 2 * len(SOUND)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (wav(SOUND), ""),
        (wav(SOUND, stated=SIZE + 44), f"promises {SIZE + 44} bytes of samples, and the file has {SIZE}: all"),
        (wav(SOUND, stated=0), f"promises 0 bytes of samples, and the file has {SIZE}: the 8.0 s beyond are read too"),
        (wav(SOUND, stated=SIZE // 4), f"promises {SIZE // 4} bytes of samples, and the file has {SIZE}: the 6.0 s"),
        (wav(SOUND, stated=0xFFFFFFFF), ""),
        (wav(SOUND, before=chunk(b"LIST", b"INFOx", padded=False)), ""),  # an odd length without its padding
        (wav(SOUND, before=chunk(b"LIST", b"INFOx")), ""),
        (wav(SOUND, after=chunk(b"LIST", b"INFOxyz")), ""),
        (wav(SOUND, after=b"TAG" + bytes(125)), ""),
        (wav(SOUND, after=b"APETAGEX" + bytes(120)), ""),
        (wav(SOUND, stated=0xFFFFFFFF, after=chunk(b"LIST", b"INFOxyz")), ""),
        (wav(SOUND, stated=0, after=chunk(b"bext", bytes(602))), "the 8.0 s beyond are read too"),
        (wav(SOUND, after=wav(SOUND)), "another recording follows in the same file, and is not read"),
        (wav(SOUND, after=chunk(b"data", bytes(64000))), "another recording follows in the same file"),
        (wav(SOUND, after=b"\r\n--boundary--\r\n"), ""),
    ],
    ids=[
        *["good", "44-more", "never-closed", "too-short", "pipe", "odd-chunk", "chunk", "chunk-behind", "tag-behind"],
        *["ape-behind", "chunk-behind-a-pipe", "chunk-behind-none", "joined", "two-data", "text-behind"],
    ],
)
def test_wav_headers_that_disagree_with_the_file(tmp_path, data, note) -> None:
    path = put(tmp_path / "a.wav", data)
    with logged() as said:
        samples = np.concatenate(list(stream_audio(path, RATE, chunk_sec=0.7)))
    assert np.array_equal(np.round(samples * 32768), np.round(SOUND * 32767)) and probe_audio(path).seconds == 8
    assert len(said) == bool(note) and all(note in line for line in said)


def test_a_wav_over_4_gib_whose_size_is_taken_modulo(tmp_path) -> None:
    """Sparse: it takes no disk."""
    size = (1 << 32) + 10 * RATE * 2
    path = put(tmp_path / "a.wav", wav(SOUND, stated=size))
    with open(path, "r+b") as file:
        file.truncate(44 + size)
    assert probe_audio(path).samples == size // 2
    with logged() as said:
        first = next(stream_audio(path, RATE))
    assert np.array_equal(np.round(first[: len(SOUND)] * 32768), np.round(SOUND * 32767))
    assert len(said) == 1 and "promises 320000 bytes of samples, and the file has 4295287296" in said[0]


@pytest.mark.parametrize("stated", [SIZE * 2, SIZE + 3 * RATE, 3_000_000_000])
def test_a_wav_that_is_cut_short_is_refused(tmp_path, stated) -> None:
    path = put(tmp_path / "a.wav", wav(SOUND, stated=stated))
    with pytest.raises(MimidiarError, match=rf"a.wav: cut short: the header promises {stated} bytes"):
        probe_audio(path)


@pytest.mark.parametrize("kind", ["AU", "W64", "AIFF", "VOC", "NIST", "RF64", "FLAC"])
def test_files_of_samples_that_are_cut_short_are_refused(tmp_path, kind) -> None:
    path = tmp_path / "a.bin"
    soundfile.write(path, SOUND, RATE, "PCM_16", format=kind)
    put(path, path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MimidiarError, match=r"a\.bin: .*cut short"):
        heard(path)


def test_a_file_of_zeros_that_begins_as_wav_is_refused_at_once(tmp_path) -> None:
    """As a recorder leaves it that reserved the space and died; each zero chunk is 8 bytes long."""
    path = put(tmp_path / "a.wav", b"RIFF\xff\xff\xff\xffWAVE" + bytes(1 << 22))
    with open(path, "rb") as file:
        assert wav_layout(file) is None and file.tell() < 100
    with pytest.raises(MimidiarError, match=r"a\.wav: not audio"):
        probe_audio(path)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_film_that_promises_more_than_decodes_is_read_with_a_warning(tmp_path, share) -> None:
    whole = write_av(tmp_path / "a.mka", bursts(30), RATE, "pcm_s16le").read_bytes()
    path = put(tmp_path / "cut.mka", whole[: int(len(whole) * share)])
    with logged() as said:
        assert heard(path) == pytest.approx(30 * share, abs=1.5)
    assert len(said) == 1 and "of the 30.0 s that it promises do not decode" in said[0]


@pytest.mark.parametrize("rate", [1, 300, 1_000_000])
def test_a_rate_that_no_recorder_has_is_refused(tmp_path, rate) -> None:
    path = put(tmp_path / "a.wav", wav(SOUND, rate))
    with pytest.raises(MimidiarError, match=f"a.wav: a sample rate of {rate} Hz, not from 2000 to 768000"):
        probe_audio(path)
