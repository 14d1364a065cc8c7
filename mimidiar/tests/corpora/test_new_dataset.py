"""A dataset is one file and one recipe: the skeleton runs as it is, and so does a made-up corpus of eight channels."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.corpora.from_template import CHECKOUT
from mimidiar.data.origins import describe_corpus
from mimidiar.data.recordings import read_recordings
from mimidiar.encoders.registry import describe_encoder, load_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.store import FeatureStore
from mimidiar.files import read_json
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model, model_header
from mimidiar.tests.corpora.trees import write_audio
from mimidiar.tests.recipes import call, stage_commands
from mimidiar.weight_files import save_weights

RATE, SEC, CHANNELS = 16000, 6.0, 8
# Recording -> (speaker, start, end), in seconds; a WAV has the session and the microphone array in its name.
MEETINGS = {
    "train": {"R0001_M0001": [("N_SPK0001", 0.5, 2.5), ("N_SPK0002", 2.0, 4.0)]},
    "eval": {"R8001_M8004": [("N_SPK8013", 0.25, 3.0), ("N_SPK8014", 3.0, 5.5)]},
    "test": {"R8002_M8002": [("N_SPK8005", 1.0, 2.0), ("N_SPK8006", 1.5, 4.5)]},
}
# The one new file: far-field recordings of eight channels, of which one is taken, with a TextGrid for each.
CORPUS = """
from mimidiar.annotation.textgrid import read_textgrid
from mimidiar.corpora.conversations import Conversation, Leniency, write_conversations

ORIGINS = {"arrays": ("Arrays, made up", "none")}


def prepare_arrays(work):
    root = work.find_root("arrays")
    folders = {"train": "Train", "dev": "Eval", "test": "Test"}
    sets = {name: list(recordings(root / f"{folder}_Ali_far")) for name, folder in folders.items()}
    return write_conversations(work, "arrays", "far field, first channel but two", sets, work.options(Leniency))


def recordings(folder):
    for audio in sorted((folder / "audio_dir").glob("*.wav")):
        name = audio.stem.rpartition("_")[0]
        turns = read_textgrid(folder / "textgrid_dir" / f"{name}.TextGrid")[name]
        yield Conversation(name, audio, turns, channel=2)
"""


def tone(hz: float) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(round(SEC * RATE)) / RATE)


def write_arrays(root: Path) -> Path:
    """AliMeeting's far field in small: WAVs of eight channels, another tone in each, and TextGrids."""
    sound = np.stack([tone(200 * (k + 1)) for k in range(CHANNELS)], axis=1)
    for name, meetings in MEETINGS.items():
        folder = root / f"{name.title()}_Ali_far"
        for kind in ("audio_dir", "textgrid_dir"):
            (folder / kind).mkdir(parents=True)
        for meeting, turns in meetings.items():
            soundfile.write(folder / "audio_dir" / f"{meeting}_MS801.wav", sound, RATE)
            (folder / "textgrid_dir" / f"{meeting}.TextGrid").write_text(textgrid(turns))
    return root


def textgrid(turns: list[tuple[str, float, float]]) -> str:
    tiers = [
        f'"IntervalTier" "{speaker}" 0 {SEC} 3 0 {start} "" {start} {end} "some words" {end} {SEC} ""'
        for speaker, start, end in turns
    ]
    return f'"ooTextFile" "TextGrid" 0 {SEC} <exists> {len(tiers)} ' + " ".join(tiers)


def write_model(path: Path, encoder: str) -> None:
    """A small adapter on an encoder's features, untrained."""
    spec = describe_encoder(encoder)
    config = AdapterConfig(spec.dim * round(spec.frame_hz / 12.5), 16, 1, 2, 32, 0.0)
    torch.manual_seed(0)
    save_weights(build_model(config), path, model_header(config, spec.frame_hz, 4.0, spec.meta()))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout to write into, with the scripts of this one, whose corpora are found as those of the package are."""
    root = tmp_path / "checkout"
    (root / "egs").mkdir(parents=True)
    for name in ("utils", "tools"):
        (root / name).symlink_to(CHECKOUT / name)
    import mimidiar.corpora

    monkeypatch.setenv("MIMIDIAR_CORPORA", str(root / "mimidiar" / "corpora"))
    monkeypatch.setattr(mimidiar.corpora, "__path__", [*mimidiar.corpora.__path__, str(root / "mimidiar" / "corpora")])
    return root


def new(checkout: Path, name: str) -> str:
    done = CliRunner().invoke(cli, ["data", "new", name, "--into", str(checkout)], catch_exceptions=False)
    return done.output


def test_eight_channels_go_through_the_stages_with_one_file_and_one_recipe(checkout: Path, tmp_path: Path) -> None:
    new(checkout, "arrays")
    (checkout / "mimidiar/corpora/arrays.py").write_text(CORPUS)
    recipe = checkout / "egs/arrays/adapter"
    options = ["--encoder", "logmel", "--corpus", write_arrays(tmp_path / "arrays"), "--window-sec", 4, "--nj", 1]
    made = {}
    for stage in (1, 3, 5):
        if stage == 5:
            (recipe / "exp/logmel/seed1/model").mkdir(parents=True)
            write_model(recipe / "exp/logmel/seed1/model/model.safetensors", "logmel")
        log = tmp_path / f"stage{stage}"
        made[stage] = stage_commands(recipe / "run.sh", log, "--stage", stage, "--stop-stage", stage, *options)
        for command in made[stage]:
            call(recipe, command)
    assert [len(made[stage]) > 0 for stage in (1, 3, 5)] == [True] * 3

    (recording,) = read_recordings(recipe / "../data/dev")
    assert (recording.id, recording.channel) == ("R8001_M8004", 2)
    assert (recipe / "../data/dev/ref.rttm").read_text().count("N_SPK801") == 2
    audio = torch.from_numpy(soundfile.read(recording.path, dtype="float32")[0][:, 2])
    alone = load_encoder("logmel").encode(audio[None], torch.tensor([len(audio)]))[0][0].numpy()
    assert np.allclose(FeatureStore(recipe / "../feats/logmel/dev").read("R8001_M8004"), alone, atol=1e-4)
    scores = recipe / "exp/logmel/seed1/test/scores/collar0"
    assert read_json(scores / "score.json")["der"] >= 0
    assert "R8002_M8002" in (scores / "per_recording.csv").read_text()
    assert describe_corpus("arrays") == ("Arrays, made up", "none")


def test_the_skeleton_runs_as_it_is(checkout: Path, tmp_path: Path) -> None:
    said = new(checkout, "koala_bears")
    assert "adapter/RESULTS.md" in said and "run.sh --corpus FOLDER --stage 1" in said
    own = runpy.run_path(str(checkout / "mimidiar/tests/corpora/test_koala_bears.py"))
    tests = [function for name, function in own.items() if name.startswith("test_")]
    for number, test in enumerate(tests):
        (tmp_path / str(number)).mkdir()
        test(tmp_path / str(number))
    assert len(tests) == 2
    for script in ("adapter/run.sh", "adapter/path.sh", "adapter/cmd.sh", "adapter/conf/train.yaml"):
        assert (checkout / "egs/koala_bears" / script).is_file()
    assert "not run" in (checkout / "egs/koala_bears/adapter/RESULTS.md").read_text()


def test_a_file_of_several_channels_needs_to_be_told_which(checkout: Path, tmp_path: Path) -> None:
    new(checkout, "koala")
    own = runpy.run_path(str(checkout / "mimidiar/tests/corpora/test_koala.py"))
    root = own["write_koala"](tmp_path / "koala")
    write_audio(root / "dev" / "dev1.wav", 4.0, channels=2)
    for name in ("train", "test"):
        write_audio(root / name / f"{name}1.wav", 4.0, channels=3)
    with pytest.raises(MimidiarError, match=r"dev1.wav has 2 channel\(s\) at 16000 Hz, expected 1 at 16000"):
        own["prepare"](root, tmp_path / "out")
    with pytest.raises(MimidiarError, match=r"dev1.wav has 2 channel\(s\), there is no channel 2"):
        own["prepare"](root, tmp_path / "out", "channel=2")
    assert not (tmp_path / "out").exists()
    folders = own["prepare"](root, tmp_path / "out", "channel=1")
    assert [read_recordings(folder)[0].channel for folder in folders] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Koala", "'Koala' is no name of a dataset"),
        ("ami", "corpora/ami.py: the dataset ami is there"),
        ("voxceleb1", "corpora/voxceleb.py: the dataset voxceleb1 is there"),
        ("twice", "choose another NAME"),
    ],
)
def test_nothing_is_overwritten(checkout: Path, name: str, message: str) -> None:
    if name == "twice":
        new(checkout, name)
    before = {path: path.read_bytes() for path in checkout.glob("egs/*/*/*") if path.is_file()}
    with pytest.raises(MimidiarError, match=message):
        new(checkout, name)
    assert before == {path: path.read_bytes() for path in checkout.glob("egs/*/*/*") if path.is_file()}


def test_a_folder_that_is_no_checkout_is_named_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"no checkout of mimidiar, it lacks egs or utils; name one with --into"):
        new(tmp_path, "koala")


def test_origins_are_said_by_the_files_of_corpora() -> None:
    assert describe_corpus("ami") == ("AMI (Carletta 2007), meetings in English", "CC BY 4.0")
    assert describe_corpus("so762")[1] == "CC BY 4.0 (OpenSLR 101)" and describe_corpus("vcc16")[1] == "CC BY 4.0"
    assert describe_corpus("espeak") == ("not known to mimidiar", "see whoever gave the corpus")
