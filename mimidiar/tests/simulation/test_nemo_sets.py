"""The loop around the simulator: with a stand-in for NeMo, and once with NeMo itself."""

import errno
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
import yaml
from lhotse import SupervisionSegment

from mimidiar.config import load_config
from mimidiar.data.manifests import file_recording, read_set, write_set
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.job_option import parse_job
from mimidiar.simulation import nemo_sets as sets
from mimidiar.simulation.plan import ConversationSet, Simulation
from mimidiar.tests.simulation.echoes import response, write_folder
from mimidiar.tests.simulation.turn_taking import RATE, contents, fake_session, options


def test_the_result_does_not_depend_on_the_jobs(data: Path, tmp_path: Path, fake: None) -> None:
    sets.simulate_sets(options(), data, tmp_path / "one")
    for job in ((3, 3), (1, 3), (2, 3)):
        sets.simulate_sets(options(), data, tmp_path / "three", job)
    assert not (tmp_path / "three" / "sim_train" / "ref.rttm").exists()
    assert len(list((tmp_path / "three" / "sim_train" / "wav").iterdir())) == 7
    sets.simulate_sets(options(), data, tmp_path / "three")
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    found = read_set(tmp_path / "one" / "sim_train")
    assert len(found.recordings) == 7 and all(r.duration == 12.0 for r in found.recordings)
    assert read_json(tmp_path / "one" / "sim_train" / "simulation.json")["made"]["conversations"] == 7


def test_without_audio_the_turns_are_the_same(data: Path, tmp_path: Path, fake: None) -> None:
    for name, audio in (("heard", True), ("turns", False)):
        sets.simulate_sets(options(audio=audio), data, tmp_path / name)
    heard, turns = (tmp_path / name / "sim_train" for name in ("heard", "turns"))
    for file in ("ref.rttm", "all.uem"):
        assert (turns / file).read_bytes() == (heard / file).read_bytes()
    assert read_json(turns / "simulation.json")["made"] == read_json(heard / "simulation.json")["made"]
    assert not list(turns.rglob("*.flac")) and not list(turns.glob("*.jsonl.gz"))


def test_an_interrupted_run_goes_on_and_leaves_nothing_behind(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: None, said: list[str]
) -> None:
    sets.simulate_sets(options(), data, tmp_path / "whole")
    calls = []

    def stop_at_the_fourth(name: str, *args):
        calls.append(name)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return fake_session(name, *args)

    monkeypatch.setattr(sets, "simulate_session", stop_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        sets.simulate_sets(options(), data, tmp_path / "cut")
    folder = tmp_path / "cut" / "sim_train"
    (folder / ".work-killed").mkdir()  # what `kill -9` would leave
    (folder / "wav" / ".x.1.partial.flac").write_text("half")
    sets.simulate_sets(options(), data, tmp_path / "cut")
    assert len(calls) == 8 and len(set(calls)) == 7  # three whole, the fourth again, four more
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    said.clear()
    sets.simulate_sets(options(), data, tmp_path / "cut")
    assert len(calls) == 8 and said == [f"{folder}: already there"]


def test_the_same_voices_in_two_sets_are_refused_unless_the_simulation_says_why(
    data: Path, tmp_path: Path, fake: None
) -> None:
    asked = options()
    asked.sets["dev"] = ConversationSet(conversations=2, seconds=12.0, seed=1)
    with pytest.raises(MimidiarError, match=r"sim_train and .*sim_dev share \d speaker"):
        sets.simulate_sets(asked, data, tmp_path / "refused")
    asked.leaky = "leaky: the same voices"
    folders = sets.simulate_sets(asked, data, tmp_path / "leaky")
    assert [read_json(folder / "corpus.json")["leaky"] for folder in folders] == [asked.leaky] * 2


def test_other_options_are_refused(data: Path, tmp_path: Path, fake: None) -> None:
    sets.simulate_sets(options(), data, tmp_path, job=(1, 2))
    with pytest.raises(MimidiarError, match="sim_train: made with other options"):
        sets.simulate_sets(options(overlap=0.2), data, tmp_path)


def test_a_speaker_keeps_one_speed_through_a_conversation(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds: list[set[float]] = []

    def session(name: str, voices, *args):
        speeds.extend({u.speed for u in utterances} for utterances in voices.values())
        return fake_session(name, voices, *args)

    monkeypatch.setattr(sets, "simulate_session", session)
    sets.simulate_sets(options(speed_range=[0.9, 1.1]), data, tmp_path)
    assert all(len(speed) == 1 for speed in speeds) and len(set.union(*speeds)) > 10
    assert 0.9 <= min(map(min, speeds)) < 0.95 and 1.05 < max(map(max, speeds)) <= 1.1
    with pytest.raises(
        MimidiarError, match=r"speed_range is \[0.1, 1.0\]; it must be two numbers, low and high, from 0.5 to 2"
    ):
        sets.simulate_sets(options(speed_range=[0.1, 1.0]), data, tmp_path)


def test_everyone_speaks_or_it_is_tried_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_one_speaks(name: str, voices, *args):
        samples, turns = fake_session(name, voices, *args)
        return samples, [turn for turn in turns if turn.speaker == min(voices)]

    monkeypatch.setattr(sets, "simulate_session", only_one_speaks)
    with pytest.raises(MimidiarError, match=r"sim_train-0-00000: in 20 tries some of its . speakers never spoke"):
        sets.simulate_sets(options(), data, tmp_path)


def test_utterances_without_marked_speech_are_refused(tmp_path: Path) -> None:
    segment = SupervisionSegment("u", "u", 0, 2.0, speaker="ann", custom={"corpus": "c"})
    write_set(tmp_path / "train", [file_recording("u", "/audio/u.flac", RATE, 2 * RATE)], [segment])
    with pytest.raises(MimidiarError, match="train: no speech is marked in 1 utterances, first u; prepare"):
        sets.simulate_sets(options(), tmp_path, tmp_path / "out")


def test_a_full_disk_is_said(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sets, "simulate_session", no_space)
    with pytest.raises(MimidiarError, match="sim_train: no space left on the device"):
        sets.simulate_sets(options(), data, tmp_path)

    def cannot_write(*_):
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(sets, "simulate_session", cannot_write)
    with pytest.raises(MimidiarError, match=r"sim_train: the simulator cannot write its audio .*; \d+ MB are free"):
        sets.simulate_sets(options(), data, tmp_path)
    monkeypatch.setattr(sets, "simulate_session", lambda *_: (np.zeros(100, np.int16), []))
    with pytest.raises(MimidiarError, match=r"session lasts 0.0 s, expected at least 12.0 s; is the disk"):
        sets.simulate_sets(options(), data, tmp_path)


@pytest.mark.parametrize("text", ["2", "0/2", "3/2", "a/b", "1/"])
def test_a_wrong_job(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not K/N"):
        parse_job(None, None, text)
    assert parse_job(None, None, "2/3") == (2, 3)


@pytest.mark.parametrize("name", ["simulate.yaml", "simulate_short.yaml", "simulate_smoke.yaml"])
def test_the_shipped_configurations(name: str) -> None:
    path = Path(__file__).parents[3] / "egs" / "mini" / "conf" / name
    simulation = load_config(Simulation, path)
    assert list(simulation.sets) == ["train", "dev", "test"]
    for key, each in simulation.sets.items():
        assert each.split == key
        each.check(key)
    with pytest.raises(MimidiarError, match=r"overlp"):
        load_config(Simulation, path, ["sets.train.overlp=0.1"])


NEMO = """
import logging
import sys
from pathlib import Path
from mimidiar.config import load_config
from mimidiar.log import log, log_to_stderr
from mimidiar.simulation.augmentation import Augment, make_augmenter
from mimidiar.simulation.plan import Simulation
from mimidiar.simulation.nemo_sets import simulate_sets
data, out, config = sys.argv[1:]
log_to_stderr()
simulation = load_config(Simulation, config)
simulate_sets(simulation, data, out + "/a")
simulate_sets(simulation, data, out + "/b", job=(2, 2))
simulate_sets(simulation, data, out + "/b")
log.setLevel(logging.WARNING)
for room in ("late", "echo"):
    augmenter = make_augmenter(Augment(reverb_share=1.0), None, Path(out, room))
    simulate_sets(simulation, data, f"{out}/{room}_sets", augmenter=augmenter)
"""


@pytest.fixture(scope="module")
def by_nemo(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets made in one process (the import takes 20 s): the same twice, and twice in rooms.

    The room `late` has three places where all is heard later and that is all; in `echo` there is an echo after 0.2 s.
    """
    root = tmp_path_factory.mktemp("nemo")
    config = root / "simulate.yaml"
    wanted = {"conversations": 3, "seconds": 20, "speakers": [2, 3], "join_gap_sec": 0.0, "speed_range": [0.8, 1.25]}
    wanted["level_dbfs"] = [-20, -15]
    config.write_text(yaml.safe_dump({"sets": {"train": wanted}}))
    late = {
        f"p{k}": response(delay, direct=direct) for k, (delay, direct) in enumerate([(5, 0.3), (99, -1), (900, 0.5)])
    }
    write_folder(root / "late", dict.fromkeys(late, "one"), **late)
    write_folder(root / "echo", p=response(50, {3200: 0.35}))
    command = [sys.executable, "-c", NEMO, str(data), str(root), str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and len(done.stderr.splitlines()) == 14  # two reports, and not a word of NeMo's
    return root


def heard_in(root: Path, name: str) -> dict[str, np.ndarray]:
    folder = root / name / "sim_train"
    return {path.stem: soundfile.read(path, dtype="int16")[0].astype(float) for path in sorted(folder.glob("wav/*"))}


def test_nemo_itself(by_nemo: Path) -> None:
    """The same bytes with and without jobs, and labels that fit the audio."""
    assert contents(by_nemo / "a") == contents(by_nemo / "b")
    found = read_set(by_nemo / "a" / "sim_train")
    for recording in found.recordings:
        turns = [s for s in found.supervisions if s.recording_id == recording.id]
        samples, _ = soundfile.read(recording.sources[0].source)
        labelled = np.zeros(len(samples), bool)
        for turn in turns:
            labelled[round(turn.start * RATE) : round(turn.end * RATE)] = True
        # The tones are silent outside of their speech, so energy is the truth (in blocks of 10 ms).
        heard = np.abs(samples[: len(samples) // 160 * 160]).reshape(-1, 160).max(1) > 1e-3
        share = (heard == labelled[: len(heard) * 160].reshape(-1, 160).any(1)).mean()
        assert share > 0.98


def test_a_room_changes_what_is_heard_and_not_when(by_nemo: Path) -> None:
    reference = (by_nemo / "a/sim_train/ref.rttm").read_bytes()
    assert all((by_nemo / f"{room}_sets/sim_train/ref.rttm").read_bytes() == reference for room in ("late", "echo"))
    dry, late, echo = (heard_in(by_nemo, name) for name in ("a", "late_sets", "echo_sets"))
    for name, samples in dry.items():
        np.testing.assert_allclose(late[name], samples, atol=2)
        full = samples + 0.5 * np.concatenate([np.zeros(3200), samples[:-3200]])
        right, wrong = (np.corrcoef(echo[name], other)[0, 1] for other in (full, samples))
        assert right > 0.97 and wrong < right - 0.05  # each sentence keeps its power, so that it is not all of it
