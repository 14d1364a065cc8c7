"""Records made of scores: by hand, and by a chain of stages as a recipe runs them."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.commit import ROOT, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import Cost, add_cost
from mimidiar.files import sha256_file
from mimidiar.report.lineage import behind, describe
from mimidiar.report.make_record import Place, make_record
from mimidiar.report.record import Record, read_record, write_record
from mimidiar.report.stage_state import State, as_line, place, write_state
from mimidiar.shipped import ASSETS
from mimidiar.tests.report.records import COMMIT, FEATURES, score_hash, write_score

RECORD = ["mimidiar", "record", "x"]
# After the data, in the order in which a recipe makes them.
STEPS = ("feats/train", "feats/dev", "feats/test", "model", "posteriors", "tuned", "scores")


def write_stage(
    folder: Path,
    *commands: str,
    inputs: tuple[Path, ...] = (),
    commits: tuple[str, ...] = (COMMIT,),
    making: int = 0,
    seconds: float | None = None,
    done: bool = True,
) -> None:
    """.stage.json as utils/stage.py leaves it beside what is in the folder; `making`: another one for each number."""
    folder.mkdir(parents=True, exist_ok=True)
    lineage, reads, doubt = behind(inputs, folder)
    state = State("done" if done else "running", folder.name, str(folder), " ::: ".join(commands).split(), {}, "")
    state.directory, state.commits, state.seconds = str(folder.parent), list(commits), seconds
    state.behind, state.reads, state.doubt = lineage.to_json(), reads, doubt
    if done:
        state.finished, state.made = f"2030-01-01T10:{making:02d}:00+01:00", describe(folder, state)
    write_state(folder, state)


def write_set(folder: Path, *recordings: str) -> None:
    """Manifests of a set with these recordings of a minute each."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(json.dumps({"id": name, "duration": 60.0, "speaker": f"ls-{name}"}) + "\n" for name in recordings)
    for name in ("recordings.jsonl.gz", "supervisions.jsonl.gz"):
        (folder / name).write_bytes(gzip.compress(rows.encode()))


@dataclass
class Recipe:
    """A chain as the adapter recipe makes it; each step is made anew by its name, and what is behind it stays."""

    root: Path

    @property
    def score(self) -> Path:
        return self.root / "exp/test/scores/collar0"

    def make(self, *steps: str, **more: object) -> None:
        """Data, features, model, posteriors, tuned, scores: those that are named, or all."""
        data, feats, exp = (self.root / name for name in ("data", "feats", "exp"))
        sets = {name: (data / name, feats / name) for name in ("train", "dev", "test")}
        made = {"data": (data, "mimidiar prepare", ())}
        made |= {f"feats/{name}": (own, f"mimidiar extract {read}", (read,)) for name, (read, own) in sets.items()}
        made["model"] = (exp / "model", "mimidiar train", (*sets["train"], data / "dev", self.root / "train.yaml"))
        made["posteriors"] = (exp / "test/posteriors", "mimidiar infer", (exp / "model", feats / "test"))
        made["tuned"] = (exp / "tuned", "mimidiar tune", (data / "dev",))
        of_scores = (data / "test", exp / "tuned", exp / "test/posteriors")
        made["scores"] = (exp / "test/scores", "mimidiar score a b ::: mimidiar record x", of_scores)
        for step in steps or made:
            folder, command, inputs = made[step]
            write_stage(folder, command, **{"inputs": inputs} | more)

    def record(self, *command: str, **more: object) -> Record:
        return make_record(self.score, "collar0", Place("ours", "test", 3), command or RECORD, **more)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    data, feats, exp = (tmp_path / name for name in ("data", "feats", "exp"))
    (tmp_path / "train.yaml").write_text("a: 1\n")
    for name in ("train", "dev", "test"):
        write_set(data / name, f"{name}1", f"{name}2")
        (feats / name).mkdir(parents=True)
        (feats / name / "feats.scp").touch()
        (feats / name / "meta.json").write_text(json.dumps(FEATURES | {"dim": 3}))
        add_cost(feats / name, Cost(50.0, 2.5, "cpu"))
    (data / "corpus.json").write_text('{"origin": "recorded"}')
    for name in ("model", "test/posteriors", "tuned"):
        (exp / name).mkdir(parents=True)
    (exp / "model/model.safetensors").write_text("weights")
    (exp / "model/config.yaml").write_text("b: 2\n")
    (exp / "test/posteriors/posteriors.scp").touch()
    add_cost(exp / "test/posteriors", Cost(100.0, 1.0, "cpu"))
    (exp / "tuned/tuned.yaml").write_text(yaml.safe_dump({"tuned_on": "dev"}))
    write_score(exp / "test/scores/collar0")
    made = Recipe(tmp_path)
    made.make()
    return made


@pytest.fixture
def clean_code(monkeypatch) -> None:
    monkeypatch.setattr("mimidiar.report.make_record.code_commit", lambda: COMMIT)


def test_a_stage_of_a_recipe_tells_the_whole_lineage(recipe: Recipe) -> None:
    record, exp = recipe.record(), recipe.root / "exp"
    assert (record.system, record.set, record.protocol, record.seed, record.kind) == (
        "ours", "test", "collar0", 3, "diarization"
    )  # fmt: skip
    assert record.metrics == {"der": 15.0, "miss": 15.0, "n_recordings": 2}
    assert record.intervals == {"der": {"low": 14.0, "high": 16.0, "level": 0.95}}
    assert record.recordings["rec1"] == {"error_sec": 2.0, "reference_sec": 10.0}
    assert record.tuned_on == ["dev"] and record.trained_on == ["dev", "train"] and record.warnings == ["one"]
    assert record.lineage == {
        "score_sha256": score_hash(recipe.score),
        "scored": {"hypothesis_sha256": "2" * 64},
        "models": [
            {
                "sha256": sha256_file(exp / "model/model.safetensors"),
                "configuration_sha256": sha256_file(exp / "model/config.yaml"),
            }
        ],
        "configurations": {".../train.yaml": sha256_file(recipe.root / "train.yaml")},
        "tuned": [{"sha256": sha256_file(exp / "tuned/tuned.yaml"), "tuned_on": "dev"}],
        "features": [FEATURES],
        "speech": ["recorded"],
    }
    commands = [stage["commands"] for stage in record.stages]
    assert commands[0] == ["mimidiar prepare"] and commands[-1] == ["mimidiar score a b", "mimidiar record x"]
    assert ["mimidiar train"] in commands and ["mimidiar extract .../test"] in commands and len(commands) == 7
    assert record.environment["torch"] and record.environment["python"] == sys.version.split()[0]
    assert read_record(write_record(recipe.root / "results", record)) == record


def test_a_record_reads_what_its_stage_kept_and_nothing_else(recipe: Recipe, clean_code) -> None:
    before = recipe.record()
    for folder in ("data", "feats", "exp/model", "exp/tuned", "exp/test/posteriors"):
        shutil.rmtree(recipe.root / folder)
    assert recipe.record() == before and not before.dirty


def test_the_speed_is_that_of_a_new_recording(recipe: Recipe, clean_code) -> None:
    """Features and inference of what is scored: no features of training or tuning, and none of another system that
    training started from, which are in the lineage all the same."""
    data, feats, exp = (recipe.root / name for name in ("data", "feats", "exp"))
    other = recipe.root / "feats.lower/train"
    other.mkdir(parents=True)
    (other / "feats.scp").touch()
    (other / "meta.json").write_text(json.dumps(FEATURES | {"tap": "lower"}))
    add_cost(other, Cost(50.0, 25.0, "cpu"))
    write_stage(other, "mimidiar extract", inputs=(data / "train",))
    (exp / "start").mkdir()
    (exp / "start/model.safetensors").write_text("weights to start from")
    write_stage(exp / "start", "mimidiar train", inputs=(data / "train", other))
    recipe.make("model", inputs=(exp / "start", data / "train", feats / "train"))
    (exp / "dev").mkdir()
    (exp / "dev/posteriors.scp").touch()
    write_stage(exp / "dev", "mimidiar infer", inputs=(exp / "model", feats / "dev"))
    recipe.make("tuned", inputs=(data / "dev", exp / "dev"))
    recipe.make("posteriors", "scores")
    record = recipe.record()
    assert len(record.lineage["models"]) == 2
    assert [entry["tap"] for entry in record.lineage["features"]] == ["lower", "mel"]
    assert {step: (cost["audio_sec"], cost["real_time_factor"]) for step, cost in record.speed.items()} == {
        "features logmel mel": (50.0, 0.05), "inference": (100.0, 0.01)
    }  # fmt: skip
    assert record.real_time_factor == pytest.approx(0.06)
    # Of what is named as well: it is part of the run unless it is a model.
    named = recipe.record(made_with=[other, exp / "start"])
    assert named.speed["features logmel lower"]["real_time_factor"] == 0.5 and len(named.speed) == 3
    windows = exp / "windows/test"
    windows.mkdir(parents=True)
    (windows / "local.scp").touch()
    add_cost(windows, Cost(50.0, 10.0, "cpu"))
    write_stage(windows, "mimidiar infer --local", inputs=(exp / "model", feats / "test"))
    recipe.make("posteriors", inputs=(windows, exp / "tuned"))
    recipe.make("scores")
    linked = recipe.record()
    assert linked.real_time_factor == pytest.approx(0.26) and set(linked.speed) == {
        "features logmel mel", "inference of windows", "inference"
    }  # fmt: skip
    (exp / "test/posteriors/timing.jsonl").unlink()
    recipe.make("posteriors", "scores")
    slow = recipe.record()
    assert slow.speed["inference"] is None and slow.real_time_factor is None


def test_a_record_by_hand_in_a_stages_folder_tells_what_the_stage_used(recipe: Recipe, clean_code) -> None:
    inside, by_hand = recipe.record(), recipe.record("mimidiar", "record", "y")
    assert by_hand == inside and not by_hand.dirty and by_hand.tuned_on == ["dev"]
    write_score(recipe.score, errors=(1.0, 2.5))
    again = recipe.record("mimidiar", "record", "y")
    assert again.unclean() == [".../scores: score.json was written after it had finished"] and again.dirty
    recipe.make("scores", done=False)
    unfinished = recipe.record("mimidiar", "record", "y")
    assert unfinished.unclean() == [".../scores: it has not finished"]
    assert recipe.record("mimidiar", "record", "x").unclean() == []  # by a command of the stage itself


def test_a_leaky_split_stamps_every_record_behind_it(recipe: Recipe, clean_code) -> None:
    assert recipe.record().leaky == []
    stamp = "leaky: for comparison only (as the ancestor did)"
    (recipe.root / "data/corpus.json").write_text(json.dumps({"origin": "recorded", "leaky": stamp}))
    recipe.make()
    assert recipe.record().leaky == [stamp]


@pytest.mark.parametrize(
    ("command", "smoke"),
    [
        ("mimidiar prepare mini x --limit-speakers 8", ["a small run (--limit-speakers)"]),
        ("mimidiar prepare mini x --limit-speakers 0", []),
        ("mimidiar prepare voxceleb1 x --set=any_trials=true", ["a small run (any_trials=true)"]),
        ("mimidiar prepare ami x --set skip_missing=true --set max_speakers=4", ["a small run (skip_missing=true)"]),
        ("mimidiar train x --config=conf/smoke.yaml", ["a small run (--config=conf/smoke.yaml)"]),
    ],
)
def test_a_small_run_behind_it_is_no_result(recipe: Recipe, clean_code, command: str, smoke: list[str]) -> None:
    write_stage(recipe.root / "data", command)
    recipe.make(*STEPS)
    assert recipe.record().smoke == smoke


def test_voices_that_nobody_spoke_are_no_result(recipe: Recipe, clean_code) -> None:
    (recipe.root / "data/corpus.json").write_text('{"origin": "synthetic voices. They show nothing"}')
    recipe.make()
    assert recipe.record().smoke == ["synthetic voices"]


def test_a_set_that_training_saw_under_another_name_was_trained_on(recipe: Recipe, clean_code) -> None:
    assert recipe.record().trained_on == ["dev", "train"]
    for recordings in (("train2", "train1"), ("train2", "c")):
        write_set(recipe.root / "data/test", *recordings)
        recipe.make()
        assert recipe.record().trained_on == ["dev", "test", "train"]
    # What was trained on must still be there to be compared with.
    write_set(recipe.root / "data/train", "other")
    recipe.make("scores")
    assert recipe.record().unclean() == [
        ".../scores: the set .../train, which a model was trained on, is gone or changed"
    ]
    (recipe.root / "data/train/recordings.jsonl.gz").write_bytes(b"\x1f\x8bx")
    with pytest.raises(MimidiarError, match=r"train/recordings\.jsonl\.gz: broken after line"):
        recipe.make("model")


def test_what_was_tuned_below_the_folder_of_a_stage_is_found(recipe: Recipe, clean_code) -> None:
    """As the diarizers' stage does, which tunes clustering and decision in folders of its own, on one set."""
    tuned = recipe.root / "exp/tuned"
    (tuned / "decision").mkdir()
    (tuned / "tuned.yaml").rename(tuned / "decision/tuned.yaml")
    (tuned / "decision/tuned.yaml").write_text("tuned_on: test\n")
    recipe.make("tuned", "scores")
    assert recipe.record().tuned_on == ["test"]


def test_the_draws_of_a_verification_are_kept(recipe: Recipe, clean_code) -> None:
    folder = write_score(recipe.root / "exp/test/scores/trials", kind="verification", eer=10.0)
    (folder / "draws.csv").write_text("eer\n9.5\n\n10.25\n")
    assert make_record(folder, "trials", Place("ours", "test"), RECORD).draws == {"eer": [9.5, None, 10.25]}
    (folder / "draws.csv").unlink()  # scored before there were any
    assert make_record(folder, "trials", Place("ours", "test"), RECORD).draws == {}


def test_a_score_that_no_stage_made_is_by_unknown_code(recipe: Recipe, tmp_path_factory, clean_code) -> None:
    folder, exp = write_score(tmp_path_factory.mktemp("alone") / "collar0"), recipe.root / "exp"
    record = make_record(folder, "collar0", Place("ours", "test"), RECORD)
    assert record.dirty and record.unclean() == [".../collar0: no stage made this score"]
    assert record.lineage["models"] == [] and record.trained_on == []
    named = make_record(folder, "collar0", Place("ours", "test"), RECORD, made_with=[exp / "tuned", exp / "model"])
    assert named.tuned_on == ["dev"] and named.trained_on == ["dev", "train"] and named.dirty
    (recipe.root / "nothing").mkdir()
    with pytest.raises(MimidiarError, match="neither a model nor features"):
        make_record(folder, "collar0", Place("a", "b"), (), [recipe.root / "nothing"])


def test_a_model_made_of_another_was_trained_on_the_sets_of_that_one(recipe: Recipe, clean_code) -> None:
    copy = recipe.root / "exp/copy"
    copy.mkdir()
    (copy / "model.safetensors").write_text("the same weights in another form")
    write_stage(copy, "local/unbundle.py", inputs=(recipe.root / "exp/model",))
    record = recipe.record(made_with=[copy])
    assert record.trained_on == ["dev", "train"] and len(record.lineage["models"]) == 2


def test_what_a_model_that_no_stage_made_was_trained_on_is_unknown(recipe: Recipe, clean_code) -> None:
    bare = recipe.root / "bought"
    bare.mkdir()
    (bare / "model.safetensors").write_text("weights")
    record = recipe.record(made_with=[bare])
    assert record.trained_on == ["dev", "train", "unknown"] and len(record.lineage["models"]) == 2
    # Of an encoder's weights, which extraction reads, the features tell.
    recipe.make("feats/test", inputs=(recipe.root / "data/test", bare))
    recipe.make("posteriors", "scores")
    assert recipe.record().trained_on == ["dev", "train"]


def test_weights_of_the_package_are_an_input_whose_record_is_their_lineage(recipe: Recipe, clean_code) -> None:
    """A diarizer that is shipped, scored without training it again; and a codec, which is no model of ours."""
    data, scores = recipe.root / "data", recipe.root / "exp/test/scores"
    file = ASSETS / "mini.safetensors"
    write_stage(scores, "mimidiar record x", inputs=(data / "test", file))
    record, told = recipe.record(), json.loads(file.with_suffix(".json").read_text())
    parts = told["header"]["sha256"]
    assert [model["sha256"] for model in record.lineage["models"]] == [parts["model"], parts["probe"]]
    assert record.tuned_on == ["talk_dev"] and record.trained_on == ["dev", "talk_dev", "train"] and not record.dirty
    commands = [stage["commands"] for stage in record.stages]
    assert commands[1:-1] == [stage["commands"] for stage in told["stages"]]
    assert commands[-1] == ["mimidiar record x"] and record.speed == {}
    recipe.make("feats/test", inputs=(data / "test", ASSETS / "mimi-mini.safetensors"))
    recipe.make("posteriors", "scores")
    record = recipe.record()
    assert record.trained_on == ["dev", "train"] and len(record.lineage["models"]) == 1 and not record.dirty
    assert any("mimidiar codec train" in stage["commands"][0] for stage in record.stages)


def test_weights_that_were_shipped_dirty_or_changed_since_vouch_for_nothing(
    recipe: Recipe, clean_code, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets, data = recipe.root / "assets", recipe.root / "data"
    assets.mkdir()
    file = Path(shutil.copy(ASSETS / "mini.safetensors", assets))
    told = json.loads((ASSETS / "mini.json").read_text())
    (assets / "mini.json").write_text(json.dumps(told | {"dirty": True}))
    monkeypatch.setattr("mimidiar.shipped.ASSETS", assets)
    recipe.make("scores", inputs=(data / "test", file))
    record = recipe.record()
    assert record.dirty and all("mini.safetensors was shipped dirty" in unclean for unclean in record.unclean())
    # The sets that a newer record says its parts were trained and tuned on are taken from it.
    parts = {
        "trained_on": ["talks"],
        "tuned": [{"sha256": "1" * 64, "tuned_on": "talks"}],
        "smoke": ["a small run (x)"],
    }
    (assets / "mini.json").write_text(json.dumps(told | parts))
    recipe.make("scores", inputs=(data / "test", file))
    record = recipe.record()
    assert (record.trained_on, record.tuned_on, record.smoke) == (["talks"], ["talks"], ["a small run (x)"])
    file.write_bytes(b"other bytes")
    with pytest.raises(MimidiarError, match="the file was damaged or replaced"):
        recipe.make("scores", inputs=(data / "test", file))


@pytest.mark.parametrize("commits", [(f"{COMMIT}-dirty",), (COMMIT, f"{COMMIT}-dirty"), (UNKNOWN,), ()])
def test_uncommitted_code_anywhere_makes_the_record_dirty(recipe: Recipe, clean_code, commits: tuple[str, ...]) -> None:
    assert not recipe.record().dirty
    recipe.make("feats/train", commits=commits)
    recipe.make("model", "posteriors", "scores")
    record = recipe.record()
    assert record.dirty and record.unclean() == [".../train"]


def test_features_that_were_made_anew_are_not_what_an_earlier_model_was_trained_on(recipe: Recipe, clean_code) -> None:
    """Its record tells of those that it was; and one of both makings is in doubt."""
    recipe.make("feats/train", commits=("b" * 40,), making=1)
    assert not recipe.record().dirty and "b" * 40 not in recipe.record().commits()
    recipe.make("data", making=1)
    recipe.make("scores")
    assert recipe.record().unclean() == [".../scores: made from 2 makings of .../data"]
    recipe.make(*STEPS)
    assert not recipe.record().dirty and "b" * 40 not in recipe.record().commits()


def test_the_cost_is_known_only_if_that_of_every_folder_is(recipe: Recipe, clean_code) -> None:
    assert recipe.record().real_time_factor == pytest.approx(0.06)
    other = recipe.root / "feats.wavlm"
    other.mkdir()
    (other / "feats.scp").touch()
    (other / "meta.json").write_text(json.dumps(FEATURES | {"encoder": "wavlm"}))
    add_cost(other, Cost(100.0, 50.0, "cpu"))
    two = recipe.record(made_with=[other])
    assert two.real_time_factor == pytest.approx(0.56) and set(two.speed) == {
        "features logmel mel", "features wavlm mel", "inference"
    }  # fmt: skip
    (recipe.root / "feats/test/timing.jsonl").unlink()
    recipe.make("feats/test", "posteriors", "scores")
    unknown = recipe.record()
    assert unknown.real_time_factor is None and unknown.speed["features logmel mel"] is None


def test_what_was_downloaded_is_not_made_by_our_code(recipe: Recipe, clean_code) -> None:
    for command in ("mimidiar download x", "mimidiar data download x"):
        write_stage(recipe.root / "downloads", command, commits=(UNKNOWN,))
        recipe.make("data", inputs=(recipe.root / "downloads",))
        recipe.make(*STEPS)
        assert not recipe.record().dirty


def test_the_original_studys_metric_is_tuned_on_what_it_reports(recipe: Recipe) -> None:
    folder = write_score(recipe.root / "exp/test/scores/ancestor", kind="ancestor", ancestor_confusion=30.0)
    record = make_record(folder, "ancestor", Place("ours", "test"), RECORD)
    assert record.tuned_on == ["test"] and record.lineage["tuned"] == [] and record.recordings == {}


def test_scores_that_cannot_be_recorded(tmp_path: Path) -> None:
    for changes, said in [
        ({"kind": "guess"}, "its kind is none of diarization"),
        ({"protocol": None}, "has no protocol"),
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
        ("corpus.json", "{}", "corpus.json: no entry 'origin'"),
        ("meta.json", '{"encoder": "x"}', "meta.json: no entry 'tap'"),
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


def test_the_command_in_a_stage(tmp_path: Path) -> None:
    """Real stages: `mimidiar table record` finds its own, and says the same when the one before was made again."""
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
    tune("--force", "true")
    call(*record)
    again = read_record(tmp_path / "out/collar0/ours.test.collar0.seed2.json")
    assert again.stages[-1]["seconds"] is not None  # of the stage that was still at work before
    again.stages[-1]["seconds"] = None
    assert again == found


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
