"""Trials and conversations at every tap, from made-up voices: one tap knows them, the other does not."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn, total_sec, union
from mimidiar.cli import cli
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json, write_json
from mimidiar.studies.taps.pooled_store import PooledTaps
from mimidiar.studies.taps.score import (
    Windows,
    cluster_taps,
    clusters_at,
    linkage_of,
    score_taps,
    to_turns,
    tune_clusters,
)
from mimidiar.studies.taps.spaces import TapMeans, TapProbes, find_means, load_tap_probes
from mimidiar.studies.taps.train import TapProbeConfig, train_tap_probes
from mimidiar.tests.conversations import make_conversations
from mimidiar.tests.pooled import DIM, plain_and_noise, pool_made_up, write_pooled
from mimidiar.tests.utterances import make_utterances

WINDOWS = {"window_sec": 1.6, "hop_sec": 0.8}


def probes_of(study: dict[str, Path]) -> TapProbes:
    return load_tap_probes(study["probes"])


def means_of(study: dict[str, Path]) -> TapMeans:
    return find_means(study["train"], study["train_pooled"])


def eer(folder: Path) -> float:
    return read_json(folder / "score.json")["eer"]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> dict[str, Path]:
    """Probes, and a set of trials of other speakers with its pooled taps."""
    root = tmp_path_factory.mktemp("study")
    folders = {}
    for name, speakers in (("train", 20), ("test", 8)):
        data, _ = make_utterances(root, name, speakers=speakers, each=4, seed=0)
        who = {row.id: row.speaker for rows in read_source(data).values() for row in rows}
        folders |= {name: data, f"{name}_pooled": pool_made_up(root / f"{name}_pooled", who, seed=len(name))}
        # The same utterances, with all that they have in common taken to another place, as by another microphone.
        folders |= {f"{name}_moved": pool_made_up(root / f"{name}_moved", who, seed=9, shift=40.0)}
    train_tap_probes(
        TapProbeConfig(learning_rate=0.02, epochs=30), folders["train"], folders["train_pooled"], root / "p", 1
    )
    return folders | {"probes": root / "p/model.safetensors"}


def test_the_tap_that_knows_the_speaker_has_few_errors(study: dict[str, Path], tmp_path: Path) -> None:
    args = study["test"], study["test_pooled"]
    for space in (probes_of(study), means_of(study)):
        for job in ((2, 2), (1, 2), None):
            score_taps(*args, tmp_path / "jobs", space, job=job)
        score_taps(*args, tmp_path / "one", space)
    assert eer(tmp_path / "one/latent/cosine") < 5 and eer(tmp_path / "one/latent/probe") < 10
    assert eer(tmp_path / "one/mix/probe") < 25 < 35 < eer(tmp_path / "one/seanet/cosine")
    assert not (tmp_path / "one/mix/cosine").exists()
    for path in (tmp_path / "one").glob("*/*/*"):
        assert path.read_bytes() == (tmp_path / "jobs" / path.relative_to(tmp_path / "one")).read_bytes()


def test_enrolment_is_read_from_its_own_store(study: dict[str, Path], tmp_path: Path) -> None:
    """Cosines of one side as it was with the other moved far away tell nothing; both moved, the mean tells no less."""
    means, clean, moved = means_of(study), PooledTaps(study["test_pooled"]), PooledTaps(study["test_moved"])
    score_taps(study["test"], study["test_moved"], tmp_path, means, enrol_dir=study["test_pooled"])
    scores = [float(line.split()[2]) for line in (tmp_path / "latent/cosine/scores").read_text().splitlines()]
    for line, found in zip((study["test"] / "trials").read_text().splitlines()[:20], scores, strict=False):
        _, enrol, test = line.split()
        one, other = means.place(clean.read(enrol), "latent")[0], means.place(moved.read(test), "latent")[0]
        assert found == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other), abs=1e-5)
    assert eer(tmp_path / "latent/cosine") > 20


def test_the_mean_is_that_of_the_training_utterances(study: dict[str, Path]) -> None:
    """Told by hand; those that were not pooled are not in it."""
    means, pooled = means_of(study), PooledTaps(study["train_pooled"])
    every = np.stack([pooled.read(name)[0] for name in pooled.recordings])
    np.testing.assert_allclose(means.mean, every.mean(0), atol=1e-6)
    np.testing.assert_allclose(means.place(every, "latent").mean(0), 0, atol=1e-5)
    assert len(means.speakers) == 20 and means.names == ["seanet", "latent"]
    with pytest.raises(MimidiarError, match="no utterance of"):
        find_means(study["train"], study["test_pooled"])


def test_the_command_scores_in_one_space_at_a_time(study: dict[str, Path], tmp_path: Path) -> None:
    line = ["taps", "score", str(study["test"]), str(study["test_pooled"]), str(tmp_path)]
    probes, center = ["--probes", str(study["probes"])], ["--centre", str(study["train"]), str(study["train_pooled"])]
    for wrong in ([], [*probes, *center]):
        assert "either --probes or --center" in CliRunner().invoke(cli, [*line, *wrong]).output
    for options, protocol in ((probes, "probe"), (center, "cosine")):
        assert CliRunner().invoke(cli, [*line, *options]).exit_code == 0
        assert (tmp_path / "latent" / protocol / "score.json").is_file()
    assert not (tmp_path / "mix/cosine").exists()


def test_trials_of_speakers_who_were_trained_on_are_refused(study: dict[str, Path], tmp_path: Path) -> None:
    for space in (probes_of(study), means_of(study)):
        with pytest.raises(MimidiarError, match=r"its training set has 20 of the speakers of .*/trials: "):
            score_taps(study["train"], study["train_pooled"], tmp_path, space)
        with pytest.raises(MimidiarError, match="no pooled taps of 32 recordings"):
            score_taps(study["test"], study["train_pooled"], tmp_path, space)
    assert not list(tmp_path.iterdir())


def pool_windows(data: Path, folder: Path, seed: int) -> Path:
    """Windows of conversations whose vectors are the mean of the voices in them."""
    random = np.random.default_rng(seed)
    vectors = {}
    for name, turns in read_rttm(data / "ref.rttm").items():
        names = sorted({turn.speaker for turn in turns})
        voices = 4 * random.standard_normal((len(names), DIM))
        active = activity_matrix(turns, names, 100, 12.5).astype(float)
        means = np.stack([active[10 * w : 10 * w + 20].mean(0) @ voices for w in range(9)])
        vectors[name] = plain_and_noise(means, random)
    return write_pooled(folder, vectors, **WINDOWS)


def test_windows_are_clustered_where_the_reference_hears_speech(study: dict[str, Path], tmp_path: Path) -> None:
    sets = {name: make_conversations(tmp_path, name, 12, seed=k)[0] for k, name in enumerate(("dev", "test"))}
    pooled = {name: pool_windows(data, tmp_path / f"{name}_p", 5 + len(name)) for name, data in sets.items()}
    tune_clusters(sets["dev"], pooled["dev"], tmp_path / "tuned", study["probes"])
    tuned = tmp_path / "tuned/tuned.yaml"
    cluster_taps(sets["test"], pooled["test"], tmp_path / "out", study["probes"], tuned)
    score = {tap: read_json(tmp_path / f"out/{tap}/collar0/score.json") for tap in ("latent", "seanet", "mix")}
    assert score["latent"]["der"] + 8 < score["seanet"]["der"]
    reference = read_rttm(sets["test"] / "ref.rttm")
    for name, turns in read_rttm(tmp_path / "out/latent/hyp.rttm").items():
        spoken = union((t.start, t.end) for t in reference[name])
        np.testing.assert_allclose(union([(t.start, t.end) for t in turns]), spoken, atol=0.0011)
    with pytest.raises(MimidiarError, match="tuned on 12 of these recordings"):
        cluster_taps(sets["dev"], pooled["dev"], tmp_path / "x", study["probes"], tuned)
    with pytest.raises(MimidiarError, match="clusters need windows"):
        tune_clusters(study["test"], study["test_pooled"], tmp_path / "x", study["probes"])
    with pytest.raises(MimidiarError, match="trials need whole utterances"):
        score_taps(study["test"], pooled["test"], tmp_path / "x", probes_of(study))
    with pytest.raises(MimidiarError, match="the mean is one of utterances"):
        find_means(study["test"], pooled["test"])
    assert not (tmp_path / "x").exists()


def test_pooled_taps_of_another_encoder_are_refused(study: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(study["test_pooled"], other)
    write_json(other / "meta.json", read_json(other / "meta.json") | {"taps": ["latent", "seanet"]})
    for space in (probes_of(study), means_of(study)):
        with pytest.raises(MimidiarError, match=r"other: its taps are latent, seanet; those of .* are seanet, latent"):
            score_taps(study["test"], other, tmp_path / "out", space)
    assert not (tmp_path / "out").exists()


def test_conversations_of_speakers_who_were_trained_on_are_refused(study: dict[str, Path], tmp_path: Path) -> None:
    data, _ = make_conversations(tmp_path, "talks", 4, seed=0)
    dev, _ = make_conversations(tmp_path, "dev", 4, seed=1)
    tune_clusters(dev, pool_windows(dev, tmp_path / "dev_p", 0), tmp_path / "tuned", study["probes"])
    pooled = pool_windows(data, tmp_path / "talks_p", 1)
    known = sorted({turn.speaker for turns in read_rttm(data / "ref.rttm").values() for turn in turns})[0]
    text = (data / "ref.rttm").read_text()
    (data / "ref.rttm").write_text(text.replace(f" {known} ", " train-3 "))
    with pytest.raises(MimidiarError, match=r"has 1 of the speakers of .*talks/ref\.rttm: train-3; train on"):
        cluster_taps(data, pooled, tmp_path / "out", study["probes"], tmp_path / "tuned/tuned.yaml")
    assert not (tmp_path / "out").exists()


def test_each_moment_goes_to_the_nearest_window() -> None:
    windows = Windows("r", np.array([1.0, 2.0, 4.0]), [(0.0, 1.2), (1.4, 5.0)])
    turns = to_turns(windows, np.array([0, 1, 0]))
    assert turns == [
        Turn("r", 0.0, 1.2, "spk0"),
        Turn("r", 1.4, 1.5, "spk0"),
        Turn("r", 1.5, 3.0, "spk1"),
        Turn("r", 3.0, 5.0, "spk0"),
    ]
    assert total_sec([(t.start, t.end) for t in turns]) == pytest.approx(4.8)
    assert to_turns(Windows("r", np.array([3.0]), [(0.0, 1.0)]), np.array([0])) == [Turn("r", 0.0, 1.0, "spk0")]


def test_clusters_are_numbered_as_they_come() -> None:
    vectors = np.array([[0, 1.0], [0.1, 1], [1, 0], [0, 1], [1, 0.1]])
    assert clusters_at(linkage_of(vectors), 0.5).tolist() == [0, 0, 1, 0, 1]
    assert clusters_at(linkage_of(vectors), 1.5).tolist() == [0] * 5
    assert clusters_at(linkage_of(vectors[:1]), 0.5).tolist() == [0]
