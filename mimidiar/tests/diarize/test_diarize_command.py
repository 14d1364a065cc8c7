"""`mimidiar diarize` from outside: odd files among good ones, formats, channels, names, and what an end leaves."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mimidiar.annotation.activity import runs
from mimidiar.annotation.formats import FORMATS
from mimidiar.annotation.reading import Reading
from mimidiar.annotation.rttm import read_rttm
from mimidiar.cli import cli
from mimidiar.diarize.segmenter import trust
from mimidiar.tests.diarize.calls import TALK, files, write
from mimidiar.tests.diarizers import RATE, tones, write_parts
from mimidiar.tests.speech import speech


def test_a_recording_is_written_to_the_working_directory(diarize, here) -> None:
    write("elsewhere/talk.flac", tones(*TALK))
    result = diarize("elsewhere/talk.flac")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "talk.rttm: 2 speakers, 2 turns\n", "")
    assert files(here) == {"elsewhere/talk.flac", "talk.rttm"}
    turns = read_rttm("talk.rttm")["talk"]
    assert [turn.speaker for turn in turns] == ["spk0", "spk1"]
    assert (turns[0].start, turns[1].end) == (0, 18) and turns[0].end == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64"])
def test_formats_that_libsndfile_reads(diarize, suffix) -> None:
    write(f"talk.{suffix}", tones(*TALK, rate=44100), 44100)
    assert diarize(f"talk.{suffix}").stdout == "talk.rttm: 2 speakers, 2 turns\n"


def bad_files() -> dict[str, str]:
    """Files that hold no recording -> what is said of each."""
    Path("text.wav").write_text("Dear Sir or Madam,\n")
    Path("empty.wav").touch()
    write("zero.wav", np.zeros(0))
    signal = tones((300, 2.0))
    signal[RATE] = np.nan
    write("nan.wav", signal, subtype="FLOAT")
    write("cut.wav", tones((300, 2.0)))
    Path("cut.wav").write_bytes(Path("cut.wav").read_bytes()[:9999])
    return {
        "text.wav": "not audio that libsndfile or FFmpeg reads",
        "empty.wav": "the file is empty (0 bytes)",
        "zero.wav": "holds 0 samples",
        "nan.wav": "sample 16000 (1.00 s) is not a finite number",
        "cut.wav": "cut short",
        "nowhere.wav": "No such file or directory",
    }


def test_bad_files_are_named_and_the_others_are_done(diarize, here) -> None:
    bad = bad_files()
    write("first.wav", tones(*TALK)), write("last.wav", tones(*TALK))
    result = diarize("first.wav", *bad, "last.wav", "-o", "out")
    assert result.exit_code == 1
    *said, total = result.stderr.splitlines()
    assert total == "mimidiar: 2 diarized, 6 could not be, 0 warnings" and len(said) == 6
    for name, what in bad.items():
        assert len([line for line in said if line.startswith(f"mimidiar: error: {name}: ") and what in line]) == 1
    assert diarize("text.wav", "./text.wav").stderr.count("mimidiar: error: ") == 1  # given twice, told once
    assert files(here / "out") == {"first.rttm", "last.rttm"}
    assert result.stdout.splitlines() == [f"out/{name}.rttm: 2 speakers, 2 turns" for name in ("first", "last")]


def test_a_file_that_may_not_be_read(diarize) -> None:
    """Root reads everything, so the test becomes another user meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = write(Path(folder) / "secret.wav", tones(*TALK))
        os.chmod(path, 0)
        user = os.geteuid()
        try:
            os.seteuid(65534 if user == 0 else user)
            result = diarize(path)
        finally:
            os.seteuid(user)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"mimidiar: error: {path}: Permission denied" in result.stderr


def test_where_nobody_speaks_there_are_files_without_turns(diarize, here) -> None:
    write("silence.wav", np.zeros(20 * RATE))
    write("short.wav", np.zeros(RATE // 20))
    result = diarize("silence.wav", "short.wav", "--format", "rttm,srt,textgrid,json", "--plot")
    assert result.exit_code == 0, result.output
    assert "silence.rttm, .srt, .TextGrid, .json, .png: 0 speakers, 0 turns" in result.stdout
    for name in ("silence", "short"):
        assert Path(f"{name}.rttm").read_bytes() == Path(f"{name}.srt").read_bytes() == b""
        assert json.loads(Path(f"{name}.json").read_text()) == {"uri": name, "diarization": []}
        assert Path(f"{name}.png").stat().st_size > 1000
    assert read("textgrid", "silence.TextGrid") == {} and "xmax = 20 " in Path("silence.TextGrid").read_text()


def read(name: str, file: str) -> dict:
    return FORMATS[name].read(Path(file), Reading({}, []))


def test_all_formats_say_the_same(diarize) -> None:
    write("talk.wav", tones(*TALK, (0, 1.5)))
    assert diarize("talk.wav", "--format", "RTTM, srt,vtt,textgrid,json").exit_code == 0
    turns = read_rttm("talk.rttm")
    assert len(turns["talk"]) == 2
    for name, file in (
        ("srt", "talk.srt"),
        ("vtt", "talk.vtt"),
        ("textgrid", "talk.TextGrid"),
        ("pyannote", "talk.json"),
    ):
        assert read(name, file) == turns
    assert "xmax = 19.5 " in Path("talk.TextGrid").read_text()


def test_eight_channels_at_96_khz_are_mixed_or_taken_one_by_one(diarize, here) -> None:
    parts = [tones((300, 5.0), rate=96000), tones((0, 5.0), rate=96000), tones((0, 1.0), (2500, 4.0), rate=96000)]
    write("many.wav", np.stack([*parts, *parts[:2] * 2, parts[2]], axis=1), 96000, "PCM_24")
    assert diarize("many.wav").stdout.startswith("many.rttm: 1 speaker")
    result = diarize("many.wav", "--per-channel", "-o", "each")
    assert files(here / "each") == {f"many-channel{number}.rttm" for number in range(1, 9)}
    assert result.stdout.splitlines()[1] == "each/many-channel2.rttm: 0 speakers, 0 turns"
    (turn,) = read_rttm("each/many-channel3.rttm")["many-channel3"]
    assert (turn.start, turn.end) == (pytest.approx(1, abs=0.1), pytest.approx(5, abs=0.1))
    write("mono.wav", tones(*TALK))
    assert diarize("mono.wav", "--per-channel").stdout == "mono.rttm: 2 speakers, 2 turns\n"


def test_names_with_spaces_and_other_letters(diarize) -> None:
    write("Gespräch  am 3. März 会議.wav", tones(*TALK))
    result = diarize("Gespräch  am 3. März 会議.wav", "--format", "rttm,json")
    assert result.exit_code == 0, result.output
    assert set(read_rttm("Gespräch  am 3. März 会議.rttm")) == {"Gespräch_am_3._März_会議"}
    assert json.loads(Path("Gespräch  am 3. März 会議.json").read_text())["uri"] == "Gespräch  am 3. März 会議"


def test_a_folder_is_its_audio_files(diarize, here) -> None:
    write("in/b.WAV", tones(*TALK)), write("in/a.flac", tones(*TALK)), write("in/deeper/c.wav", tones(*TALK))
    (here / "in/notes.txt").write_text("x"), (here / "in/._a.flac").write_text("x")
    result = diarize("in", "in/a.flac", "-o", "out")
    assert result.stderr == "in: 2 audio files; passed over: 1 folder and 1 other file\n"
    assert result.exit_code == 0 and result.stdout.splitlines() == [
        "out/a.rttm: 2 speakers, 2 turns",
        "out/b.rttm: 2 speakers, 2 turns",
    ]
    assert files(here / "out") == {"a.rttm", "b.rttm"}
    (here / "none/below").mkdir(parents=True)
    result = diarize("none")
    assert result.exit_code == 1 and "none: no audio file directly in this folder" in result.stderr
    assert "subfolders (1) are not searched" in result.stderr


def test_of_two_that_would_be_one_file_the_first_is_done(diarize, here) -> None:
    write("a/talk.wav", tones(*TALK)), write("b/talk.flac", tones(*TALK)), write("c.wav", tones(*TALK))
    result = diarize("a/talk.wav", "b/talk.flac", "c.wav", "-o", "out")
    assert result.exit_code == 1 and files(here / "out") == {"talk.rttm", "c.rttm"}
    first, last = result.stderr.splitlines()
    assert "b/talk.flac: would be written as out/talk.*, as a/talk.wav is; rename it" in first
    assert last == "mimidiar: 2 diarized, 1 could not be, 0 warnings"
    assert diarize("a/talk.wav", "a/../a/talk.wav", "-o", "out").stdout.count("talk.rttm") == 1
    write("a b.wav", tones(*TALK)), write("a_b.wav", tones(*TALK))
    assert diarize("a b.wav", "a_b.wav", "-o", "both").exit_code == 0
    result = diarize("a b.wav", "a_b.wav", "-o", "-")
    assert result.exit_code == 1 and "a_b.wav: would be written as recording a_b, as a b.wav is" in result.stderr


def test_rttm_to_standard_output(diarize, here) -> None:
    write("a b.wav", tones(*TALK)), write("c.wav", tones((300, 2.0)))
    result = diarize("a b.wav", "c.wav", "-o", "-")
    assert result.exit_code == 0 and files(here) == {"a b.wav", "c.wav"}
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [(row[0], row[1], row[7]) for row in rows] == [
        ("SPEAKER", "a_b", "spk0"),
        ("SPEAKER", "a_b", "spk1"),
        ("SPEAKER", "c", "spk0"),
    ]
    for more in (["--plot"], ["--format", "rttm,srt"]):
        assert diarize("c.wav", "-o", "-", *more).exit_code == 2


def test_numbers_of_speakers(diarize) -> None:
    write("talk.wav", tones(*TALK))
    assert diarize("talk.wav", "--num-speakers", 1).stdout.startswith("talk.rttm: 1 speaker,")
    assert diarize("talk.wav", "--max-speakers", 1).stdout.startswith("talk.rttm: 1 speaker,")
    result = diarize("talk.wav", "--min-speakers", 20)
    assert result.exit_code == 0 and "talk.wav: " in result.stderr and "found, 20 were asked for: " in result.stderr
    assert diarize("talk.wav", "--num-speakers", 2, "--max-speakers", 3).exit_code == 1
    assert diarize("talk.wav", "--num-speakers", 0).exit_code == 2


@pytest.mark.parametrize("option", [["--format", "rttm,doc"], ["--speakers", "3"], []])
def test_calls_that_mean_nothing(diarize, here, option) -> None:
    assert diarize(*option).exit_code == 2 and files(here) == set()


@pytest.mark.parametrize("audio", ["talk.wav", "not-there.wav"])
def test_an_unknown_model_names_what_there_is(here, audio) -> None:
    write("talk.wav", tones(*TALK))
    result = CliRunner().invoke(cli, ["diarize", audio, "--model", "maxi"])
    assert result.exit_code == 1 and "no weights called 'maxi'" in str(result.exception)
    assert files(here) == {"talk.wav"}


def test_a_missing_model_is_told_beside_a_missing_file(here) -> None:
    result = CliRunner().invoke(cli, ["diarize", "not-there.wav", "--model", "./x.safetensors"])
    assert result.exit_code == 1 and "x.safetensors: no such model file" in str(result.exception)
    assert "not-there.wav: " in result.stderr


def test_what_is_there_stays_when_a_write_is_interrupted(diarize, here, monkeypatch) -> None:
    write("talk.wav", tones(*TALK))
    Path("talk.srt").write_text("as it was")

    def interrupted(*_) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("mimidiar.annotation.srt.caption", interrupted)
    result = diarize("talk.wav", "--format", "rttm,srt")
    assert result.exit_code != 0 and files(here) == {"talk.wav", "talk.rttm", "talk.srt"}
    assert Path("talk.srt").read_text() == "as it was"


# Whoever runs the tests in the background may have interrupts ignored.
DIARIZE_HALF = f"""
import runpy, signal, soundfile
signal.signal(signal.SIGINT, signal.default_int_handler)
read = soundfile.SoundFile.read
def read_half(file, *args, **kwargs):
    while file.tell() > {1800 * RATE}:
        signal.pause()
    return read(file, *args, **kwargs)
soundfile.SoundFile.read = read_half
runpy.run_module('mimidiar.cli', run_name='__main__')
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ended_midway_it_leaves_whole_files_alone(tmp_path, model, how) -> None:
    """The first file is done, the second is an hour long; should half of it be read first, nothing more is read."""
    write(tmp_path / "a.wav", np.zeros(RATE)), write(tmp_path / "b.wav", np.zeros(3600 * RATE))
    command = [sys.executable, "-c", DIARIZE_HALF, "diarize", "a.wav", "b.wav", "--model", str(model)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (tmp_path / "a.rttm").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(how)
        assert process.wait() != 0
    assert files(tmp_path) == {"a.wav", "b.wav", "a.rttm"}


def test_bundle_says_what_it_made(tmp_path) -> None:
    parts = write_parts(tmp_path)
    model, probe, clustering, binarization = map(str, parts.values())
    out = str(tmp_path / "new/mine.safetensors")
    options = ["model", "bundle", model, out, "--linking", clustering, "--decision", binarization]
    result = CliRunner().invoke(cli, [*options, "--probe", probe, "--half"])
    assert result.exit_code == 0 and result.output.startswith(
        f"{out}: a diarizer on logmel, speakers by clustering, 0.0"
    )
    assert CliRunner().invoke(cli, [*options[:-2], "--probe", probe]).exit_code == 2


def test_a_moment_far_from_all_speech_is_none() -> None:
    word, talk = (30.0, 30.48), [(40.0, 40.4), (41.04, 44.0)]
    assert trusted([word, *talk], 60.0) == talk
    assert trusted([word, (31.44, 31.76)], 60.0) == [word, (31.44, 31.76)]
    assert trusted([(0.48, 0.88)], 2.0) == [(0.48, 0.88)] and trusted([], 2.0) == []


def trusted(speech: list[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    active = np.zeros(round(seconds * 12.5), bool)
    for start, end in speech:
        active[round(start * 12.5) : round(end * 12.5)] = True
    return [(pytest.approx(first / 12.5), pytest.approx(last / 12.5)) for first, last in runs(trust(active))]


@pytest.mark.parametrize("kind", ["noise", "music"])
def test_noise_and_music_are_nobody(kind, model, tmp_path, monkeypatch) -> None:
    """By silero-vad itself; the model would have it that somebody speaks all the time."""
    monkeypatch.chdir(tmp_path)
    random, time_sec = np.random.default_rng(0), np.arange(20 * 44100) / 44100
    sound = 0.1 * random.standard_normal(len(time_sec))
    if kind == "music":
        notes = np.repeat(440 * 2 ** (random.integers(-12, 13, 80) / 12), len(time_sec) // 80)
        phase = 2 * np.pi * np.cumsum(notes) / 44100
        sound = 0.2 * np.exp(-3 * (time_sec % 0.25)) * (np.sin(phase) + 0.5 * np.sin(2 * phase))
    write("sound.flac", sound, 44100)
    result = CliRunner().invoke(cli, ["diarize", "sound.flac", "--model", str(model), "--device", "cpu"])
    assert result.exit_code == 0 and Path("sound.rttm").read_bytes() == b""


@pytest.mark.skipif("MIMIDIAR_MINI_CORPUS" not in os.environ, reason="silero-vad hears no speech in noise")
def test_speech_is_somebody(model, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("speech.wav", np.concatenate([np.zeros(72000), speech(12.0)]), 24000)
    result = CliRunner().invoke(cli, ["diarize", "speech.wav", "--model", str(model), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    turns = read_rttm("speech.rttm")["speech"]
    assert turns[0].start > 2.5 and sum(turn.duration for turn in turns) > 6
