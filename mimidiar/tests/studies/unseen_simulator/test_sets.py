"""`mimidiar chain` from outside: the set that it writes, and what can be heard in it."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.uem import read_uem
from mimidiar.studies.unseen_simulator.acoustics import NOISES, babble, telephone
from mimidiar.tests.simulation.turn_taking import RATE, SPEAKERS, contents

SMALL = ("conversations=5", "seconds=12", "speakers=[2]", "babble_talkers=2", "join_gap_sec=0.2")


def chain(source: Path, out: Path, *overrides: str) -> subprocess.CompletedProcess:
    line = ["mimidiar", "chain", str(source), str(out), *SMALL, *overrides]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean conversations at one level, so that speakers can be told by their tones."""
    out = tmp_path_factory.mktemp("made") / "chain_test"
    plain = ["noises=[none]", "room_share=0", "telephone_share=0", "level_dbfs=[-20,-20]", "speaker_db=[0,0]"]
    done = chain(data / "train", out, *plain)
    assert done.returncode == 0, done.stderr
    assert "5 conversations, 0.02 h" in done.stderr and "overlap" in done.stderr
    return out


def test_a_set_is_whole_and_of_the_length_that_was_asked_for(made: Path) -> None:
    turns = read_rttm(made / "ref.rttm")
    assert len(turns) == 5 and all(len({turn.speaker for turn in own}) == 2 for own in turns.values())
    assert read_uem(made / "all.uem") == {name: [(0.0, 12.0)] for name in turns}
    assert all(soundfile.info(made / f"wav/{name}.flac").frames == 12 * RATE for name in turns)
    assert json.loads((made / "simulation.json").read_text())["made"]["conversations"] == 5
    assert subprocess.run(["mimidiar", "validate", str(made)], check=False).returncode == 0


def test_each_speaker_is_heard_when_the_reference_says_so_and_at_no_other_time(made: Path) -> None:
    """By the energy at the speaker's own tone in frames of 50 ms, those at borders of turns left out."""
    for name, turns in read_rttm(made / "ref.rttm").items():
        samples, _ = soundfile.read(made / f"wav/{name}.flac")
        frames = samples.reshape(-1, RATE // 20)
        time = np.arange(RATE // 20) / RATE
        for speaker in range(SPEAKERS):
            tone = np.exp(-2j * np.pi * 200 * (speaker + 1) * time)
            heard = np.abs(frames @ tone) / len(time) > 0.01
            spoken = [(t.start, t.end) for t in turns if t.speaker == f"s-{speaker}"]
            middle = (np.arange(len(frames)) + 0.5) / 20
            inside = np.any([(middle > a + 0.05) & (middle < b - 0.05) for a, b in spoken] or [middle < 0], axis=0)
            near = np.any([(middle > a - 0.05) & (middle < b + 0.05) for a, b in spoken] or [middle < 0], axis=0)
            assert heard[inside].all() and not heard[~near].any()


def test_the_speech_has_the_level_that_was_asked_for(made: Path) -> None:
    for name, turns in read_rttm(made / "ref.rttm").items():
        samples, _ = soundfile.read(made / f"wav/{name}.flac")
        spoken = np.zeros(len(samples), bool)
        for turn in turns:
            spoken[round(turn.start * RATE) : round(turn.end * RATE)] = True
        assert 10 * np.log10(np.mean(samples[spoken] ** 2)) == pytest.approx(-20, abs=0.1)


def test_the_same_settings_give_the_same_bytes_and_another_seed_does_not(data: Path, tmp_path: Path) -> None:
    everything = ["room_share=1", "telephone_share=0.5"]  # and each of the five noises once
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        done = chain(data / "train", tmp_path / name / "chain_test", *everything, f"seed={seed}")
        assert done.returncode == 0, done.stderr
    one, same, other = (contents(tmp_path / name / "chain_test") for name in "abc")
    assert one == same and one["ref.rttm"] != other["ref.rttm"]
    scenes = json.loads(one["simulation.json"])["scenes"].values()
    assert {scene["noise"] for scene in scenes} == {"none", "babble", *NOISES}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("speakers=[7]", "needs 7 speakers of one corpus, the largest has 6"),
        ("babble_talkers=5", "a babble of 5 speakers outside the conversation; s has 4"),
        ("level_dbfs=[-10,-20]", "level_dbfs is [-10.0, -20.0]; it must be two numbers, low and high, from -90 to 0"),
        ("turns.hold_sec=0", "turns.hold_sec is 0.0; it must be above 0"),
        ("noises=[wind]", "noises is ['wind']; it must be some of none, babble, brown, hum, clicks"),
        ("sed=1", "unknown key 'sed'; did you mean 'seed'?"),
    ],
)
def test_what_cannot_be_is_refused_in_words(data: Path, tmp_path: Path, override: str, words: str) -> None:
    done = chain(data / "train", tmp_path / "out", override)
    assert done.returncode == 1 and words in done.stderr, done.stderr


@pytest.mark.parametrize("kind", [*NOISES, "babble"])
def test_noises_have_power_one_and_go_on_to_the_end(kind: str) -> None:
    rng, count = np.random.default_rng(4), 5 * RATE
    voices = [rng.standard_normal(RATE) for _ in range(3)]
    noise = babble(voices, count, rng) if kind == "babble" else NOISES[kind](count, RATE, rng)
    assert noise.shape == (count,) and np.mean(noise**2) == pytest.approx(1)
    assert np.all(np.sum(noise.reshape(10, -1) ** 2, axis=1) > 0)


def test_a_telephone_keeps_a_voice_s_middle_and_time_and_nothing_of_the_rest() -> None:
    time = np.arange(2 * RATE) / RATE
    level = {}
    for hz in (60, 1000, 6000):
        heard = telephone(0.1 * np.sin(2 * np.pi * hz * time), RATE)
        assert heard.shape == time.shape
        level[hz] = 20 * np.log10(np.std(heard[RATE // 2 : -RATE // 2]) / (0.1 / np.sqrt(2)))
    assert abs(level[1000]) < 0.5 and level[60] < -40 and level[6000] < -30
    click = np.zeros(RATE)
    click[8000] = 1
    assert abs(int(np.abs(telephone(click, RATE)).argmax()) - 8000) < RATE * 0.001
