"""Sets of conversations with recorded sounds: those of training alone, and nothing else of them changes."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.simulation import nemo_sets as sets
from mimidiar.simulation.augmentation import Augment, Augmenter, make_augmenter
from mimidiar.simulation.plan import ConversationSet, Simulation
from mimidiar.tests.simulation.echoes import response, write_folder
from mimidiar.tests.simulation.turn_taking import contents, fake_session, options

# Of `options(**AS_RECORDED)` by `fake_session`, as they were before there was anything to augment with.
BEFORE = "728fcc37270f00aea05589e6cef019751eb250812f1e7623dbd7b165d5a8d922"
AS_RECORDED = {"noise_snr_db": [20, 40], "level_dbfs": [-30, -20], "speed_range": [0.9, 1.1]}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A noise that is a click track, and a room with three places."""
    root = tmp_path_factory.mktemp("sounds")
    noise = np.zeros(16000)
    noise[::1600] = 1
    places = {name: response(100 * k, {k: 0.2}) for k, name in enumerate("pqr", 1)}
    rirs = write_folder(root / "rirs", dict.fromkeys(places, "room"), **places)
    return {"noise": write_folder(root / "clicks", clicks=noise), "rirs": rirs}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, int]]:
    """With the stand-in for NeMo: conversation -> speaker -> delay of the response that it was made with."""
    found: dict[str, dict[str, int]] = {}

    def session(name: str, voices, asked, seconds: float, seed: int, work: Path, responses):
        found[name] = {speaker: int(np.argmax(each)) for speaker, each in responses.items()}
        assert set(responses) in (set(), set(voices))
        return fake_session(name, voices, asked, seconds, seed, work)

    monkeypatch.setattr(sets, "simulate_session", session)
    return found


def augmenter(sounds: dict[str, Path], **changes: object) -> Augmenter:
    return make_augmenter(Augment(**changes), **sounds)


def digest(root: Path) -> str:
    """Of names and contents: references, reports and samples."""
    found = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".rttm", ".uem", ".json"):
            found.update(path.name.encode() + path.read_bytes())
        if path.suffix == ".flac":
            found.update(soundfile.read(path, dtype="int16")[0].tobytes())
    return found.hexdigest()


def test_without_sounds_all_is_as_it_was_before_there_were_any(data: Path, tmp_path: Path, fake: None) -> None:
    sets.simulate_sets(options(**AS_RECORDED), data, tmp_path)
    assert digest(tmp_path) == BEFORE


def test_training_sets_alone_are_augmented_and_their_reference_stays(
    data: Path, tmp_path: Path, sounds: dict[str, Path], heard: dict[str, dict[str, int]], said: list[str]
) -> None:
    asked = Simulation(leaky="leaky: a test", sets=options(**AS_RECORDED).sets)
    asked.sets["dev"] = ConversationSet(conversations=3, seconds=12.0, seed=1)
    sets.simulate_sets(asked, data, tmp_path / "plain")
    said.clear()
    sets.simulate_sets(asked, data, tmp_path / "loud", augmenter=augmenter(sounds))
    plain, loud = contents(tmp_path / "plain"), contents(tmp_path / "loud")
    assert "train: augmented with 1 of noise, 3 impulse responses of 1 rooms" in said[0]
    changed = {name for name in plain if plain[name] != loud[name]}
    report = read_json(tmp_path / "loud/sim_train/simulation.json")
    assert changed >= {"sim_train/plan.json", "sim_train/simulation.json"}
    assert 0 < len([name for name in changed if name.endswith(".flac")]) == round(7 * report["made"]["noise_share"]) < 7
    assert not [name for name in changed if name.startswith("sim_dev") or name.endswith(("rttm", "uem"))]
    rooms = {name: delays for name, delays in heard.items() if delays}
    assert len(rooms) == round(7 * report["made"]["reverb_share"]) > 0
    assert all(len(set(delays.values())) == min(3, len(delays)) for delays in rooms.values())
    assert report["augment"]["noise_snr_db"] == [5.0, 20.0] and len(report["augment"]["rooms"]) == 64


def test_the_noise_is_behind_the_speech_as_asked(
    data: Path, tmp_path: Path, sounds: dict[str, Path], fake: None
) -> None:
    for name, changes in (("plain", None), ("loud", {"noise_share": 1.0, "noise_snr_db": [6.0, 6.0]})):
        added = augmenter({"noise": sounds["noise"], "rirs": None}, **changes) if changes else None
        sets.simulate_sets(options(), data, tmp_path / name, augmenter=added)
    for path in (tmp_path / "plain").rglob("*.flac"):
        clean, noisy = (
            soundfile.read(p, dtype="int16")[0].astype(float)
            for p in (path, tmp_path / "loud/sim_train/wav" / path.name)
        )
        scale = np.median(noisy[clean != 0] / clean[clean != 0])  # turned down where it would clip
        noise = noisy / scale - clean
        assert 10 * np.log10(np.mean(clean**2) / np.mean(noise**2)) == pytest.approx(6, abs=0.1)
        assert (np.abs(noise) > 100).sum() == pytest.approx(len(noise) / 1600, abs=1)


def test_the_result_does_not_depend_on_the_jobs(
    data: Path, tmp_path: Path, sounds: dict[str, Path], heard: dict[str, dict[str, int]]
) -> None:
    sets.simulate_sets(options(), data, tmp_path / "one", augmenter=augmenter(sounds))
    alone = dict(heard)
    for job in ((2, 2), (1, 2), None):
        sets.simulate_sets(options(), data, tmp_path / "two", job, augmenter(sounds))
    assert contents(tmp_path / "one") == contents(tmp_path / "two") and heard == alone


def test_other_sounds_in_a_set_that_was_begun_are_refused(
    data: Path, tmp_path: Path, sounds: dict[str, Path], heard: dict
) -> None:
    sets.simulate_sets(options(), data, tmp_path, (1, 2), augmenter(sounds))
    for other in (None, augmenter(sounds, reverb_share=0.1), augmenter(sounds | {"rirs": None})):
        with pytest.raises(MimidiarError, match="sim_train: made with other options"):
            sets.simulate_sets(options(), data, tmp_path, None, other)


def test_the_command_names_what_cannot_be(
    data: Path, tmp_path: Path, sounds: dict[str, Path], fake: None, said: list[str]
) -> None:
    config = tmp_path / "simulate.yaml"
    config.write_text(yaml.safe_dump({"sets": {"other": {"conversations": 2, "seconds": 12}}}))
    line = ["simulate", "--config", str(config), str(data), str(tmp_path / "out"), "--noise", str(sounds["noise"])]
    refused = CliRunner().invoke(cli, line)
    assert "no set with audio is like train*: name some of other in 'augmented', or no" in str(refused.exception)
    assert "augment.noise_share is 2.0" in str(CliRunner().invoke(cli, [*line, "augment.noise_share=2"]).exception)
    done = CliRunner().invoke(cli, [*line, "augmented=[oth*]", "augment.noise_share=1"])
    assert done.exit_code == 0 and "with noise, %                  100.0   100.0" in "".join(said)
