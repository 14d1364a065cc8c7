"""utils/stage.py: done, continued, refused, forced; inputs; locks; signals; jobs."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from mimidiar.tests.utils.conftest import ROOT, is_alive, pid_in, wait_for


@pytest.fixture
def stage(call):
    """stage(*command, out=, inputs=, ...): call stage.py; the command adds a line to out/made unless one is given."""

    def run(*command, out="out", inputs=(), options=(), **more):
        declared = [word for path in inputs for word in ("--input", path)]
        command = command or ("bash", "-c", f"echo x >> {out}/made")
        return call("stage.py", "--out", out, *declared, *options, "--", *command, **more)

    return run


def state_of(folder):
    return json.loads((folder / ".stage.json").read_text())


# --- finished, continued, refused ---


def test_stage_runs_once_and_is_skipped_afterwards(stage, tmp_path):
    first, second = stage(), stage()
    assert (first.returncode, second.returncode) == (0, 0)
    assert "finished in " in first.stdout
    assert second.stdout.startswith("skipped (finished 20") and second.stdout.endswith("): out\n")
    assert (tmp_path / "out/made").read_text() == "x\n"
    state = state_of(tmp_path / "out")
    assert state["status"] == "done" and state["command"][0] == "bash" and state["seconds"] >= 0


def test_failed_stage_returns_the_exit_code_and_continues(stage, tmp_path):
    command = ("bash", "-c", "echo x >> out/made; test -f mended || exit 7")
    failed = stage(*command)
    assert failed.returncode == 7
    assert "the command failed with exit code 7; the end of out/log/bash.log" in failed.stderr
    state = state_of(tmp_path / "out")
    assert (state["status"], state["finished"]) == ("running", None) and state["seconds"] >= 0
    (tmp_path / "mended").touch()
    again = stage(*command)
    assert again.returncode == 0 and again.stdout.startswith("continuing (begun 20")
    # What was there is kept: the command itself goes on from it.
    assert (tmp_path / "out/made").read_text() == "x\nx\n"


def test_the_state_names_all_code_that_worked_on_the_stage_and_its_time(stage, tmp_path):
    command = ("bash", "-c", "echo x >> out/made; test -f mended || exit 7")
    stage(*command)
    state = state_of(tmp_path / "out")
    now = state["commits"]
    assert len(now) == 1 and state["directory"] == str(tmp_path)
    (tmp_path / "out/.stage.json").write_text(json.dumps(state | {"commits": ["earlier-dirty"], "seconds": 3000.0}))
    (tmp_path / "mended").touch()
    stage(*command)
    ended = state_of(tmp_path / "out")
    assert ended["commits"] == ["earlier-dirty", *now] and ended["seconds"] >= 3000  # and the time of all runs
    # Started anew, nothing of the earlier code is left.
    stage(*command, options=("--force", "true"))
    anew = state_of(tmp_path / "out")
    assert anew["commits"] == now and anew["seconds"] < 3000


def test_failed_stage_that_made_nothing_starts_again_with_other_settings(stage, tmp_path):
    assert stage("bash", "-c", "exit 1").returncode == 1
    again = stage("bash", "-c", "echo x > out/made; exit 1")
    assert again.returncode == 1
    assert again.stdout.startswith("starting again with other settings or inputs (nothing had been made): out")
    # Now there is something that the other settings did not make.
    refused = stage("bash", "-c", "exit 0")
    assert refused.returncode == 1 and "begun 20" in refused.stderr
    assert (tmp_path / "out/made").read_text() == "x\n"


def test_changed_options_are_named_and_nothing_is_touched(stage, tmp_path):
    stage("echo", "train", "--encoder", "mimi", "--seed=1", "--amp")
    before = state_of(tmp_path / "out")
    refused = stage("echo", "dev", "--encoder", "titanet", "--seed=1", "--layers", "4")
    assert refused.returncode == 1
    for line in (
        "out: finished 20",
        "  command: echo train -> echo dev\n",
        "  --encoder: mimi -> titanet\n",
        "  --amp: (set) -> (not given)\n",
        "  --layers: (not given) -> 4\n",
        "--tag",
        "--force",
    ):
        assert line in refused.stderr
    assert "--seed" not in refused.stderr
    assert state_of(tmp_path / "out") == before


def test_options_that_cannot_change_the_result_are_not_compared(stage):
    stage("echo", "--nj", "2", "--seed", "1", "--device=cpu", "--num-workers", "3", "--progress")
    for options in ((), ("--nj", "4"), ("--device", "cuda:1"), ("--no-progress",), ("--job=1/2",)):
        assert stage("echo", *options, "--seed", "1").stdout.startswith("skipped")
    assert stage("echo", "--seed", "2").returncode == 1


def test_force_starts_again_and_removes_what_was_there(stage, tmp_path):
    stage()
    changed = ("bash", "-c", "ls out > list")
    (tmp_path / "out/model").mkdir()
    (tmp_path / "out/model/.stage.json").write_text("{}")  # another stage's own folder
    done = stage(*changed, options=["--force", "true"])
    assert done.returncode == 0 and "removing what was there" in done.stdout
    assert (tmp_path / "list").read_text().split() == ["log", "model"]
    assert stage(*changed, options=["--force", "false"]).stdout.startswith("skipped")
    assert stage(*changed, options=["--force", "true"]).stdout.startswith("removing")


def test_removal_that_was_interrupted_is_completed(stage, tmp_path):
    stage()
    state = state_of(tmp_path / "out")
    (tmp_path / "out/.stage.json").write_text(json.dumps(state | {"status": "removing"}))
    assert stage().stdout.startswith("removing what was there")
    assert (tmp_path / "out/made").read_text() == "x\n"


def test_folder_that_no_stage_made_is_left_alone(stage, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years of work")
    for force in ("false", "true"):
        refused = stage(options=["--force", force])
        assert refused.returncode == 1
        assert "out/thesis.txt is there, and no stage made it" in refused.stderr
    assert (tmp_path / "out/thesis.txt").read_text() == "years of work"


def test_state_that_cannot_be_read_is_named(stage, tmp_path):
    stage()
    (tmp_path / "out/.stage.json").write_text("{")
    refused = stage()
    assert refused.returncode == 1 and "out/.stage.json cannot be read" in refused.stderr


# --- inputs ---


def test_changed_input_file_is_named(stage, tmp_path):
    (tmp_path / "conf.yaml").write_text("a: 1")
    (tmp_path / "other.yaml").write_text("b: 1")
    inputs = ["conf.yaml", "other.yaml"]
    stage(inputs=inputs)
    os.utime(tmp_path / "conf.yaml", (1, 1))
    assert stage(inputs=inputs).stdout.startswith("skipped")
    (tmp_path / "conf.yaml").write_text("a: 2")
    refused = stage(inputs=inputs)
    assert refused.returncode == 1
    assert "input conf.yaml: its contents changed" in refused.stderr and "other.yaml" not in refused.stderr


def test_added_and_dropped_inputs_are_named(stage, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    stage(inputs=["a"])
    refused = stage(inputs=["b"])
    assert "input a: no longer used" in refused.stderr and "input b: added" in refused.stderr


def test_inputs_that_change_places_are_a_change(stage, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    stage("echo", "--train", "a", "--dev", "b", inputs=["a", "b"])
    refused = stage("echo", "--train", "b", "--dev", "a", inputs=["b", "a"])
    assert refused.returncode == 1 and "--train: a -> b" in refused.stderr


def test_plain_folder_counts_by_names_sizes_and_small_files(stage, tmp_path):
    (tmp_path / "corpus/sub").mkdir(parents=True)
    (tmp_path / "corpus/sub/a.wav").write_text("sound")
    (tmp_path / "corpus/list.txt").write_text("a")
    (tmp_path / "corpus/sub/loop").symlink_to("..")
    (tmp_path / "corpus/gone").symlink_to("nowhere")
    assert stage("true", inputs=["corpus"]).returncode == 0
    assert stage("true", inputs=["corpus/"]).stdout.startswith("skipped")
    # Copied anew, and called by another path, it is the same.
    (tmp_path / "elsewhere/sub").mkdir(parents=True)
    for name in ("sub/a.wav", "list.txt"):
        (tmp_path / "elsewhere" / name).write_text((tmp_path / "corpus" / name).read_text())
    (tmp_path / "elsewhere/gone").symlink_to("nowhere")
    (tmp_path / "elsewhere/sub/loop").symlink_to("..")
    (tmp_path / "link").symlink_to("elsewhere")
    for path in ("elsewhere", tmp_path / "elsewhere", "link"):
        assert stage("true", inputs=[path]).stdout.startswith("skipped")
    (tmp_path / "corpus/list.txt").write_text("b")  # of the same size
    assert "input corpus: its contents changed" in stage("true", inputs=["corpus"]).stderr
    (tmp_path / "corpus/list.txt").write_text("a")
    (tmp_path / "corpus/sub/b.wav").write_text("more")
    assert "input corpus: its contents changed" in stage("true", inputs=["corpus"]).stderr


def test_folder_of_a_stage_counts_by_its_key_and_time(stage, tmp_path):
    stage(out="data/train")
    stage("true", inputs=["data/train"])
    for path in (tmp_path / "data/train").iterdir():
        os.utime(path, (1, 1))
    assert stage("true", inputs=["data/train"]).stdout.startswith("skipped")
    done = state_of(tmp_path / "data/train")
    made_again = json.dumps(done | {"finished": "2030-01-01T00:00:00+00:00"})
    (tmp_path / "data/train/.stage.json").write_text(made_again)
    assert "input data/train: its contents changed" in stage("true", inputs=["data/train"]).stderr
    (tmp_path / "data/train/.stage.json").write_text(json.dumps(done))
    assert stage("true", inputs=["data/train"]).stdout.startswith("skipped")
    stage("echo", "other", out="data/train", options=["--force", "true"])
    assert "input data/train: its contents changed" in stage("true", inputs=["data/train"]).stderr


def test_missing_input_names_the_stage_to_run_first(stage, tmp_path):
    for path, maker in (
        ("downloads/vox", 0),
        ("data/train", 1),
        ("data/sim_train", 2),
        ("data/talk_dev", 2),
        ("feats/mimi/train", 3),
        ("exp/a/model", 4),
        ("exp/a/dev", 5),
    ):
        refused = stage(inputs=[path], MIMIDIAR_STAGE="6")
        remedy = f"run stage {maker} first (--stage {maker}): it comes before stage 6"
        assert refused.returncode == 1
        assert refused.stderr == f"stage.py: error: {path} does not exist; {remedy}\n"
    assert "/no/where does not exist; check the path" in stage(inputs=["/no/where"]).stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["feats/train", "feats", "feats/train/made"])
def test_unfinished_input_is_refused(stage, tmp_path, path):
    stage("bash", "-c", "touch feats/train/made; false", out="feats/train")
    refused = stage(inputs=[path])
    assert refused.returncode == 1
    assert "the stage that makes it has not finished; run stage 3 first" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_moved_folders_keep_their_key(stage, tmp_path):
    def features(work):
        command = ("echo", f"{work}/data/train/cuts", f"--out={work}/feats")
        return stage(*command, out=f"{work}/feats", inputs=[f"{work}/data/train"])

    stage("true", out="here/data/train")
    assert features("here").returncode == 0
    (tmp_path / "here").rename(tmp_path / "there")
    assert features("there").stdout.startswith("skipped")


def test_the_folder_above_by_another_path_is_the_same(stage, tmp_path):
    def simulation(data):
        return stage("echo", data, out=f"{data}/sim", inputs=[f"{data}/train"])

    stage("true", out="work/data/train")
    assert simulation("work/data").returncode == 0
    assert simulation(tmp_path / "work/data").stdout.startswith("skipped")
    refused = stage("echo", "work", out="work/data/sim", inputs=["work/data/train"])
    assert "command: echo work/data -> echo work\n" in refused.stderr


def test_a_refusal_names_the_change_alone_and_not_other_spellings(stage, tmp_path):
    """The same paths, relative and absolute, beside one option that changed; a link in an input belongs to it."""
    for name in ("data/train", "data/dev", "env/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "conf.yaml").write_text("a: 1")
    (tmp_path / "env/bin/python").symlink_to("/usr/bin/env")

    def train(top, *options):
        inner = f"{top}env/bin/python run.py -o '{top}out/x'"
        words = (
            "echo",
            f"{top}data/train",
            "--dev",
            f"{top}data/dev",
            "--config",
            f"{top}conf.yaml",
            "--pool",
            f"{top}pool/a",
        )
        inputs = [f"{top}{name}" for name in ("data/train", "data/dev", "conf.yaml", "env")]
        return stage(*words, f"--set=x={top}data/dev", inner, *options, out=f"{top}out", inputs=inputs)

    assert train("", "--seed", "1").returncode == 0
    assert train(f"{tmp_path}/", "--seed", "1").stdout.startswith("skipped")
    refused = train(f"{tmp_path}/", "--seed", "2")
    assert refused.stderr.splitlines()[1:-1] == ["  --seed: 1 -> 2"]


def test_a_stage_is_the_same_from_another_folder(stage, call, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "recipe").mkdir()
    assert stage("echo", "data", "--local", "--to=", out="exp/a", inputs=["data"]).returncode == 0
    line = "cd recipe && stage.py --out ../exp/a --input ../data -- echo ../data --local --to="
    assert call("bash", "-c", line).stdout.startswith("skipped")


def test_an_environment_variable_behind_a_change_is_named(stage, tmp_path):
    (tmp_path / "speech").mkdir()
    corpus = ("echo", "--corpus", tmp_path / "speech")
    assert stage(*corpus, inputs=[tmp_path / "speech"], MIMIDIAR_MINI_CORPUS=str(tmp_path / "speech")).returncode == 0
    refused = stage("echo", MIMIDIAR_MINI_CORPUS="", MIMI_CHECKPOINT="/elsewhere")
    assert refused.stderr.splitlines()[1:-1] == [
        f"  --corpus: {tmp_path}/speech -> (not given)",
        f"  input {tmp_path}/speech: no longer used",
        f"  environment variable MIMIDIAR_MINI_CORPUS: {tmp_path}/speech -> (not set)",
    ]
    missing = stage(inputs=["/no/where/x"], MIMI_CHECKPOINT="/no/where")
    assert (
        "/no/where/x does not exist; check the environment variable MIMI_CHECKPOINT, which names it" in missing.stderr
    )


def test_a_stage_of_an_older_form_is_made_again(stage, tmp_path):
    stage(out="data/train")
    state = state_of(tmp_path / "data/train")
    old = {name: value for name, value in state.items() if name not in ("version", "behind", "reads", "made", "doubt")}
    (tmp_path / "data/train/.stage.json").write_text(json.dumps(old))
    assert "made before .stage.json kept a lineage; run stage 1" in stage("true", inputs=["data/train"]).stderr
    assert "start it again with --force" in stage(out="data/train").stderr
    assert stage(out="data/train", options=["--force", "true"]).returncode == 0
    assert stage("true", inputs=["data/train"]).returncode == 0


# --- lineage ---


def test_lineage_is_written_forward(stage, tmp_path):
    """A model's stage keeps all that is behind it, and what it made; both outlast what they were read from."""
    prepare = 'mkdir data/train; echo \'{"origin": "recorded"}\' > data/corpus.json'
    prepare += '; for f in recordings supervisions; do echo \'{"id": "a", "duration": 36, "speaker": "ls-1"}\' | gzip'
    assert stage("bash", "-c", prepare + " > data/train/$f.jsonl.gz; done", out="data").returncode == 0
    (tmp_path / "a.yaml").write_text("x: 1")
    made = stage("bash", "-c", "echo w > m/model.safetensors", out="m", inputs=["data/train", "a.yaml"])
    assert made.returncode == 0, made.stderr
    state = state_of(tmp_path / "m")
    assert [entry["commands"][0].split()[0] for entry in state["behind"]["stages"]] == ["bash"]
    assert state["behind"]["speech"] == ["recorded"] and list(state["behind"]["configurations"]) == [".../a.yaml"]
    assert [(each["hours"], each["corpora"][0]["corpus"]) for each in state["behind"]["sets"]] == [(0.01, "ls")]
    (model,) = state["made"]["."]["holds"]["models"]
    assert [each["set"] for each in model["trained_on"]] == ["train"] and state["doubt"] is None
    assert stage("true", out="s", inputs=["m"]).returncode == 0
    behind = state_of(tmp_path / "s")["behind"]
    assert len(behind["stages"]) == 2 and behind["models"] == [model]


def test_an_input_that_is_made_anew_meanwhile_is_told(stage, tmp_path):
    (tmp_path / "a.yaml").write_text("x: 1")
    assert stage("bash", "-c", "echo 2 > a.yaml", inputs=["a.yaml"]).returncode == 0
    assert state_of(tmp_path / "out")["doubt"] == "its input a.yaml changed while it ran"


# --- locks and signals ---

SLOW = "(echo $BASHPID > child; exec sleep 600) & echo x >> out/made; echo $$ > job; wait"


def test_second_run_in_one_folder_is_refused(stage, launch, tmp_path):
    first = launch("stage.py", "--out", "out", "--", "bash", "-c", SLOW)
    pid_in(tmp_path / "job")
    refused = stage("bash", "-c", SLOW)
    assert refused.returncode == 1
    assert f"out: process {first.pid} is at work in it since 20" in refused.stderr
    assert first.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_everything_and_the_stage_can_go_on(launch, stage, tmp_path, number):
    run = launch("stage.py", "--out", "out", "--nj", "2", "--", "bash", "-c", SLOW)
    pids = [pid_in(tmp_path / name) for name in ("job", "child")]
    run.send_signal(number)
    assert run.wait(timeout=60) == 128 + number
    wait_for(lambda: not any(is_alive(pid) for pid in pids))
    assert state_of(tmp_path / "out")["status"] == "running"
    assert "finished" not in run.stdout.read()


def test_ctrl_c_on_the_whole_group(tmp_path, env):
    """A terminal sends the signal to all processes at once, and run.py gets it twice."""
    command = ["stage.py", "--out", "out", "--", "bash", "-c", SLOW]
    run = subprocess.Popen(command, cwd=tmp_path, env=env, start_new_session=True, stderr=subprocess.PIPE)
    pids = [pid_in(tmp_path / name) for name in ("job", "child")]
    os.killpg(run.pid, signal.SIGINT)
    assert b"Traceback" not in run.communicate(timeout=60)[1]
    assert run.returncode == 130
    wait_for(lambda: not any(is_alive(pid) for pid in pids))


def test_under_nohup_a_terminal_that_closes_stops_nothing(launch, tmp_path):
    run = launch(
        "nohup", "stage.py", "--out", "out", "--", "bash", "-c", "echo $$ > job; until test -f go; do sleep 0.1; done"
    )
    pid_in(tmp_path / "job")
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    for pid in (run.pid, *map(int, children)):
        os.kill(pid, signal.SIGHUP)
    (tmp_path / "go").touch()
    assert run.wait(timeout=60) == 0 and state_of(tmp_path / "out")["status"] == "done"


def test_killed_stage_leaves_no_process_and_goes_on(launch, stage, tmp_path):
    (tmp_path / "slow").touch()
    command = ("bash", "-c", f"if test -f slow; then {SLOW}; fi; echo done >> out/made")
    run = launch("stage.py", "--out", "out", "--", *command)
    pids = [pid_in(tmp_path / name) for name in ("job", "child")]
    run.kill()
    run.wait()
    (tmp_path / "slow").unlink()
    again = stage(*command)
    assert again.returncode == 0 and again.stdout.startswith("continuing")
    assert not any(is_alive(pid) for pid in pids)
    assert (tmp_path / "out/made").read_text() == "x\ndone\n"


# --- jobs and commands ---


def test_jobs_come_first_and_the_plain_command_finishes(stage, tmp_path):
    done = stage("bash", "-c", 'echo "$@" >> order', "name", "part", options=["--nj", "3", "--name", "extract"])
    assert done.returncode == 0
    *jobs, last = (tmp_path / "order").read_text().splitlines()
    assert sorted(jobs) == [f"part --job {n}/3" for n in (1, 2, 3)] and last == "part"
    logs = {path.name for path in (tmp_path / "out/log").iterdir()}
    assert logs == {"extract.1.log", "extract.2.log", "extract.3.log", "extract.log"}


def test_failed_job_stops_before_the_plain_command(stage, tmp_path):
    failed = stage("bash", "-c", "exit 3", options=["--nj", "2"])
    assert failed.returncode == 1 and "job 1 of 2 failed" in failed.stderr
    assert not (tmp_path / "out/log/bash.log").exists()


def test_several_commands_run_in_order(stage, tmp_path):
    parts = ("bash", "-c", "echo one >> order", ":::", "bash", "-c", "echo two >> order")
    assert stage(*parts, options=["--nj", "2"]).returncode == 0
    assert (tmp_path / "order").read_text().split() == ["one", "one", "one", "two"]
    assert (tmp_path / "out/log/bash.2.log").exists() and stage(*parts).stdout.startswith("skipped")


def test_log_is_named_after_the_subcommand(stage, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mimidiar").write_text("#!/bin/sh\n")
    (tmp_path / "bin/mimidiar").chmod(0o755)
    stage(f"{tmp_path}/bin/mimidiar", "extract", "--encoder", "mimi")
    assert (tmp_path / "out/log/extract.log").exists()


def test_backend_comes_from_the_environment(stage, tmp_path):
    (tmp_path / "queue.sh").write_text('#!/bin/sh\necho "$@" >> calls\n')
    (tmp_path / "queue.sh").chmod(0o755)
    stage("echo", "a", options=["--nj", "2"], cmd="./queue.sh --partition 'two words'")
    assert (tmp_path / "calls").read_text().splitlines() == [
        "--partition two words JOB=1:2 out/log/echo.JOB.log echo a --job JOB/2",
        "--partition two words out/log/echo.log echo a",
    ]


def test_run_py_is_found_beside_stage_py(call, env):
    path = env["PATH"].replace(f"{ROOT / 'utils'}:", "")
    assert call(ROOT / "utils/stage.py", "--out", "out", "--", "true", PATH=path).returncode == 0


@pytest.mark.parametrize(
    "words", [["--out", "out"], ["--out", "out", "--"], ["--out", "out", "--nj", "0", "--", "true"]]
)
def test_wrong_calls(call, tmp_path, words):
    done = call("stage.py", *words)
    assert done.returncode == 2 and "usage: " in done.stderr
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_made(stage, tmp_path):
    (tmp_path / "exp").write_text("a file")
    refused = stage(out="exp/a")
    assert refused.returncode == 1
    assert "exp/a: Not a directory" in refused.stderr and "Traceback" not in refused.stderr


def test_other_folders_of_one_command_have_states_of_their_own(stage, tmp_path):
    """`--also`: a later stage depends on one of several folders, and all are made again when one is gone."""
    make = ("bash", "-c", "for f in out b c; do echo x >> $f/made; done")
    also = ("--also", "b", "--also", "c/")
    assert stage(*make, options=also).returncode == 0
    keys = {state_of(tmp_path / name)["key"] for name in ("out", "b", "c")}
    assert len(keys) == 3 and state_of(tmp_path / "c")["out"] == "c"
    assert stage(*make, options=also).stdout.count("skipped") == 3
    assert stage("echo", out="next", inputs=["b"]).returncode == 0
    (tmp_path / "b/.stage.json").unlink()
    (tmp_path / "b/made").unlink()
    assert stage(*make, options=also).returncode == 0
    assert (tmp_path / "b/made").read_text() == "x\n" and (tmp_path / "c/made").read_text() == "x\nx\n"
    refused = stage("echo", options=also)
    assert refused.returncode == 1 and "out: finished 20" in refused.stderr
    assert stage("echo", options=(*also, "--force", "true")).returncode == 0
    assert not (tmp_path / "c/made").exists()
