"""`mimidiar study replay` from outside: the sets that it writes, and what can be heard in them."""

import json
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.simulation.codecs import CODECS
from mimidiar.studies.unseen_simulator.replay import hash_of_set
from mimidiar.tests.simulation.turn_taking import RATE, contents

# Of 10 s: quick turns of two.
TALK = [(0, 1.6, "x"), (1.5, 1.9, "y"), (2.4, 4.4, "x"), (4.8, 6.2, "y"), (6.3, 8.1, "x"), (8.2, 9.8, "y")]
CONFIG = f"""
sets:
  quick:
    split: train
    count: 32
    seconds: [4, 3]
    codecs: [{", ".join(CODECS)}]
    material_sec: 1
    babble_talkers: 2
    level_dbfs: [-20, -20]
  crowd:
    kind: crowd
    split: train
    count: 3
    speakers: [4, 3]
    budget_sec: [1, 5]
    material_sec: 1
    babble_talkers: 2
"""
PLAIN = ("noises=[none]", "room_share=0", "telephone_share=0", "level_dbfs=[-20,-20]", "speaker_db=[0,0]", "codecs=[]")


def replay(data: Path, out: Path, *overrides: str) -> subprocess.CompletedProcess:
    """The sets, as written to `out`, which also has the configuration and the turn sequences."""
    (out / "turns").mkdir(parents=True, exist_ok=True)
    (out / "replay.yaml").write_text(CONFIG)
    turns = [
        Turn(name, 10 * k + a, 10 * k + b, who) for name in ("one-a", "two-b") for k in range(4) for a, b, who in TALK
    ]
    write_rttm(out / "turns/quick.rttm", turns)
    line = ["mimidiar", "study", "replay", str(data), str(out), "--config", str(out / "replay.yaml"), "--turns"]
    return subprocess.run([*line, str(out / "turns"), *overrides], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sets, with all conditions."""
    out = tmp_path_factory.mktemp("made")
    done = replay(data, out)
    assert done.returncode == 0, done.stderr
    assert "32 conversations" in done.stderr and f"sha256 {hash_of_set(out / 'quick')}" in done.stderr
    return out


def scenes(folder: Path) -> dict[str, dict]:
    return json.loads((folder / "simulation.json").read_text())["scenes"]


def test_each_combination_of_length_sex_and_codec_is_as_frequent(made: Path) -> None:
    found: dict[tuple, int] = {}
    for name, scene in scenes(made / "quick").items():
        seconds = soundfile.info(made / f"quick/wav/{name}.flac").frames / RATE
        key = seconds, scene["same_sex"], scene.get("codec")
        found[key] = found.get(key, 0) + 1
    with_codec = {(seconds, sex, codec): 1 for seconds in (4, 3) for sex in (True, False) for codec in CODECS}
    assert found == with_codec | {(seconds, sex, None): 4 for seconds in (4, 3) for sex in (True, False)}


def test_half_of_the_stretches_are_of_one_sex_and_the_others_of_both(made: Path) -> None:
    turns = read_rttm(made / "quick/ref.rttm")
    for name, scene in scenes(made / "quick").items():
        sexes = {int(turn.speaker[-1]) % 2 for turn in turns[name]}  # the speakers are women and men in turn
        assert len(sexes) == (1 if scene["same_sex"] else 2)


def test_turns_are_as_long_as_they_were_and_none_of_a_speaker_overlap(made: Path) -> None:
    for name, turns in read_rttm(made / "quick/ref.rttm").items():
        scene = scenes(made / "quick")[name]
        seconds = soundfile.info(made / f"quick/wav/{name}.flac").frames / RATE
        whole = [
            (10 * k + a - scene["offset_sec"], 10 * k + b - scene["offset_sec"]) for k in range(4) for a, b, _ in TALK
        ]
        inside = sorted((max(a, 0), min(b, seconds)) for a, b in whole if b >= 0.1 and a <= seconds - 0.1)
        assert np.allclose(sorted((turn.start, turn.end) for turn in turns), inside, atol=0.0011)
    for turns in [*read_rttm(made / "quick/ref.rttm").values(), *read_rttm(made / "crowd/ref.rttm").values()]:
        for speaker in {turn.speaker for turn in turns}:
            own = sorted(turn for turn in turns if turn.speaker == speaker)
            assert all(b.start - a.end > 0.25 for a, b in pairwise(own))


def test_a_crowd_has_its_speakers_and_their_budgets(made: Path) -> None:
    for turns, number in zip(read_rttm(made / "crowd/ref.rttm").values(), (4, 3, 4), strict=True):
        said = {name: sum(t.duration for t in turns if t.speaker == name) for name in {t.speaker for t in turns}}
        assert len(said) == number and all(0.99 <= seconds <= 5.01 for seconds in said.values())


def test_each_speaker_is_heard_in_the_turns_and_at_no_other_time(data: Path, tmp_path: Path) -> None:
    """By the energy at the speaker's tone in frames of 50 ms; pauses within a turn are of 0.25 s at most."""
    plain = [f"sets.{name}.{each}" for name in ("quick", "crowd") for each in PLAIN]
    done = replay(data, tmp_path, *plain, "sets.quick.count=4", "sets.crowd.count=1")
    assert done.returncode == 0, done.stderr
    for folder in ("quick", "crowd"):
        for name, turns in read_rttm(tmp_path / folder / "ref.rttm").items():
            samples, _ = soundfile.read(tmp_path / folder / f"wav/{name}.flac")
            frames = samples[: len(samples) // 800 * 800].reshape(-1, 800)
            middle = (np.arange(len(frames)) + 0.5) / 20
            for speaker in {turn.speaker for turn in turns}:
                tone = np.exp(-2j * np.pi * 200 * (int(speaker[-1]) + 1) * np.arange(800) / RATE)
                heard = np.abs(frames @ tone) / 800 > 0.01
                own = [turn for turn in turns if turn.speaker == speaker]
                near = np.any([(middle > t.start - 0.05) & (middle < t.end + 0.05) for t in own], axis=0)
                assert not heard[~near].any()
                for turn in own:
                    inside = heard[(middle > turn.start + 0.05) & (middle < turn.end - 0.05)]
                    silent = "".join("x" if each else "." for each in inside).split("x")
                    assert max(map(len, silent), default=0) <= 6 and (len(inside) < 3 or inside[-1])


def test_the_same_settings_give_the_same_bytes_and_another_hash_is_said(data: Path, made: Path, tmp_path: Path) -> None:
    stated = hash_of_set(made / "quick")
    same = replay(data, tmp_path, f"sets.quick.sha256={stated}", f"sets.crowd.sha256={stated}")
    assert same.returncode == 0, same.stderr
    assert contents(tmp_path / "quick") == contents(made / "quick")
    warnings = [line for line in same.stderr.splitlines() if "are not comparable" in line]
    assert len(warnings) == 1 and warnings[0].startswith(f"WARNING: {tmp_path / 'crowd'}: its sha256 is ")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "sets.quick.material_sec=99",
            "needs 2 speakers of one sex and one corpus with enough speech, the largest number",
        ),
        (
            "sets.crowd.speakers=[7]",
            "crowd-0-00000: needs 7 speakers of one corpus with enough speech, the largest has 6",
        ),
        ("sets.quick.seconds=[60]", "in 500 tries no stretch of 60 s with 2 to 3 speakers"),
        ("sets.quick.codecs=[mp3]", "codecs is ['mp3']; it must be some of gsm, mulaw, amr, opus"),
        ("sets.quick.kind=walk", "kind is walk; it must be one of stretch, crowd"),
        ("sets.crowd.turns=quick_dev", "quick_dev.rttm"),
    ],
)
def test_what_cannot_be_is_refused_in_words(data: Path, tmp_path: Path, override: str, words: str) -> None:
    done = replay(data, tmp_path, "sets.quick.count=1", "sets.crowd.count=1", override)
    assert done.returncode == 1 and words in done.stderr, done.stderr
