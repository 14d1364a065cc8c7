"""Records made of scores: by hand, and by a chain of stages as a recipe runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.commit import ROOT, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import Cost, add_cost
from mimidiar.files import sha256_file
from mimidiar.report.make_record import Cell, make_record
from mimidiar.report.record import read_record
from mimidiar.report.stages import place, stages_behind
from mimidiar.tests.report.records import COMMIT, FEATURES, score_hash, write_score


def write_stage(
    folder: Path, *commands: str, inputs: tuple[Path, ...] = (), commits: tuple[str, ...] = (COMMIT,)
) -> None:
    """.stage.json as utils/stage.py leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    words = " ::: ".join(commands).split()
    digests = {str(path): sha256_file(path) if path.is_file() else "0" * 64 for path in inputs}
    state = {"command": words, "inputs": digests, "directory": str(folder.parent), "commits": list(commits)}
    (folder / ".stage.json").write_text(json.dumps(state))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A chain as the adapter recipe makes it: data, features, model, posteriors, tuned, scores."""
    data, feats, exp = tmp_path / "data", tmp_path / "feats", tmp_path / "exp"
    config = tmp_path / "train.yaml"
    config.write_text("a: 1\n")
    for name in ("train", "dev", "test"):
        (data / name).mkdir(parents=True)
        (data / name / "recordings.jsonl.gz").touch()
        (feats / name).mkdir(parents=True)
        (feats / name / "feats.scp").touch()
        (feats / name / "meta.json").write_text(json.dumps(FEATURES | {"dim": 3}))
        write_stage(feats / name, f"mimidiar extract {data / name}", inputs=(data / name,))
    add_cost(feats / "test", Cost(100.0, 5.0, "cpu"))
    (data / "corpus.json").write_text('{"origin": "recorded"}')
    write_stage(data, "mimidiar prepare")
    for name in ("model", "test/posteriors", "tuned"):
        (exp / name).mkdir(parents=True)
    (exp / "model/model.safetensors").write_text("weights")
    (exp / "model/config.yaml").write_text("b: 2\n")
    write_stage(exp / "model", "mimidiar train", inputs=(data / "train", feats / "train", data / "dev", config))
    (exp / "test/posteriors/posteriors.scp").touch()
    add_cost(exp / "test/posteriors", Cost(100.0, 1.0, "cpu"))
    write_stage(exp / "test/posteriors", "mimidiar infer", inputs=(exp / "model", feats / "test"))
    (exp / "tuned/tuned.yaml").write_text(yaml.safe_dump({"tuned_on": "dev"}))
    write_stage(exp / "tuned", "mimidiar tune", inputs=(data / "dev",))
    write_score(exp / "test/scores/collar0")
    inputs = (data / "test", exp / "tuned", exp / "test/posteriors")
    write_stage(exp / "test/scores", "mimidiar score a b", "mimidiar record x", inputs=inputs)
    return tmp_path


RECORD = ["mimidiar", "record", "x"]


def test_a_stage_of_a_recipe_tells_the_whole_lineage(recipe: Path) -> None:
    folder = recipe / "exp/test/scores/collar0"
    record = make_record(folder, "collar0", Cell("ours", "test", 3), RECORD)
    assert (record.system, record.set, record.protocol, record.seed, record.kind) == (
        "ours", "test", "collar0", 3, "diarization"
    )  # fmt: skip
    assert record.metrics == {"der": 15.0, "miss": 15.0}
    assert record.intervals == {"der": {"low": 1.0, "high": 20.0, "level": 0.95}}
    assert record.recordings["rec1"] == {"error_sec": 2.0, "reference_sec": 10.0}
    assert record.tuned_on == ["dev"] and record.trained_on == ["dev", "train"] and record.warnings == ["one"]
    assert record.lineage == {
        "score_sha256": score_hash(folder),
        "scored": {"hypothesis_sha256": "2" * 64},
        "models": [
            {
                "sha256": sha256_file(recipe / "exp/model/model.safetensors"),
                "configuration_sha256": sha256_file(recipe / "exp/model/config.yaml"),
            }
        ],
        "configurations": {".../train.yaml": sha256_file(recipe / "train.yaml")},
        "tuned": [{"sha256": sha256_file(recipe / "exp/tuned/tuned.yaml"), "tuned_on": "dev"}],
        "features": [FEATURES],
        "speech": ["recorded"],
    }
    assert record.speed["inference"]["real_time_factor"] == 0.01 and record.speed["features"]["audio_sec"] == 100.0
    commands = [stage["commands"] for stage in record.stages]
    assert commands[0] == ["mimidiar prepare"] and commands[-1] == ["mimidiar score a b", "mimidiar record x"]
    assert ["mimidiar train"] in commands and ["mimidiar extract .../test"] in commands
    assert record.environment["torch"] and record.environment["python"] == sys.version.split()[0]


def test_what_is_done_by_hand_has_no_part_in_a_stage(recipe: Path) -> None:
    record = make_record(
        recipe / "exp/test/scores/collar0", "collar0", Cell("ours", "test"), ["mimidiar", "record", "y"]
    )
    assert record.lineage["models"] == [] and record.tuned_on == []
    assert [stage["commands"] for stage in record.stages] == [["mimidiar record y"]]
    named = make_record(
        recipe / "exp/test/scores/collar0", "collar0", Cell("ours", "test"), RECORD[:2],
        made_with=[recipe / "exp/tuned", recipe / "exp/model"],
    )  # fmt: skip
    assert named.tuned_on == ["dev"] and named.trained_on == ["dev", "train"]
    with pytest.raises(MimidiarError, match="neither a model nor features"):
        make_record(recipe / "exp/test/scores/collar0", "collar0", Cell("a", "b"), (), [recipe / "exp/test"])


@pytest.mark.parametrize("commits", [(f"{COMMIT}-dirty",), (COMMIT, f"{COMMIT}-dirty"), (UNKNOWN,), ()])
def test_uncommitted_code_anywhere_makes_the_record_dirty(recipe: Path, monkeypatch, commits: tuple[str, ...]) -> None:
    monkeypatch.setattr("mimidiar.report.make_record.code_commit", lambda: COMMIT)
    folder = recipe / "exp/test/scores/collar0"
    assert not make_record(folder, "collar0", Cell("ours", "test"), RECORD).dirty
    write_stage(recipe / "feats/train", "mimidiar extract", inputs=(recipe / "data/train",), commits=commits)
    record = make_record(folder, "collar0", Cell("ours", "test"), RECORD)
    assert record.dirty and record.unclean() == [".../train"]


def test_a_stage_whose_input_is_gone_counts_as_unknown_code(recipe: Path, monkeypatch) -> None:
    monkeypatch.setattr("mimidiar.report.make_record.code_commit", lambda: COMMIT)
    (recipe / "data/train/recordings.jsonl.gz").unlink()
    (recipe / "data/train").rmdir()
    record = make_record(recipe / "exp/test/scores/collar0", "collar0", Cell("ours", "test"), RECORD)
    assert record.dirty and record.unclean() == [".../train"]


def test_what_was_downloaded_is_not_made_by_our_code(recipe: Path, monkeypatch) -> None:
    monkeypatch.setattr("mimidiar.report.make_record.code_commit", lambda: COMMIT)
    write_stage(recipe / "downloads", "mimidiar download x", commits=(UNKNOWN,))
    write_stage(recipe / "data", "mimidiar prepare", inputs=(recipe / "downloads",))
    assert not make_record(recipe / "exp/test/scores/collar0", "collar0", Cell("ours", "test"), RECORD).dirty


def test_the_ancestors_metric_is_tuned_on_what_it_reports(recipe: Path) -> None:
    folder = write_score(recipe / "exp/test/scores/ancestor", kind="ancestor", ancestor_confusion=30.0)
    record = make_record(folder, "ancestor", Cell("ours", "test"), RECORD)
    assert record.tuned_on == ["test"] and record.lineage["tuned"] == [] and record.recordings == {}


def test_scores_that_cannot_be_recorded(tmp_path: Path) -> None:
    for changes, said in [
        ({"kind": "guess"}, "its kind is none of diarization"),
        ({"protocol": None}, "says nothing of its protocol"),
    ]:
        with pytest.raises(MimidiarError, match=said):
            make_record(write_score(tmp_path / "score", **changes), "collar0", Cell("a", "b"))
    with pytest.raises(MimidiarError, match=r"score\.json: no such file"):
        make_record(tmp_path / "none", "collar0", Cell("a", "b"))
    (write_score(tmp_path / "score") / "per_recording.csv").unlink()
    with pytest.raises(MimidiarError, match=r"per_recording\.csv: cannot be read"):
        make_record(tmp_path / "score", "collar0", Cell("a", "b"))


def test_paths_are_told_from_the_top_of_the_repository(tmp_path: Path) -> None:
    assert place(ROOT / "egs/mini/data") == "egs/mini/data" and place("../data") == "../data"
    assert place("/home/somebody/speech") == ".../speech"
    assert stages_behind([]) == []


def test_the_command_in_a_stage(tmp_path: Path) -> None:
    """A real stage.py runs `mimidiar record`, which finds its own stage."""
    write_score(tmp_path / "given")
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned/tuned.yaml").write_text("tuned_on: dev\n")
    line = ["stage.py", "--out", "out", "--input", "tuned", "--", "cp", "-r", "given", "out/collar0", ":::"]
    line += ["mimidiar", "record", "out/collar0", "--system", "ours", "--set", "test", "--seed", "2"]
    path = f"{ROOT / 'utils'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if name != "cmd"} | {"PATH": path}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = read_record(tmp_path / "out/collar0/ours.test.collar0.seed2.json")
    assert record.tuned_on == ["dev"] and record.stages[-1]["commands"][0] == "cp -r given out/collar0"
    assert record.stages[-1]["commits"] == [record.commit]


def test_one_protocol_names_one_score(tmp_path: Path) -> None:
    folders = [str(write_score(tmp_path / name)) for name in ("collar0", "collar0.25")]
    line = ["record", *folders, "--system", "a", "--set", "b"]
    assert "can name only one of 2 scores" in str(CliRunner().invoke(cli, [*line, "--protocol", "x"]).exception)
    done = CliRunner().invoke(cli, line)
    assert done.exit_code == 0 and "a.b.collar0.25.seed0.json" in done.output
