"""From pairs to equal error rates: vectors of windows, scores, records."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.data.manifests import file_recording, write_set
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import fuse
from mimidiar.features.store import META, FeatureStore
from mimidiar.files import read_json, write_json
from mimidiar.models.projection import load_projection
from mimidiar.report.cells import compare_rows
from mimidiar.report.make_record import Place, make_record
from mimidiar.report.record import read_record, write_record
from mimidiar.report.table_file import Column, Comparison, Row
from mimidiar.score.verification import sort_trials
from mimidiar.studies.pairs.choose import choose_set
from mimidiar.studies.pairs.embed import embed_audio, embed_features, embed_windows
from mimidiar.studies.pairs.score import eer_draws, read_pairs, score_pairs
from mimidiar.studies.pairs.windows import Window
from mimidiar.studies.taps.train import Probe, save_probe
from mimidiar.tests.studies.pairs.conftest import DIM, write_features

WINDOWS = ["--window-sec", "0.5", "--window-sec", "1.5"]


@pytest.fixture(scope="module")
def pairs(data: Path) -> Path:
    choose_set(data, data.parent / "chosen", (0.5, 1.5), 5, 0)
    return data.parent / "chosen"


def call(*words: object) -> str:
    done = CliRunner().invoke(cli, ["study", "pairs", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def read_score(folder: Path) -> dict:
    return json.loads((folder / "score.json").read_text())


@pytest.mark.parametrize("frame_hz", [12.5, 25.0])
def test_features_that_say_who_speaks_make_no_errors(data: Path, tmp_path: Path, frame_hz: float) -> None:
    feats = write_features(data, tmp_path / "feats", frame_hz)
    assert "5 pairs of the same" in call("choose", data, tmp_path / "pairs", "--pairs", 5, *WINDOWS)
    shown = call("score", data, tmp_path / "pairs", tmp_path / "out", "--feats", feats, "--name", "oracle")
    assert "window0.5: EER 0.00 %" in shown
    for name, length in (("window0.5", 0.48), ("window1.5", 1.52)):
        score = read_score(tmp_path / "out" / name)
        assert score["kind"] == "pairs" and score["eer"] == 0 and score["system"] == "oracle"
        assert score["n_target"] == score["n_nontarget"] == 5 * score["n_recordings"] and score["n_left_out"] >= 1
        assert score["protocol"]["window_sec"] == length and score["protocol"]["resampled"] == "recordings"
        assert score["intervals"]["eer"] == {"low": 0, "high": 0, "level": 0.95}
        assert any("left out, with too few pairs" in each and "c8" in each for each in score["warnings"])


def test_features_that_say_nothing_are_wrong_half_of_the_time(data: Path, pairs: Path, tmp_path: Path) -> None:
    feats = write_features(data, tmp_path / "feats", voices=False)
    windows = read_pairs(pairs)[1].values()
    for name, score in score_pairs(pairs, tmp_path, embed_features(data, feats, windows), {}).items():
        interval = score["intervals"]["eer"]
        assert 35 < score["eer"] < 65 and interval["low"] <= score["eer"] <= interval["high"], name
        assert interval["low"] < interval["high"]


@pytest.mark.parametrize("frame_hz", [12.5, 25.0])
def test_a_vector_is_the_mean_of_the_frames_of_its_window(
    data: Path, pairs: Path, tmp_path: Path, frame_hz: float
) -> None:
    feats = write_features(data, tmp_path / "feats", frame_hz, voices=False)
    windows, store = read_pairs(pairs)[1], FeatureStore(feats)
    vectors = embed_features(data, feats, windows.values())
    assert vectors.keys() == windows.keys()
    for name, window in list(windows.items())[::7]:
        rate = round(frame_hz / 12.5)
        frames = [
            store.read(window.recording)[f] for f in range(rate * window.first, rate * (window.first + window.frames))
        ]
        assert np.allclose(vectors[name], np.mean(frames, axis=0), atol=1e-6)


def test_of_frames_with_a_speaker_embedding_that_alone_counts(data: Path, pairs: Path, tmp_path: Path) -> None:
    feats, windows = write_features(data, tmp_path / "feats", voices=False), list(read_pairs(pairs)[1].values())
    whole = embed_features(data, feats, windows)
    write_json(feats / META, read_json(feats / META) | {"embedding_dim": 3})
    part = embed_features(data, feats, windows)
    assert all(np.array_equal(vector, whole[name][:3]) for name, vector in part.items())


def test_a_fused_store_is_read_as_one(data: Path, pairs: Path, tmp_path: Path) -> None:
    folders = [write_features(data, tmp_path / f"{hz:g}", hz) for hz in (25.0, 12.5)]
    fuse(folders, tmp_path / "both")
    windows = list(read_pairs(pairs)[1].values())
    one, both = embed_features(data, folders[0], windows), embed_features(data, tmp_path / "both", windows)
    assert all(np.allclose(both[name][:DIM], vector) and both[name].shape == (2 * DIM,) for name, vector in one.items())


def test_a_constant_in_all_frames_is_gone_once_they_are_centered(data: Path, pairs: Path, tmp_path: Path) -> None:
    windows = list(read_pairs(pairs)[1].values())
    plain, moved = (write_features(data, tmp_path / f"{x}", voices=False, offset=x) for x in (0.0, 100.0))
    assert (
        score_pairs(pairs, tmp_path / "o", embed_features(data, moved, windows), {})["window1.5"]["mean_nontarget"]
        > 0.99
    )
    ours, theirs = (embed_features(data, feats, windows, center=True) for feats in (plain, moved))
    assert all(np.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)


def test_a_probe_is_the_space_of_the_cosine(data: Path, pairs: Path, tmp_path: Path) -> None:
    feats, windows = write_features(data, tmp_path / "feats"), list(read_pairs(pairs)[1].values())
    torch.manual_seed(0)
    save_probe(Probe(DIM, 4, "all"), tmp_path / "probe.safetensors")
    plain = embed_features(data, feats, windows)
    mapped = embed_features(data, feats, windows, probe=tmp_path / "probe.safetensors")
    space = load_projection(tmp_path / "probe.safetensors")
    assert all(np.allclose(mapped[name], space(plain[name])) for name in plain)
    save_probe(Probe(DIM + 1, 4, "all"), tmp_path / "wide.safetensors")
    with pytest.raises(MimidiarError, match="needs 33 dimensions, the features have 32"):
        embed_features(data, feats, windows, probe=tmp_path / "wide.safetensors")


def test_features_that_do_not_fit_are_refused(data: Path, pairs: Path, tmp_path: Path) -> None:
    windows = list(read_pairs(pairs)[1].values())
    feats = write_features(data, tmp_path / "feats")
    with pytest.raises(MimidiarError, match=r"feats.scp: has no 'elsewhere' among its 9 keys"):
        embed_features(data, feats, [*windows, Window("elsewhere", 0, 6, "a")])
    other = write_features(data, tmp_path / "other", 12.5, claimed=25.0)
    with pytest.raises(MimidiarError, match=r"c0 has 750 frames at 25 Hz, 30.00 s, but is 60.00 s long"):
        embed_features(data, other, windows)
    odd = write_features(data, tmp_path / "odd", 20.0)
    with pytest.raises(MimidiarError, match=r"features at 20 Hz; windows need a whole multiple of 12.5 Hz"):
        embed_features(data, odd, windows)
    with pytest.raises(MimidiarError, match=r"no pairs in this folder; choose them first"):
        score_pairs(tmp_path, tmp_path / "out", {}, {})


class Ear:
    """An embedder that keeps the windows it is given; a vector is the first and the last sample, and their number."""

    sample_rate, dim = 16000, 3

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        self.heard += list(windows.numpy())
        return torch.stack([windows[:, 0], windows[:, -1], torch.full((len(windows),), float(windows.shape[1]))], dim=1)


def test_an_encoder_hears_the_samples_of_the_window_and_no_others(tmp_path: Path) -> None:
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * 16000).astype(np.float32)
    soundfile.write(tmp_path / "r.wav", audio, 16000, subtype="FLOAT")
    write_set(tmp_path / "data", [file_recording("r", tmp_path / "r.wav", 16000, len(audio))], [])
    windows, ear = [Window("r", 10, 6, "a"), Window("r", 30, 13, "b"), Window("r", 20, 6, "a")], Ear()
    vectors = embed_windows(tmp_path / "data", ear, windows)
    wanted = {each.id: audio[1280 * each.first : 1280 * (each.first + each.frames)] for each in windows}
    assert len(ear.heard) == 3
    for name, samples in wanted.items():
        assert any(len(heard) == len(samples) and np.array_equal(heard, samples) for heard in ear.heard)
        expected = np.array([samples[0], samples[-1], len(samples)])
        assert np.allclose(vectors[name], expected / np.linalg.norm(expected), atol=1e-6)


def test_a_codec_is_no_encoder_of_windows(data: Path, pairs: Path) -> None:
    with pytest.raises(MimidiarError, match="logmel is no speaker encoder; extract its features"):
        embed_audio(data, "logmel", read_pairs(pairs)[1].values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "give either --feats or --encoder"),
        (["--feats", "f", "--encoder", "campplus"], "give either"),
        (["--encoder", "campplus", "--center"], "--center and --probe are for --feats"),
        (["--feats", "f", "--checkpoint", "w"], "--checkpoint is for --encoder"),
    ],
)
def test_options_that_exclude_each_other(pairs: Path, data: Path, options: list[str], words: str) -> None:
    done = CliRunner().invoke(cli, ["study", "pairs", "score", str(data), str(pairs), "out", *options])
    assert done.exit_code == 2 and words in done.output


def test_a_draw_takes_whole_recordings() -> None:
    """One recording without errors and one with every pair the wrong way around: a draw has both, or one of them."""
    scores, target = [2.0, 1.0, 1.0, 2.0], [True, False, True, False]
    draws = eer_draws(sort_trials(scores, target), ["a", "a", "b", "b"], draws=200)
    assert set(draws) == {0.0, 50.0, 100.0}
    assert draws == eer_draws(sort_trials(scores, target), ["a", "a", "b", "b"], draws=200)
    # Of other scores of the same pairs, draw k has the same recordings.
    turned = eer_draws(sort_trials([-x for x in scores], target), ["a", "a", "b", "b"], draws=200)
    assert all(one + other == 100 for one, other in zip(draws, turned, strict=True))


def test_records_of_two_systems_are_compared_over_recordings(data: Path, pairs: Path, tmp_path: Path) -> None:
    records = {}
    for name, voices in (("who", True), ("noise", False)):
        feats = write_features(data, tmp_path / f"feats-{name}", voices=voices)
        vectors = embed_features(data, feats, read_pairs(pairs)[1].values())
        score_pairs(pairs, tmp_path / name, vectors, {"system": name})
        made = make_record(tmp_path / name / "window1.5", "window1.5", Place(name, "talks"))
        records[name] = read_record(write_record(tmp_path / name, made))
        assert records[name] == made and made.kind == "pairs" and len(made.draws["eer"]) == 1000
    rows = [Row("who", "who"), Row("noise", "noise")]
    column = Column("EER %", "window1.5", "eer", "talks")
    (found,) = compare_rows(
        [Comparison("who", "noise", "EER %")], rows, [column], lambda row, _: [records[row.system]], "here"
    )
    number = int(records["who"].metrics["n_recordings"])
    assert found.verdict == "better" and f"paired over {number} recordings" in found.about
