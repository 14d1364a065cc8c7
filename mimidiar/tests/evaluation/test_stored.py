"""`mimidiar eval infer --local` and `mimidiar eval cluster` from outside."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.rttm import read_rttm
from mimidiar.cli import cli
from mimidiar.diarize.frontend import StoredFeatures
from mimidiar.diarize.segmenter import Windowing, windows_of
from mimidiar.diarize.tracker import Oracle
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.stored import LOCAL, StoredWindows, Tracking, infer, read_posteriors, track_all
from mimidiar.features.store import META
from mimidiar.files import read_json, write_json
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model, model_header
from mimidiar.tests.conversations import DIM, FRAME_HZ, make_conversations
from mimidiar.tests.diarize.windowed import put_windows, run_windows
from mimidiar.tests.matrices import write_matrix_store
from mimidiar.weight_files import save_weights

LANES = Windowing(60, 30).lanes


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


def perfect_windows(data: Path, out: Path, frames: int, channels: int = 4) -> None:
    """The windows of a model without errors on a set, its channels in another order in each window."""
    random, matrices = np.random.default_rng(0), []
    for name, turns in sorted(read_rttm(data / "ref.rttm").items()):
        speakers = sorted({turn.speaker for turn in turns})
        active = activity_matrix(turns, speakers, frames, FRAME_HZ).astype(float)
        active = np.pad(active, ((0, 0), (0, channels - len(speakers))))
        windows = run_windows(lambda window: window[:, random.permutation(channels)], active, 60, 30)
        matrices.append((name, put_windows(windows, frames, LANES).reshape(frames, -1)))
    write_windows(out, matrices)


def write_windows(out: Path, matrices: list[tuple[str, np.ndarray]]) -> None:
    """As `mimidiar eval infer --local` leaves them."""
    write_matrix_store(out, LOCAL, matrices)
    windows = {"window_sec": 60 / FRAME_HZ, "hop_sec": 30 / FRAME_HZ, "lanes": LANES}
    write_json(out / META, {"frame_hz": FRAME_HZ, "model_sha256": "of no file", **windows})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """(data, feats, local) of a set of 8 conversations whose features are voices, with a little noise."""
    root = tmp_path_factory.mktemp("link")
    data, feats = make_conversations(root, "dev", 8, seed=3, frames=400)
    perfect_windows(data, root / "local", 400)
    return data, feats, root / "local"


def test_windows_that_are_kept_are_those_that_are_stitched(tmp_path: Path) -> None:
    _, feats = make_conversations(tmp_path, "dev", 9, seed=0)
    config = AdapterConfig(DIM, 16, 1, 2, 32, 0.0)
    model = tmp_path / "model.safetensors"
    save_weights(build_model(config), model, model_header(config, FRAME_HZ, 4.0, read_json(feats / META)))
    infer(model, feats, tmp_path / "stitched")
    assert call("infer", model, feats, tmp_path / "local", "--local", "--job", "2/2").exit_code == 0
    with pytest.raises(MimidiarError, match="run `mimidiar eval infer --local` to the end"):
        StoredWindows(tmp_path / "local")
    assert call("infer", model, feats, tmp_path / "local", "--local").exit_code == 0
    assert len(windows_of(StoredWindows(tmp_path / "local").read("dev-0").lanes[0])) == 3
    assert call("link", "run", tmp_path / "local", tmp_path / "linked", "--overlap").exit_code == 0
    for name in ("dev-0", "dev-8"):
        one, other = (read_posteriors(tmp_path / folder)[0].read(name) for folder in ("stitched", "linked"))
        assert np.array_equal(one, other)


def test_tuned_linked_decided_and_scored(made, tmp_path: Path) -> None:
    """Voices that are told apart and windows without errors: nothing is wrong in the end."""
    data, feats, local = made
    result = call("link", "tune", local, data, tmp_path / "tuned", "--voices", feats)
    assert result.exit_code == 0 and "speakers counted right in 100 %" in result.output
    tuned = yaml.safe_load((tmp_path / "tuned/tuned.yaml").read_text())
    assert tuned["tuned_on"] == "dev" and len(tuned["recordings"]) == 8 and tuned["frame_der"] == 0
    options = ("--voices", feats, "--tuned", tmp_path / "tuned/tuned.yaml")
    assert call("link", "run", local, tmp_path / "linked", *options).exit_code == 0
    store, _ = read_posteriors(tmp_path / "linked")
    for name, turns in read_rttm(data / "ref.rttm").items():
        speakers = sorted({turn.speaker for turn in turns})
        truth = activity_matrix(turns, speakers, 400, FRAME_HZ)
        found = store.read(name) > 0.5
        assert found.shape == truth.shape
        assert {column.tobytes() for column in found.T} == {column.tobytes() for column in truth.T}
    assert read_json(tmp_path / "linked" / META)["model_sha256"] == "of no file"
    assert (tmp_path / "linked/timing.jsonl").is_file()


def test_the_reference_says_how_many_and_who(made, tmp_path: Path) -> None:
    data, feats, local = made
    counts = {name: len({turn.speaker for turn in turns}) for name, turns in read_rttm(data / "ref.rttm").items()}
    for folder, options in (
        ("counted", ("--voices", feats, "--oracle-count", data)),
        ("oracle", ("--oracle", data)),
    ):
        assert call("link", "run", local, tmp_path / folder, *options).exit_code == 0
        store, _ = read_posteriors(tmp_path / folder)
        assert {name: store.num_columns(name) for name in store.keys()} == counts  # noqa: SIM118 (not a dict)
    assert call("link", "run", local, tmp_path / "five", "--voices", feats, "--num-speakers", 5).exit_code == 0
    assert {read_posteriors(tmp_path / "five")[0].num_columns(name) for name in counts} == {5}


def test_what_an_interrupted_call_left_is_made_again(made, tmp_path: Path) -> None:
    """It may have been linked in another way."""
    _, feats, local = made
    with pytest.raises(KeyboardInterrupt):
        track_all(StoredWindows(local), tmp_path, stops_after("dev-2"))
    assert (tmp_path / ".posteriors.1.ark.partial").stat().st_size
    for folder in (tmp_path, tmp_path / "undisturbed"):
        assert call("link", "run", local, folder, "--voices", feats).exit_code == 0
    one, other = (path / "posteriors.1.ark" for path in (tmp_path, tmp_path / "undisturbed"))
    assert one.read_bytes() == other.read_bytes()


def stops_after(last: str) -> Tracking:
    def tracking(name: str) -> Oracle:
        if name > last:
            raise KeyboardInterrupt
        return Oracle(np.ones((400, 1), bool))

    return tracking


def test_what_cannot_be_is_refused(made, tmp_path: Path) -> None:
    data, feats, local = made
    run = ("link", "run", local, tmp_path / "out")
    assert "give one of --embeddings, --overlap and --oracle" in call(*run).output
    assert "give one of" in call(*run, "--overlap", "--oracle", data).output
    assert "numbers of speakers are for --embeddings" in call(*run, "--overlap", "--num-speakers", 2).output
    assert (
        "give either --oracle-count or a number"
        in call(*run, "--voices", feats, "--oracle-count", data, "--max-speakers", 2).output
    )
    with pytest.raises(MimidiarError, match="has no recording 'dev-0', so its speakers cannot be counted"):
        another, _ = make_conversations(tmp_path, "another", 1, seed=1)
        raise call(*run, "--voices", feats, "--oracle-count", another).exception
    with pytest.raises(MimidiarError, match="at least 4 speakers and at most 2"):
        raise call(*run, "--voices", feats, "--min-speakers", 4, "--max-speakers", 2).exception
    with pytest.raises(MimidiarError, match="no such file; run `mimidiar eval cluster tune` first"):
        raise call(*run, "--voices", feats, "--tuned", tmp_path / "none.yaml").exception
    _, other = make_conversations(tmp_path, "other", 1, seed=1)
    with pytest.raises(MimidiarError, match="no features of 'dev-0'; extract the features of this set"):
        raise call(*run, "--voices", other).exception
    with pytest.raises(MimidiarError, match="no windows of 8 recordings: dev-0"):
        empty = tmp_path / "empty"
        write_windows(empty, [])
        raise call("link", "tune", empty, data, tmp_path / "tuned", "--voices", feats).exception
    write_windows(tmp_path / "strange", [("dev-0", np.full((3, LANES + 1), 0.5, np.float32))])
    with pytest.raises(MimidiarError, match=f"dev-0: {LANES + 1} columns on {LANES} lanes"):
        StoredWindows(tmp_path / "strange").read("dev-0")
    write_json(tmp_path / "strange" / META, {"model_sha256": "of no file"})
    with pytest.raises(MimidiarError, match="names no lanes; run `mimidiar eval infer --local` again"):
        StoredWindows(tmp_path / "strange")


def test_frames_of_25_hz_are_brought_to_the_time_of_the_labels(tmp_path: Path) -> None:
    frames = np.arange(12, dtype=np.float32).reshape(6, 2)
    write_matrix_store(tmp_path, "feats", [("a", frames)])
    write_json(tmp_path / META, {"frame_hz": 25.0, "dim": 2})
    found = StoredFeatures(embeddings=tmp_path).read("a", 4).embeddings[0]
    assert np.allclose(found, [[1, 2], [5, 6], [9, 10], [10, 11]])
