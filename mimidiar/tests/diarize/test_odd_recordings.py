"""`mimidiar diarize` on what recorders, phones and films leave: turns where they are, and what is said of it."""

import functools
import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tqdm import tqdm

from mimidiar.annotation.rttm import read_rttm
from mimidiar.audio.files import probe_audio
from mimidiar.diarize.pretrained import Diarization
from mimidiar.tests.audio.made import bursts, mp3, wav, write_av
from mimidiar.tests.diarize.calls import TALK, files, write
from mimidiar.tests.diarizers import RATE, tones


def turns(path: str) -> list[tuple]:
    ((_, found),) = read_rttm(path).items()
    return [(turn.speaker, turn.start, turn.end) for turn in found]


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.m4a", "aac", 44100), ("a.mp4", "aac", 44100), ("a.webm", "libopus", 48000), ("a.mov", "pcm_s16le", RATE)],
)
def test_films_and_phones(diarize, name, codec, rate) -> None:
    write_av(Path(name), tones(*TALK, rate=rate), rate, codec)
    result = diarize(name)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.rttm: 2 speakers, 2 turns\n", "")
    assert [turn[0] for turn in turns("a.rttm")] == ["spk0", "spk1"]
    assert np.allclose([turn[1:] for turn in turns("a.rttm")], [(0, 8), (10, 18)], atol=0.25)


def test_turns_and_lengths_follow_what_is_read(diarize, here) -> None:
    """The second half of two joined files, of which the header knows the first alone."""
    Path("joined.mp3").write_bytes(mp3(tones(*TALK)) + mp3(tones(*TALK)))
    assert diarize("joined.mp3", "--format", "rttm,textgrid").stdout.startswith("joined.rttm, .TextGrid: 2 speakers, 4")
    assert turns("joined.rttm")[-1][2] == pytest.approx(36, abs=0.3)
    assert 35.8 < float(Path("joined.TextGrid").read_text().split("xmax = ")[1].split()[0]) < 36.5


def test_the_progress_bar_follows_what_is_read(diarize, monkeypatch) -> None:
    """Also where there is far more than stated: one that no longer knows its total cannot be formatted."""
    loud_first = np.concatenate([bursts(8.0), np.zeros(92 * RATE, np.float32)])
    Path("untagged.mp3").write_bytes(mp3(loud_first, tagged=False))  # the length is guessed of the first frame
    assert probe_audio("untagged.mp3").seconds < 80
    shown = io.StringIO()
    bar = functools.partial(tqdm, file=shown, mininterval=0)
    monkeypatch.setattr("mimidiar.diarize.files.tqdm", lambda **options: bar(**options | {"disable": False}))
    assert diarize("untagged.mp3").exit_code == 0
    last = shown.getvalue().split("\r")[-1]
    assert "100%" in last and "100/100 s" in last


def test_one_audio_stream_of_several(diarize) -> None:
    write_av(Path("a.mkv"), tones((300, 4.0)), RATE, "pcm_s16le", streams=2)
    result = diarize("a.mkv")
    assert "a.mkv: has 2 audio streams, and the first is read" in result.stderr and result.exit_code == 0
    assert result.stderr.endswith("mimidiar: 1 diarized, 0 could not be, 1 warning\n")
    assert diarize("a.mkv", "--audio-stream", 2).stderr == ""
    result = diarize("a.mkv", "--audio-stream", 3)
    assert result.exit_code == 1 and "a.mkv: has 2 audio streams, none with number 3" in result.stderr


def test_channels_that_cancel_are_heard(diarize) -> None:
    write("mono.wav", tones(*TALK)), write("turned.wav", np.stack([tones(*TALK), -tones(*TALK)], axis=1))
    result = diarize("mono.wav", "turned.wav")
    assert turns("mono.rttm") == turns("turned.rttm")
    first, last = result.stderr.splitlines()
    assert first.startswith("turned.wav: the channels cancel out") and last.endswith("0 could not be, 1 warning")


@pytest.mark.parametrize("level_db", [-60, -40, 6])
def test_levels_change_no_turn(diarize, level_db) -> None:
    """Speech, to this diarizer, is what is loud: without a gain nobody would be."""
    talk = tones((0, 1.0), *TALK)
    syllables = 10 ** ((5 * np.cos(np.arange(len(talk)) / RATE * 4 * np.pi) - 5) / 20)
    recorded = talk * syllables + 1e-4 * np.sin(np.arange(len(talk)) / 3)
    for name, scale in (("usual", 1), ("scaled", 10 ** (level_db / 20))):
        write(f"{name}.wav", recorded * scale, RATE, "FLOAT")
    assert diarize("usual.wav", "scaled.wav").exit_code == 0
    usual, scaled = turns("usual.rttm"), turns("scaled.rttm")
    assert [turn[0] for turn in usual] == [turn[0] for turn in scaled] == ["spk0", "spk1"]
    assert np.allclose([turn[1:] for turn in usual], [turn[1:] for turn in scaled], atol=0.7)


def test_where_nobody_is_found_it_says_what_was_looked_for(diarize) -> None:
    rng = np.random.default_rng(0)
    write("hiss.wav", 1e-3 * rng.standard_normal(8 * RATE)), write("silence.wav", np.zeros(8 * RATE))
    result = diarize("hiss.wav", "silence.wav")
    first, last = result.stderr.splitlines()
    assert first.startswith("hiss.wav: nobody found: the VAD found 0.0 s of speech in 8.0 s, the peak is at -")
    assert "--per-channel" in first and last == "mimidiar: 2 diarized, 0 could not be, 1 warning"


def call() -> np.ndarray:
    """Two channels: one tone each, which is heard in the other, 15 dB quieter; from 10 s on both at once."""
    own = np.stack(
        [tones((300, 4.0), (0, 6.0), (300, 3.0)), tones((0, 5.0), (2500, 3.0), (0, 2.0), (2500, 3.0))], axis=1
    )
    return own + own[:, ::-1] * 10 ** (-15 / 20)


def test_a_call_with_a_speaker_for_each_channel(diarize, here) -> None:
    write("call.wav", call())
    result = diarize("call.wav", "--per-channel", "merged", "--format", "rttm,json", "--plot")
    assert (result.exit_code, result.stderr) == (0, "") and "2 speakers, 4 turns" in result.stdout
    assert files(here) == {"call.wav", "call.rttm", "call.json", "call.png"}
    rows = [line.split() for line in Path("call.rttm").read_text().splitlines()]
    assert [(row[1], row[2], row[7]) for row in rows] == [
        ("call", "1", "spk0"),
        ("call", "2", "spk1"),
        ("call", "1", "spk0"),
        ("call", "2", "spk1"),
    ]
    found = [(float(row[3]), float(row[3]) + float(row[4])) for row in rows]
    assert np.allclose(found, [(0, 4), (5, 8), (10, 13), (10, 13)], atol=0.3)
    diarize("call.wav", "--per-channel", "separate", "-o", "each")
    assert sum(turn[2] - turn[1] for turn in turns("each/call-channel1.rttm")) > 8  # the other one's as well


def test_channels_of_the_same_sound_are_one_recording(diarize) -> None:
    write("dual.wav", np.stack([tones(*TALK), tones(*TALK) * 0.7], axis=1))
    result = diarize("dual.wav", "--per-channel", "merged")
    assert result.stdout == "dual.rttm: 2 speakers, 2 turns\n"
    assert "dual.wav: its channels hold the same sound, so that it is diarized as one" in result.stderr


def test_a_late_echo_is_told(diarize) -> None:
    """Later than a path between channels is; and of both sides."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((12 * RATE, 2))
    own = noise * (np.arange(len(noise)) // (3 * RATE) % 2 == [[0], [1]]).T
    write("echo.wav", own + np.roll(own[:, ::-1], RATE // 2, axis=0) * 0.8)
    assert "speak at once for " in diarize("echo.wav", "--per-channel", "merged").stderr


def test_what_is_no_regular_file_and_a_stream_that_is_not_there(diarize, here) -> None:
    os.mkfifo("pipe.wav")
    write("a.wav", tones(*TALK))
    result = diarize("pipe.wav", "/dev/null", "a.wav", "--audio-stream", 2)
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr.count("this is a pipe or a device") == 2
    assert "a.wav: has 1 audio stream, none with number 2 (from 1)" in result.stderr


def test_a_fault_of_ours_takes_no_other_file_with_it(diarize, monkeypatch) -> None:
    write("a.wav", tones(*TALK)), write("b.wav", tones(*TALK))
    warn = Diarization.warn

    def fail(self, count, name) -> None:
        if Path(name).name == "a.wav":
            raise KeyError("x")
        warn(self, count, name)

    monkeypatch.setattr(Diarization, "warn", fail)
    result = diarize("a.wav", "b.wav")
    assert result.exit_code == 1 and result.stdout == "b.rttm: 2 speakers, 2 turns\n"
    assert "a.wav: this is a fault of mimidiar, please report it:" in result.stderr and "KeyError" in result.stderr


def test_how_channels_are_asked_for(diarize, here) -> None:
    write("call.wav", call()), write("mono.wav", tones(*TALK))
    for options in (
        ["--per-channel", "call.wav"],
        ["call.wav", "--per-channel"],
        ["--per-channel=separate", "call.wav"],
    ):
        assert diarize(*options, "-o", "out").exit_code == 0
        assert files(here / "out") == {"call-channel1.rttm", "call-channel2.rttm"}
    assert diarize("mono.wav", "--per-channel", "merged").stdout == "mono.rttm: 2 speakers, 2 turns\n"
    result = diarize("call.wav", "--per-channel", "merged", "--num-speakers", 2)
    assert result.exit_code == 2 and "makes each channel one speaker" in result.stderr
    assert diarize("call.wav", "--per-channel=mixed").exit_code == 2


def test_a_header_that_disagrees_is_told_once(diarize, caplog) -> None:
    Path("open.wav").write_bytes(wav(tones(*TALK), stated=0))
    with caplog.at_level(logging.WARNING, "mimidiar"):
        result = diarize("open.wav")
    assert result.stdout == "open.rttm: 2 speakers, 2 turns\n"
    assert result.stderr.count("promises 0 bytes of samples") == 1


def test_a_reader_that_leaves_ends_it_silently(here, model) -> None:
    for number in range(3):
        write(f"{number}.wav", tones(*TALK))
    arguments = ["diarize", "0.wav", "1.wav", "2.wav", "-o", "-", "--model", str(model), "--device", "cpu"]
    code = (
        "import pytest; from mimidiar.tests.diarizers import hear_what_is_loud; hear_what_is_loud(pytest.MonkeyPatch())"
    )
    code += f"; from mimidiar.cli import main; import sys; sys.argv[1:] = {arguments!r}; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait() != 0
