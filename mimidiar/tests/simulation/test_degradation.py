"""Utterances made worse by as much as was asked, the same in any number of jobs."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from lhotse import SupervisionSegment
from lhotse.supervision import AlignmentItem

from mimidiar.cli.data import degrade as command
from mimidiar.config import load_config
from mimidiar.data.manifests import file_recording, read_set, write_set
from mimidiar.data.recordings import RecordingFile
from mimidiar.errors import MimidiarError
from mimidiar.simulation.degradation import Condition, Degradation, Sounds, degrade_set
from mimidiar.tests.speech import speech

RATE = 16000
SPOKEN = (0.5, 1.5)
CONDITIONS = {"quiet": Condition(gain_db=-20), "noise": Condition(snr_db=5), "room": Condition(reverb=True)}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("degrade") / "trials_x"
    recordings, supervisions = [], []
    for number in range(4):
        path = folder / "audio" / f"u{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * speech(20.0)[RATE * number :][: 2 * RATE], RATE)
        recordings.append(file_recording(f"u{number}", path, RATE, 2 * RATE))
        marked = {"vad": [AlignmentItem("speech", SPOKEN[0], SPOKEN[1] - SPOKEN[0])]}
        supervisions.append(
            SupervisionSegment(f"u{number}", f"u{number}", 0.0, 2.0, speaker=f"s{number % 2}", alignment=marked)
        )
    trials = [(1, "u0", "u2"), (1, "u1", "u3"), (0, "u0", "u1"), (0, "u2", "u3")]
    write_set(folder, recordings, supervisions, trials=trials)
    return folder


@pytest.fixture(scope="module")
def made(data: Path) -> Path:
    degrade_set(data, data.parent / "made", Degradation(0, CONDITIONS), Sounds())
    return data.parent / "made"


def audio(folder: Path, name: str) -> np.ndarray:
    return soundfile.read(next((folder / "audio").glob(f"{name}.*")), dtype="int16")[0].astype(float)


def test_as_much_worse_as_was_asked(data: Path, made: Path) -> None:
    spoken = slice(*(round(time * RATE) for time in SPOKEN))
    noises = []
    for number in range(4):
        clean, quiet, noisy, room = (
            audio(folder, f"u{number}") for folder in (data, *(made / f"{c}_trials_x" for c in CONDITIONS))
        )
        np.testing.assert_allclose(quiet, clean / 10, atol=0.53)
        noise = noisy - clean
        assert 10 * np.log10(np.mean(clean[spoken] ** 2) / np.mean(noise**2)) == pytest.approx(5, abs=0.05)
        noises.append(noise / np.linalg.norm(noise))
        assert len(room) == len(clean) and np.mean(room**2) == pytest.approx(np.mean(clean**2), rel=0.01)
        assert np.corrcoef(room, clean)[0, 1] < 0.999
        envelopes = [np.convolve(sound**2, np.ones(RATE // 5), "same") for sound in (room, clean)]
        assert np.corrcoef(*envelopes)[0, 1] > 0.4  # another sound, in time with it
    assert abs(noises[0] @ noises[1]) < 0.1


def test_names_trials_and_speech_stay(data: Path, made: Path) -> None:
    clean = read_set(data)
    for condition in CONDITIONS:
        found = read_set(made / f"{condition}_trials_x")
        assert found.trials == clean.trials
        assert list(found.supervisions) == list(clean.supervisions)
        assert [r.id for r in found.recordings] == [r.id for r in clean.recordings]
        assert all(condition in r.sources[0].source for r in found.recordings)


def test_jobs_make_the_same_and_what_is_there_is_kept(data: Path, made: Path, tmp_path: Path) -> None:
    yaml = tmp_path / "conf.yaml"
    yaml.write_text("conditions: {quiet: {gain_db: -20}, noise: {snr_db: 5}, room: {reverb: true}}\n")
    for job in (["--job", "2/2"], ["--job", "1/2"], []):
        done = CliRunner().invoke(command, [str(data), str(tmp_path / "out"), "--config", str(yaml), *job])
        assert done.exit_code == 0, done.output
    files = sorted(path.relative_to(made) for path in made.rglob("*.flac"))
    assert len(files) == 12
    for path in files:
        assert (tmp_path / "out" / path).read_bytes() == (made / path).read_bytes()


def test_recorded_sounds_are_used_where_there_are_some(data: Path, tmp_path: Path) -> None:
    """A tone as noise; a room that is an echo after 0.1 s."""
    soundfile.write(tmp_path / "tone.wav", np.sin(np.arange(RATE) * 2 * np.pi * 1000 / RATE), RATE)
    echo = np.zeros(RATE // 2)
    echo[[0, 1600]] = 0.8, 0.4
    soundfile.write(tmp_path / "echo.wav", echo, RATE)
    tone, room = (
        RecordingFile(name, tmp_path / f"{name}.wav", RATE, n) for name, n in (("tone", RATE), ("echo", 8000))
    )
    conditions = {"noise": Condition(snr_db=0), "room": Condition(reverb=True)}
    degrade_set(data, tmp_path / "out", Degradation(0, conditions), Sounds([tone], [room]))
    clean, noisy, echoed = (
        audio(folder, "u0") for folder in (data, tmp_path / "out/noise_trials_x", tmp_path / "out/room_trials_x")
    )
    spectrum = np.abs(np.fft.rfft((noisy - clean)[:RATE]))
    assert spectrum.argmax() == 1000
    wanted = clean + 0.5 * np.concatenate([np.zeros(1600), clean[:-1600]])
    assert np.corrcoef(echoed, wanted)[0, 1] > 0.9999
    slow = RecordingFile("slow", tmp_path / "tone.wav", 8000, 8000)
    with pytest.raises(MimidiarError, match=r"tone.wav: 8000 Hz, the speech has 16000"):
        degrade_set(data, tmp_path / "x", Degradation(0, conditions), Sounds([slow], ()))


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"no-thing": Condition(snr_db=1)}, "condition 'no-thing': letters and digits"),
        ({"same": Condition()}, "condition same does nothing"),
        ({}, "no conditions"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(conditions: dict[str, Condition], says: str) -> None:
    with pytest.raises(MimidiarError, match=says):
        Degradation(0, conditions).check("conf.yaml")


@pytest.mark.parametrize("dataset", ["mini", "voxceleb"])
def test_the_shipped_conditions_are_valid(dataset: str) -> None:
    path = Path(__file__).parents[3] / "egs" / dataset / "taps/conf/degrade.yaml"
    degradation = load_config(Degradation, path)
    degradation.check(str(path))
    assert {"quiet", "noise20", "noise5", "room"} == set(degradation.conditions)
