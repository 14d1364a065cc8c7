"""What the stages make of stored features is what a user gets of the audio, turn by turn, on real speech."""

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner
from lhotse import Recording

from mimidiar.annotation.rttm import read_rttm
from mimidiar.audio.files import file_recording, read_audio
from mimidiar.cli import cli
from mimidiar.data.manifests import write_set
from mimidiar.diarize.frontend import StoredFeatures
from mimidiar.diarize.pretrained import FORMAT, MODEL, PROBE, Diarizer
from mimidiar.evaluation.tuned import Tuned, write_tuned
from mimidiar.shipped import shipped_file
from mimidiar.tests.speech import corpus_folder
from mimidiar.weight_files import load_weights, save_tensors


def call(*words: object) -> None:
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three of meetings, and the last one 40 dB quieter, which a gain makes up for."""
    files = sorted((corpus_folder() / "ami_excerpts/audio").glob("*.flac"))
    some = files[:1] + [file for file in files if "ES2" in file.stem or "IS1" in file.stem][:2]
    quiet = tmp_path_factory.mktemp("quiet") / "quiet.wav"
    soundfile.write(quiet, read_audio(some[-1], 16000) / 100, 16000, "PCM_24")
    return [*some, quiet]


@pytest.fixture(scope="module")
def data(recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    write_set(folder, [Recording.from_file(file, recording_id=file.stem) for file in recordings], [])
    return folder


@pytest.fixture(scope="module", params=["mini", "mini-fusion"])
def made(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """A shipped diarizer, and the features of the set by the stages' own command: what the model reads, embeddings."""
    diarizer, root = Diarizer.from_pretrained(request.param, "cpu"), tmp_path_factory.mktemp(request.param)
    for encoder in [*diarizer.parts.encoders, {"encoder": "vad", "tap": "speech"}]:
        options = ("--encoder", encoder["encoder"], "--tap", encoder["tap"], "--device", "cpu")
        call("feats", "extract", data, root / encoder["encoder"], *options)
    first, *others = (root / encoder["encoder"] for encoder in diarizer.parts.encoders)
    if not others:
        return diarizer, root, first, first
    call("feats", "fuse", first, others[0], root / "fused")
    return diarizer, root, root / "fused", others[0]


def turns_of(diarizer: Diarizer, file: Path) -> list[tuple]:
    return [(turn.start, turn.end, turn.speaker) for turn in diarizer.diarize(file_recording(file)).turns]


def test_stored_features_and_audio_give_the_same_frames_and_turns(made, recordings) -> None:
    diarizer, root, features, embeddings = made
    source = StoredFeatures(features, embeddings, root / "vad", diarizer.parts.probe)
    pipeline = diarizer.parts.settings.pipeline(diarizer.parts.trained)
    for file in recordings:
        frames = pipeline.run(source.read(file.stem))
        found = diarizer.turns(frames, file_recording(file), peak=1.0, speech_sec=0.0)
        assert found.turns and found.turns == diarizer.diarize(file_recording(file)).turns


def test_the_stages_commands_give_the_turns_that_users_get(made, recordings, tmp_path) -> None:
    diarizer, root, features, embeddings = made
    tensors, header = load_weights(diarizer.parts.path, FORMAT)
    files = {part: tmp_path / f"{part.strip('.')}.safetensors" for part in (MODEL, PROBE)}
    for part, key in ((MODEL, "model"), (PROBE, "probe")):
        own = {name.removeprefix(part): value.float() for name, value in tensors.items() if name.startswith(part)}
        if own:
            save_tensors(own, files[part], header[key])
    settings = diarizer.parts.settings
    for name, values in (("clustering", settings.clustering), ("binarization", settings.binarization)):
        write_tuned(Tuned(values, "another", ()), tmp_path / f"{name}.yaml")
    windows = ("--window-sec", settings.window_sec, "--hop-sec", settings.hop_sec)
    call("eval", "infer", files[MODEL], features, tmp_path / "windows", *windows, "--local")
    options = ["--embeddings", embeddings, "--vad", root / "vad", "--speech-margin-sec", settings.speech_margin_sec]
    options += ["--probe", files[PROBE]] if diarizer.parts.probe else []
    tuned = ("--tuned", tmp_path / "clustering.yaml")
    call("eval", "cluster", "run", tmp_path / "windows", tmp_path / "posteriors", *options, *tuned)
    call("eval", "binarize", tmp_path / "posteriors", tmp_path, "--tuned", tmp_path / "binarization.yaml")
    found = read_rttm(tmp_path / "hyp.rttm")
    for file in recordings:
        wanted = turns_of(diarizer, file)
        names = renamed([turn.speaker for turn in found[file.stem]], [speaker for _, _, speaker in wanted])
        seconds = file_recording(file).seconds
        ours = [(turn.start, min(turn.end, seconds), names[turn.speaker]) for turn in found[file.stem]]
        assert close(ours, wanted)


def renamed(theirs: list[str], ours: list[str]) -> dict[str, str]:
    """Stages call speakers by the columns of their posteriors."""
    assert len(theirs) == len(ours)
    return dict(zip(theirs, ours, strict=True))


def close(one: list[tuple], other: list[tuple]) -> bool:
    """The same speakers, and times that are written with three digits."""
    return len(one) == len(other) and all(
        a[2] == b[2] and a[:2] == pytest.approx(b[:2], abs=1e-3) for a, b in zip(one, other, strict=True)
    )


def test_shipped_files_hold_all_settings() -> None:
    for name in ("mini", "mini-fusion"):
        settings = Diarizer.from_pretrained(shipped_file(name), "cpu").parts.settings
        assert settings.clustering is not None and settings.speech_margin_sec is not None
        replace(settings).check()
