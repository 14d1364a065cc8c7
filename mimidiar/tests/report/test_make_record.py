"""Records made of scores: by hand, and by a chain of stages as a recipe runs them."""

import gzip
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.commit import ROOT, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import Cost, add_cost
from mimidiar.files import sha256_file
from mimidiar.report.lineage import as_line, place, stages_behind
from mimidiar.report.make_record import Place, make_record
from mimidiar.report.record import read_record
from mimidiar.tests.report.records import COMMIT, FEATURES, score_hash, write_score


def write_stage(
    folder: Path,
    *commands: str,
    inputs: tuple[Path, ...] = (),
    commits: tuple[str, ...] = (COMMIT,),
    times: tuple[int, int | None] = (0, 0),
    seconds: float | None = None,
) -> None:
    """.stage.json as utils/stage.py leaves it; `times`: minutes at which it started and finished (None: it did not)."""
    folder.mkdir(parents=True, exist_ok=True)
    started, finished = (None if minute is None else f"2030-01-01T10:{minute:02d}:00+01:00" for minute in times)
    digests = {str(path): digest(path) for path in inputs}
    state = {"command": " ::: ".join(commands).split(), "inputs": digests, "directory": str(folder.parent)}
    state |= {"seconds": seconds, "commits": list(commits), "key": folder.name, "out": str(folder)}
    state |= {"started": started, "finished": finished, "status": "running" if finished is None else "done"}
    (folder / ".stage.json").write_text(json.dumps(state))


def digest(path: Path) -> str:
    """What stage.py keeps of an input: of a stage's folder, its key and when it finished."""
    if path.is_file():
        return sha256_file(path)
    for folder in (path, *path.parents):
        if (folder / ".stage.json").is_file():
            state = json.loads((folder / ".stage.json").read_text())
            return f"{state['key']} {state['finished']}" + (f"/{path.relative_to(folder)}" if path != folder else "")
    return "0" * 64


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A chain as the adapter recipe makes it: data, features, model, posteriors, tuned, scores."""
    data, feats, exp = tmp_path / "data", tmp_path / "feats", tmp_path / "exp"
    config = tmp_path / "train.yaml"
    config.write_text("a: 1\n")
    write_stage(data, "mimidiar prepare")
    (data / "corpus.json").write_text('{"origin": "recorded"}')
    for name in ("train", "dev", "test"):
        (data / name).mkdir(parents=True)
        (data / name / "recordings.jsonl.gz").touch()
        (feats / name).mkdir(parents=True)
        (feats / name / "feats.scp").touch()
        (feats / name / "meta.json").write_text(json.dumps(FEATURES | {"dim": 3}))
        write_stage(feats / name, f"mimidiar extract {data / name}", inputs=(data / name,))
        add_cost(feats / name, Cost(50.0, 2.5, "cpu"))
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


@pytest.fixture
def clean_code(monkeypatch) -> None:
    monkeypatch.setattr("mimidiar.report.make_record.code_commit", lambda: COMMIT)


RECORD = ["mimidiar", "record", "x"]


def test_a_stage_of_a_recipe_tells_the_whole_lineage(recipe: Path) -> None:
    folder = recipe / "exp/test/scores/collar0"
    record = make_record(folder, "collar0", Place("ours", "test", 3), RECORD)
    assert (record.system, record.set, record.protocol, record.seed, record.kind) == (
        "ours", "test", "collar0", 3, "diarization"
    )  # fmt: skip
    assert record.metrics == {"der": 15.0, "miss": 15.0, "n_recordings": 2}
    assert record.intervals == {"der": {"low": 14.0, "high": 16.0, "level": 0.95}}
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
    commands = [stage["commands"] for stage in record.stages]
    assert commands[0] == ["mimidiar prepare"] and commands[-1] == ["mimidiar score a b", "mimidiar record x"]
    assert ["mimidiar train"] in commands and ["mimidiar extract .../test"] in commands
    assert record.environment["torch"] and record.environment["python"] == sys.version.split()[0]


def test_the_speed_is_that_of_a_new_recording(recipe: Path, clean_code) -> None:
    """Features and inference of what is scored: no features of training or tuning, and none of another system that
    training started from, which are in the lineage all the same."""
    data, feats, exp = recipe / "data", recipe / "feats", recipe / "exp"
    other = recipe / "feats.lower/train"
    other.mkdir(parents=True)
    (other / "feats.scp").touch()
    (other / "meta.json").write_text(json.dumps(FEATURES | {"tap": "lower"}))
    add_cost(other, Cost(50.0, 25.0, "cpu"))
    write_stage(other, "mimidiar extract", inputs=(data / "train",))
    write_stage(exp / "start", "mimidiar train", inputs=(data / "train", other))
    (exp / "start/model.safetensors").write_text("weights to start from")
    write_stage(exp / "model", "mimidiar train", inputs=(exp / "start", data / "train", feats / "train"))
    (exp / "dev").mkdir()
    (exp / "dev/posteriors.scp").touch()
    write_stage(exp / "dev", "mimidiar infer", inputs=(exp / "model", feats / "dev"))
    write_stage(exp / "tuned", "mimidiar tune", inputs=(data / "dev", exp / "dev"))
    folder = recipe / "exp/test/scores/collar0"
    record = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    assert len(record.lineage["models"]) == 2
    assert [entry["tap"] for entry in record.lineage["features"]] == ["lower", "mel"]
    assert {step: (cost["audio_sec"], cost["real_time_factor"]) for step, cost in record.speed.items()} == {
        "features logmel mel": (50.0, 0.05), "inference": (100.0, 0.01)
    }  # fmt: skip
    assert record.real_time_factor == pytest.approx(0.06)
    # Of what is named as well: it is part of the run unless it is a model.
    named = make_record(folder, "collar0", Place("ours", "test"), RECORD, made_with=[other, exp / "start"])
    assert named.speed["features logmel lower"]["real_time_factor"] == 0.5 and len(named.speed) == 3
    windows = exp / "windows/test"
    windows.mkdir(parents=True)
    (windows / "local.scp").touch()
    add_cost(windows, Cost(50.0, 10.0, "cpu"))
    write_stage(windows, "mimidiar infer --local", inputs=(exp / "model", feats / "test"))
    write_stage(exp / "test/posteriors", "mimidiar link run", inputs=(windows, exp / "tuned"))
    linked = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    assert linked.real_time_factor == pytest.approx(0.26) and set(linked.speed) == {
        "features logmel mel", "inference of windows", "inference"
    }  # fmt: skip
    (exp / "test/posteriors/timing.jsonl").unlink()
    slow = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    assert slow.speed["inference"] is None and slow.real_time_factor is None


def test_a_record_by_hand_in_a_stages_folder_tells_what_the_stage_used(recipe: Path, clean_code) -> None:
    folder = recipe / "exp/test/scores/collar0"
    inside = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    by_hand = make_record(folder, "collar0", Place("ours", "test"), ["mimidiar", "record", "y"])
    assert by_hand == inside and not by_hand.dirty and by_hand.tuned_on == ["dev"]
    later = datetime.fromisoformat("2030-01-01T11:00:00+01:00").timestamp()
    os.utime(folder / "score.json", (later, later))
    again = make_record(folder, "collar0", Place("ours", "test"), ["mimidiar", "record", "y"])
    assert again.unclean() == [".../scores: score.json was written after it had finished"] and again.dirty
    write_stage(recipe / "exp/test/scores", "mimidiar score a b", times=(0, None))
    unfinished = make_record(folder, "collar0", Place("ours", "test"), ["mimidiar", "record", "y"])
    assert unfinished.unclean() == [".../scores: it has not finished"]


def test_a_leaky_split_stamps_every_record_behind_it(recipe: Path, clean_code) -> None:
    folder = recipe / "exp/test/scores/collar0"
    assert make_record(folder, "collar0", Place("ours", "test"), RECORD).leaky == []
    stamp = "leaky: for comparison only (as the ancestor did)"
    (recipe / "data/corpus.json").write_text(json.dumps({"origin": "recorded", "leaky": stamp}))
    assert make_record(folder, "collar0", Place("ours", "test"), RECORD).leaky == [stamp]


def test_a_set_that_training_saw_under_another_name_was_trained_on(recipe: Path, clean_code) -> None:
    def hold(name: str, *recordings: str) -> None:
        rows = "".join(json.dumps({"id": each}) + "\n" for each in recordings)
        (recipe / "data" / name / "recordings.jsonl.gz").write_bytes(gzip.compress(rows.encode()))

    def trained_on() -> list[str]:
        return make_record(recipe / "exp/test/scores/collar0", "collar0", Place("ours", "test"), RECORD).trained_on

    hold("train", "a", "b")
    hold("test", "c", "d")
    assert trained_on() == ["dev", "train"]
    hold("test", "b", "c")
    assert trained_on() == ["dev", "test", "train"]
    (recipe / "data/train/recordings.jsonl.gz").write_bytes(b"\x1f\x8bx")
    with pytest.raises(MimidiarError, match=r"train/recordings\.jsonl\.gz: cannot be read"):
        trained_on()


def test_the_draws_of_a_verification_are_kept(recipe: Path, clean_code) -> None:
    folder = write_score(recipe / "exp/test/scores/trials", kind="verification", eer=10.0)
    (folder / "draws.csv").write_text("eer\n9.5\n\n10.25\n")
    assert make_record(folder, "trials", Place("ours", "test"), RECORD).draws == {"eer": [9.5, None, 10.25]}
    (folder / "draws.csv").unlink()  # scored before there were any
    assert make_record(folder, "trials", Place("ours", "test"), RECORD).draws == {}


def test_a_score_that_no_stage_made_is_by_unknown_code(recipe: Path, tmp_path_factory, clean_code) -> None:
    folder = write_score(tmp_path_factory.mktemp("alone") / "collar0")
    record = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    assert record.dirty and record.unclean() == [".../collar0: no stage made this score"]
    assert record.lineage["models"] == [] and record.trained_on == []
    named = make_record(
        folder, "collar0", Place("ours", "test"), RECORD, made_with=[recipe / "exp/tuned", recipe / "exp/model"]
    )
    assert named.tuned_on == ["dev"] and named.trained_on == ["dev", "train"] and named.dirty
    with pytest.raises(MimidiarError, match="neither a model nor features"):
        make_record(folder, "collar0", Place("a", "b"), (), [recipe / "exp/test"])


def test_what_a_model_that_no_stage_made_was_trained_on_is_unknown(recipe: Path, clean_code) -> None:
    bare = recipe / "bought"
    bare.mkdir()
    (bare / "model.safetensors").write_text("weights")
    folder = recipe / "exp/test/scores/collar0"
    record = make_record(folder, "collar0", Place("ours", "test"), RECORD, made_with=[bare])
    assert record.trained_on == ["dev", "train", "unknown"] and len(record.lineage["models"]) == 2
    # Of an encoder's weights, which extraction reads, the features tell.
    write_stage(recipe / "feats/test", "mimidiar extract", inputs=(recipe / "data/test", bare))
    assert make_record(folder, "collar0", Place("ours", "test"), RECORD).trained_on == ["dev", "train"]


@pytest.mark.parametrize("commits", [(f"{COMMIT}-dirty",), (COMMIT, f"{COMMIT}-dirty"), (UNKNOWN,), ()])
def test_uncommitted_code_anywhere_makes_the_record_dirty(recipe: Path, clean_code, commits: tuple[str, ...]) -> None:
    folder = recipe / "exp/test/scores/collar0"
    assert not make_record(folder, "collar0", Place("ours", "test"), RECORD).dirty
    write_stage(recipe / "feats/train", "mimidiar extract", inputs=(recipe / "data/train",), commits=commits)
    record = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    assert record.dirty and record.unclean() == [".../train"]


def test_an_input_that_is_gone_puts_its_stage_in_doubt(recipe: Path, clean_code) -> None:
    (recipe / "data/train/recordings.jsonl.gz").unlink()
    (recipe / "data/train").rmdir()
    record = make_record(recipe / "exp/test/scores/collar0", "collar0", Place("ours", "test"), RECORD)
    assert record.dirty and record.unclean() == [
        ".../train: its input .../train is gone", ".../model: its input .../train is gone"
    ]  # fmt: skip


def test_an_input_that_changed_since_puts_its_stage_in_doubt(recipe: Path, clean_code) -> None:
    (recipe / "train.yaml").write_text("a: 2\n")
    record = make_record(recipe / "exp/test/scores/collar0", "collar0", Place("ours", "test"), RECORD)
    assert record.unclean() == [".../model: its input .../train.yaml changed since"]


@pytest.mark.parametrize(
    ("times", "is_doubted"), [((0, 0), False), ((1, 2), True), ((1, None), True)]
)  # minutes; all else started and finished at 0
def test_a_stage_that_was_made_anew_is_not_what_the_later_ones_used(
    recipe: Path, clean_code, times: tuple, is_doubted: bool
) -> None:
    """Features extracted again, by committed code, and the model, made of the earlier ones, not trained again."""
    write_stage(recipe / "feats/train", "mimidiar extract", inputs=(recipe / "data/train",), times=times)
    record = make_record(recipe / "exp/test/scores/collar0", "collar0", Place("ours", "test"), RECORD)
    assert record.unclean() == ([".../model: its input .../train was made anew since"] if is_doubted else [])
    # Trained again, the chain is whole.
    if times[1]:
        model = (recipe / "data/train", recipe / "feats/train", recipe / "data/dev", recipe / "train.yaml")
        write_stage(recipe / "exp/model", "mimidiar train", inputs=model, times=(2, 3))
        record = make_record(recipe / "exp/test/scores/collar0", "collar0", Place("ours", "test"), RECORD)
        assert record.unclean() == [".../posteriors: its input .../model was made anew since"]


def test_a_file_of_a_stage_that_was_made_anew_counts_too(recipe: Path, clean_code) -> None:
    weights, posteriors = recipe / "exp/model/model.safetensors", recipe / "exp/test/posteriors"
    inputs = (weights, recipe / "feats/test")
    write_stage(posteriors, "mimidiar infer", inputs=inputs)
    write_stage(recipe / "exp/model", "mimidiar train", inputs=(recipe / "data/train",), times=(1, 2))
    record = make_record(recipe / "exp/test/scores/collar0", "collar0", Place("ours", "test"), RECORD)
    assert record.unclean() == [".../posteriors: its input .../model.safetensors was made anew since"]


def test_the_cost_is_known_only_if_that_of_every_folder_is(recipe: Path, clean_code) -> None:
    folder = recipe / "exp/test/scores/collar0"
    assert make_record(folder, "collar0", Place("ours", "test"), RECORD).real_time_factor == pytest.approx(0.06)
    other = recipe / "feats/wavlm"
    other.mkdir()
    (other / "feats.scp").touch()
    (other / "meta.json").write_text(json.dumps(FEATURES | {"encoder": "wavlm"}))
    add_cost(other, Cost(100.0, 50.0, "cpu"))
    two = make_record(folder, "collar0", Place("ours", "test"), RECORD, made_with=[other])
    assert two.real_time_factor == pytest.approx(0.56) and set(two.speed) == {
        "features logmel mel", "features wavlm mel", "inference"
    }  # fmt: skip
    (recipe / "feats/test/timing.jsonl").unlink()
    unknown = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    assert unknown.real_time_factor is None and unknown.speed["features logmel mel"] is None


def test_what_was_downloaded_is_not_made_by_our_code(recipe: Path, clean_code) -> None:
    write_stage(recipe / "downloads", "mimidiar download x", commits=(UNKNOWN,))
    write_stage(recipe / "data", "mimidiar prepare", inputs=(recipe / "downloads",))
    assert not make_record(recipe / "exp/test/scores/collar0", "collar0", Place("ours", "test"), RECORD).dirty


def test_the_ancestors_metric_is_tuned_on_what_it_reports(recipe: Path) -> None:
    folder = write_score(recipe / "exp/test/scores/ancestor", kind="ancestor", ancestor_confusion=30.0)
    record = make_record(folder, "ancestor", Place("ours", "test"), RECORD)
    assert record.tuned_on == ["test"] and record.lineage["tuned"] == [] and record.recordings == {}


def test_scores_that_cannot_be_recorded(tmp_path: Path) -> None:
    for changes, said in [
        ({"kind": "guess"}, "its kind is none of diarization"),
        ({"protocol": None}, "says nothing of its protocol"),
    ]:
        with pytest.raises(MimidiarError, match=said):
            make_record(write_score(tmp_path / "score", **changes), "collar0", Place("a", "b"))
    with pytest.raises(MimidiarError, match=r"score\.json: no such file"):
        make_record(tmp_path / "none", "collar0", Place("a", "b"))
    (write_score(tmp_path / "score") / "per_recording.csv").unlink()
    with pytest.raises(MimidiarError, match=r"per_recording\.csv: cannot be read"):
        make_record(tmp_path / "score", "collar0", Place("a", "b"))
    write_score(tmp_path / "score", intervals={"der": {"low": 1.0}})
    with pytest.raises(MimidiarError, match=r"score\.json: its intervals cannot be read"):
        make_record(tmp_path / "score", "collar0", Place("a", "b"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tuned.yaml", "a: [", "does not name the set that it was tuned on"),
        ("tuned.yaml", "a: 1", "does not name the set that it was tuned on"),
        ("corpus.json", "{}", "corpus.json: does not say 'origin'"),
        ("meta.json", '{"encoder": "x"}', "meta.json: does not say 'tap'"),
    ],
)
def test_folders_that_do_not_say_what_they_must(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made/feats.scp").touch()
    (tmp_path / "made/meta.json").write_text(json.dumps(FEATURES))
    (tmp_path / "made" / name).write_text(text)
    with pytest.raises(MimidiarError, match=said):
        make_record(write_score(tmp_path / "score"), "collar0", Place("a", "b"), (), [tmp_path / "made"])


def test_paths_are_told_from_the_top_of_the_repository(tmp_path: Path) -> None:
    assert place(ROOT / "egs/mini/data") == "egs/mini/data" and place("../data") == "../data"
    assert place("/home/somebody/speech") == ".../speech"
    assert stages_behind([]) == []


def test_the_command_in_a_stage(tmp_path: Path) -> None:
    """Real stages: `mimidiar record` finds its own, and the one before it when that is made again."""
    write_score(tmp_path / "given")
    path = f"{ROOT / 'utils'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if name != "cmd"} | {"PATH": path}

    def call(*line: str) -> None:
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def tune(*options: str) -> None:
        script = "printf 'tuned_on: dev\n' > tuned/tuned.yaml"
        call("stage.py", "--out", "tuned", *options, "--", "sh", "-c", script)

    tune()
    line = ["stage.py", "--out", "out", "--input", "tuned", "--", "cp", "-r", "given", "out/collar0", ":::"]
    record = ["mimidiar", "record", "out/collar0", "--system", "ours", "--set", "test", "--seed", "2"]
    call(*line, *record)
    found = read_record(tmp_path / "out/collar0/ours.test.collar0.seed2.json")
    assert found.tuned_on == ["dev"] and found.stages[-1]["commands"][0] == "cp -r given out/collar0"
    assert found.stages[-1]["commits"] == [found.commit] and [stage["doubt"] for stage in found.stages] == [None, None]
    time.sleep(1)  # stages keep whole seconds
    tune("--force", "true")
    call(*record)
    found = read_record(tmp_path / "out/collar0/ours.test.collar0.seed2.json")
    assert found.dirty and found.stages[-1]["doubt"] == "its input tuned was made anew since".replace(
        "tuned", place(tmp_path / "tuned")
    )


def test_one_protocol_names_one_score(tmp_path: Path) -> None:
    folders = [str(write_score(tmp_path / name)) for name in ("collar0", "collar0.25")]
    line = ["record", *folders, "--system", "a", "--set", "b"]
    assert "can name only one of 2 scores" in str(CliRunner().invoke(cli, [*line, "--protocol", "x"]).exception)
    done = CliRunner().invoke(cli, line)
    assert done.exit_code == 0 and "a.b.collar0.25.seed0.json" in done.output


def test_a_command_inside_a_command_names_no_place_of_this_machine() -> None:
    inner = f"mimidiar diarize --checkpoint {ROOT}/mimidiar/assets/x.safetensors --a=/home/b/c.wav -o {{out}} d/e"
    told = as_line(["mimidiar", "bench", "--system", "m", inner, f"--data={ROOT}/egs", "/home/b/f"])
    inner = "mimidiar diarize --checkpoint mimidiar/assets/x.safetensors --a=.../c.wav -o {out} d/e"
    assert told == f"mimidiar bench --system m '{inner}' --data=egs .../f"
