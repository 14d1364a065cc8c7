"""The original study's metric from the command line: of stored posteriors, and of an oracle diarizer."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.rttm import write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.annotation.uem import write_uem
from mimidiar.cli import cli
from mimidiar.config import load_config
from mimidiar.errors import MimidiarError
from mimidiar.features.store import META, MatrixStore
from mimidiar.files import read_json, write_json
from mimidiar.simulation.plan import Simulation
from mimidiar.studies.original_metric.files import CropPlan
from mimidiar.studies.original_metric.metric import conversation_labels
from mimidiar.studies.original_metric.posteriors import crops_of_posteriors, score_crops
from mimidiar.tests.matrices import write_matrix_store

HZ = 12.5
RECIPE = Path(__file__).parents[4] / "egs" / "paper" / "ancestor_metric"


def make_data(folder: Path, turns: dict[str, list[Turn]], seconds: float) -> Path:
    write_rttm(folder / "ref.rttm", [turn for own in turns.values() for turn in own])
    write_uem(folder / "all.uem", {name: [(0.0, seconds)] for name in turns})
    return folder


def in_turn(name: str, speakers: int, seconds: int, turn_sec: int = 2) -> list[Turn]:
    """Speakers one after the other, from the first moment to the last."""
    starts = range(0, seconds, turn_sec)
    return [Turn(name, s, s + turn_sec, f"{name}-{i % speakers}") for i, s in enumerate(starts)]


def labels_of(turns: list[Turn], seconds: float) -> np.ndarray:
    active = activity_matrix(turns, sorted({turn.speaker for turn in turns}), round(seconds * HZ), HZ)
    return conversation_labels(active).astype(np.float32)


def write_posteriors(folder: Path, matrices: dict[str, np.ndarray]) -> Path:
    write_matrix_store(folder, "posteriors", matrices.items())
    write_json(folder / META, {"frame_hz": HZ})
    return folder


def run(*args: object) -> str:
    done = CliRunner().invoke(cli, [str(arg) for arg in args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, Path]:
    """(posteriors, data) of recordings of 40 s: `right` as in the session, `swapped` with two channels exchanged."""
    turns = {name: in_turn(name, 2, 40) for name in ("right", "swapped")}
    labels = {name: labels_of(own, 40) for name, own in turns.items()}
    labels["swapped"] = labels["swapped"][:, [1, 0, 2, 3]]
    return write_posteriors(tmp_path / "post", labels), make_data(tmp_path / "data", turns, 40)


def test_channels_that_a_model_lacks_are_silent(stored, tmp_path: Path) -> None:
    posteriors, data = stored
    two = {name: MatrixStore(posteriors / "posteriors.scp").read(name)[:, :2] for name in ("right", "swapped")}
    run("ancestor-metric", write_posteriors(tmp_path / "two", two), data, tmp_path / "of_two")
    run("ancestor-metric", *stored, tmp_path / "of_four")
    scores = [read_json(tmp_path / name / "score.json") for name in ("of_two", "of_four")]
    assert scores[0]["ancestor_der"] == scores[1]["ancestor_der"] == 50


def test_an_exchange_of_channels_is_all_confusion_and_no_error(stored, tmp_path: Path) -> None:
    said = run("ancestor-metric", *stored, tmp_path / "out", "--crop-sec", 90, "--name", "mine")
    assert "no diarization error rate" in said and "2 crops of 2 recordings" in said
    document = read_json(tmp_path / "out" / "score.json")
    names = ("ancestor_der", "ancestor_false_alarm", "ancestor_miss", "ancestor_confusion", "crop_der")
    assert [document[name] for name in names] == [50, 0, 0, 50, 0]
    assert (document["kind"], document["system"], document["threshold"]) == ("ancestor", "mine", 0.3)
    assert document["intervals"]["ancestor_confusion"] == {"low": 0.0, "high": 100.0, "level": 0.95}
    assert document["protocol"]["crop_sec"] == 90 and len(document["protocol"]["reference_sha256"]) == 64
    assert all(isinstance(value, str | int | float) for value in document["protocol"].values())
    rows = list(csv.DictReader((tmp_path / "out" / "per_recording.csv").open()))
    assert [(row["recording"], float(row["ancestor_confusion"])) for row in rows] == [("right", 0), ("swapped", 100)]
    assert [float(row["reference_sec"]) for row in rows] == [40, 40]


def test_crops_depend_on_the_seed_and_on_no_other_recording(stored) -> None:
    plan = CropPlan(crop_sec=10, per_recording=7, seed=1)
    ranges = plan.ranges("right", 500, HZ)
    assert ranges == plan.ranges("right", 500, HZ) != CropPlan(10, 7, seed=2).ranges("right", 500, HZ)
    assert ranges != plan.ranges("swapped", 500, HZ)
    assert len(ranges) == 7 and all(first >= 0 and last <= 500 and last - first == 125 for first, last in ranges)
    assert CropPlan(10, 200).ranges("r", 127, HZ).count((2, 127)) > 30  # the last place is one of three
    score = score_crops(*crops_of_posteriors(*stored, plan))
    assert score.crops == [7, 7] and score.percent[:, 3].tolist() == [0, 100]


def test_a_uem_that_leaves_out_part_of_a_recording_is_refused(stored) -> None:
    posteriors, data = stored
    (data / "all.uem").write_text("right 1 0 40\nswapped 1 0 40\n")
    assert len(score_crops(*crops_of_posteriors(posteriors, data, CropPlan(10, 7))).recordings) == 2
    (data / "all.uem").write_text("right 1 0 40\nswapped 1 0 10\nswapped 1 20 40\n")
    with pytest.raises(MimidiarError, match=r"all\.uem: scores 30 s of swapped, which has 40 s"):
        score_crops(*crops_of_posteriors(posteriors, data, CropPlan(10, 7)))


@pytest.mark.parametrize("speakers", [2, 3, 4])
def test_a_perfect_diarizer(tmp_path: Path, speakers: int) -> None:
    """Turns of 2 s in rotation: in a random crop each of the rotations is as likely, and all but one are all wrong."""
    data = make_data(tmp_path / "data", {f"r{i}": in_turn(f"r{i}", speakers, 120) for i in range(12)}, 120)
    said = run("ancestor-demo", data, tmp_path / "out", "--crop-sec", 24, "--crops", 20)
    document = read_json(tmp_path / "out" / "data" / "score.json")
    assert document["ancestor_confusion"] == pytest.approx(100 * (1 - 1 / speakers), abs=8)
    assert document["crop_der"] == 0
    assert f"{speakers} speakers" in said and said == (tmp_path / "out" / "table.md").read_text()


def test_all_sets_together(tmp_path: Path) -> None:
    two = make_data(tmp_path / "two", {f"a{i}": in_turn(f"a{i}", 2, 60) for i in range(4)}, 60)
    three = make_data(tmp_path / "three", {f"b{i}": in_turn(f"b{i}", 3, 60) for i in range(2)}, 60)
    said = run("ancestor-demo", two, three, tmp_path / "out", "--crop-sec", 20)
    documents = {name: read_json(tmp_path / "out" / name / "score.json") for name in ("two", "three", "mixed")}
    mean = (4 * documents["two"]["ancestor_confusion"] + 2 * documents["three"]["ancestor_confusion"]) / 6
    assert documents["mixed"]["ancestor_confusion"] == pytest.approx(mean, abs=1e-5)
    assert len({each["protocol"]["reference_sha256"] for each in documents.values()}) == 3
    bars = json.loads((tmp_path / "out" / "bars.json").read_text())
    assert [bar["label"] for bar in bars["bars"]] == ["2 speakers", "3 speakers", "mixed"]
    assert all(bar["low"] <= bar["value"] <= bar["high"] for bar in bars["bars"])
    assert said.count("\n| ") == 4 and documents["mixed"]["n_recordings"] == 6
    with pytest.raises(MimidiarError, match="a name of its own"):
        run("ancestor-demo", two, tmp_path / "two", tmp_path / "out")


def test_what_cannot_be_scored_is_said(stored, tmp_path: Path) -> None:
    posteriors, data = stored
    with pytest.raises(MimidiarError, match="shorter than a frame"):
        run("ancestor-metric", *stored, tmp_path / "out", "--crop-sec", 0.01)
    five = write_posteriors(tmp_path / "five", {name: np.zeros((500, 5)) for name in ("right", "swapped")})
    with pytest.raises(MimidiarError, match="right has 5 outputs; the original study's metric needs 4"):
        run("ancestor-metric", five, data, tmp_path / "out")
    one = write_posteriors(tmp_path / "one", {"right": np.zeros((500, 4))})
    with pytest.raises(MimidiarError, match="no posteriors of 'swapped'"):
        run("ancestor-metric", one, data, tmp_path / "out")
    write_json(one / META, {"frame_hz": 0})
    with pytest.raises(MimidiarError, match=r"meta.json: frame_hz is 0, not a rate in Hz"):
        run("ancestor-metric", one, data, tmp_path / "out")
    (data / "ref.rttm").write_text("")
    with pytest.raises(MimidiarError, match="nobody speaks in any crop"):
        run("ancestor-metric", posteriors, data, tmp_path / "out")


def test_the_shipped_settings_are_the_ancestors() -> None:
    found = load_config(Simulation, RECIPE / "conf" / "simulate.yaml").sets
    for name, options in found.items():
        options.check(name)
    settings = {name: (each.speakers, each.seconds, each.overlap) for name, each in found.items()}
    assert settings == {"two": ([2], 300, 0.12), "four": ([4], 300, 0.25), "three": ([3], 600, 0.18)}
    assert all(not each.audio and each.turn_prob == 0.875 and each.silence == 0.15 for each in found.values())
