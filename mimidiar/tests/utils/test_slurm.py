"""utils/slurm.py against made-up answers of Slurm's commands: what it calls, and what it makes of states."""

import signal
import sys
from pathlib import Path

import pytest

from mimidiar.tests.utils.conftest import ROOT, wait_for

# sbatch runs the script at once, for each number in `tasks`, unless it is told to say something and fail.
SBATCH = """#!/bin/bash
printf '%s\\n' "$@" > sbatch.called
if [[ -f sbatch.error ]]; then cat sbatch.error >&2; rm sbatch.error; exit 1; fi
cat > script
if [[ -f tasks ]]; then for n in $(< tasks); do SLURM_ARRAY_TASK_ID=$n bash script; done; fi
echo 17
"""
# squeue answers with the first of the files answer.<n> that is left; those on standard error are refusals.
SQUEUE = """#!/bin/bash
printf '%s\\n' "$*" >> squeue.called
if [[ $* == *--name=* ]]; then cat found 2> /dev/null; exit 0; fi
set -- answer.*
if [[ $# -gt 1 ]]; then keep=; else keep=yes; fi
grep -v ^error "$1"; code=$?
if grep ^error "$1" >&2; then code=1; else code=0; fi
if [[ -z $keep ]]; then rm "$1"; fi
exit $code
"""
SCANCEL = """#!/bin/bash
echo "$*" >> scancel.called
"""
UNKNOWN, SILENT = "error: Invalid job id specified", "error: Unable to contact slurm controller (connect failure)"


@pytest.fixture
def slurm(call, env, tmp_path: Path):
    """slurm(*words, answers=, tasks=): slurm.py with these commands; squeue gives the answers in turn."""
    (tmp_path / "bin").mkdir()
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"

    def run(*words: object, answers=("N/A COMPLETED 0",), tasks=""):
        (tmp_path / "tasks").write_text(tasks)
        for number, answer in enumerate(answers):
            (tmp_path / f"answer.{number}").write_text(answer + "\n")
        return call("slurm.py", *words)

    return run


def called(tmp_path: Path) -> list[str]:
    return (tmp_path / "sbatch.called").read_text().splitlines()


def test_options_are_handed_to_sbatch(slurm, tmp_path):
    words = ["--partition", "short", "--gpu", "2", "--mem", "4G", "--max-jobs-run", "3", "--exclusive", "JOB=1:4"]
    answers = ["\n".join(f"{n} COMPLETED 0" for n in range(1, 5))]
    assert slurm(*words, "--time=1:00:00", "log/a%.JOB.log", "true", answers=answers).returncode == 0
    line = called(tmp_path)
    for option in ("--partition=short", "--gres=gpu:2", "--mem=4G", "--time=1:00:00", "--array=1-4%3", "--exclusive"):
        assert option in line
    # Slurm's own messages come into the logs, and the job sees what its caller saw.
    for option in ("--output=log/a%%.%a.log", "--open-mode=append", "--export=ALL", f"--chdir={tmp_path}"):
        assert option in line


def test_cores_are_asked_for_and_the_user_has_the_last_word(slurm, tmp_path):
    assert slurm("--gpu", "1", "--gpu", "2", "--cpus", "6", "a.log", "true").returncode == 0
    assert {"--gres=gpu:2", "--cpus-per-task=6"} < set(called(tmp_path))
    assert slurm("--cpus-per-task", "3", "--cpus", "6", "b.log", "true").returncode == 0
    assert [word for word in called(tmp_path) if "cpus" in word][-1] == "--cpus-per-task=3"


def test_a_single_job_is_no_array_and_gets_one_processor(slurm, tmp_path):
    assert slurm("a.log", "true").returncode == 0
    line = called(tmp_path)
    assert not [word for word in line if word.startswith(("--array", "--gres"))]
    assert "--cpus-per-task=1" in line and "--no-requeue" in line


def test_what_follows_overrides_what_is_set(slurm, tmp_path):
    slurm("--cpus-per-task", "4", "--requeue", "a.log", "true")
    line = called(tmp_path)
    assert line.index("--cpus-per-task=4") > line.index("--cpus-per-task=1")
    assert line.index("--requeue") > line.index("--no-requeue")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "short", "a.log", "true"], "-p: options have their long names here"),
        (["--output=x", "a.log", "true"], "--output=x: slurm.py sets this itself"),
        (["--job-name", "a.log", "true"], "--job-name: slurm.py sets this itself"),
        (["a.log"], "a log file and a command are needed"),
        (["JOB=1:2", "a.log", "true"], "slurm.py: error: a.log has no JOB in its name: 2 jobs would write one log"),
        (["--max-jobs-run", "0", "a.log", "true"], "at least one job"),
        (["/dev/null/a.log", "true"], "/dev/null: File exists"),
    ],
)
def test_wrong_calls(slurm, tmp_path, words, message):
    done = slurm(*words)
    assert done.returncode != 0 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "sbatch.called").exists()


def test_words_reach_the_command_as_they_are(slurm, tmp_path):
    words = ["two words", "$HOME", "a'b", 'c"d', "*", "JOB/2", ""]
    assert slurm("JOB=1:2", "JOB.log", "printf", "[%s]\n", *words, answers=[UNKNOWN], tasks="1 2").returncode == 0
    for n in (1, 2):
        lines = (tmp_path / f"{n}.log").read_text().splitlines()
        assert lines[-8:-1] == [f"[{word}]" for word in ["two words", "$HOME", "a'b", 'c"d', "*", f"{n}/2", ""]]


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("FAILED", 3 << 8, 3),
        ("FAILED", 9, 137),
        ("CANCELLED", 143 << 8, 143),
        ("CANCELLED", 0, 1),
        ("NODE_FAIL", 0, 1),
        ("TIMEOUT", 0, 1),
        ("OUT_OF_MEMORY", 125, 253),
    ],
)
def test_a_job_that_slurm_ended_has_failed(slurm, state, status, code):
    """Also where nothing came into the log, or where the exit code is that of no error."""
    done = slurm("a.log", "true", answers=["N/A RUNNING 0", f"N/A {state} {status}"])
    assert done.returncode == code
    assert f"the command failed with exit code {code} (Slurm job 17: {state}); the end of a.log" in done.stderr


def test_each_job_of_an_array_has_its_own_end(slurm):
    states = ["1 RUNNING 0\n2 PENDING 0\n3 PENDING 0", "1 COMPLETED 0\n2 NODE_FAIL 0\n3 COMPLETING 0"]
    done = slurm("JOB=1:3", "JOB.log", "true", answers=[*states, "1 COMPLETED 0\n2 NODE_FAIL 0\n3 COMPLETED 0"])
    assert done.returncode == 1
    assert "job 2 of 3 failed with exit code 1 (Slurm job 17_2: NODE_FAIL); the end of 2.log" in done.stderr
    assert "slurm.py: 2 of 3 jobs done" in done.stderr


def test_of_a_job_that_slurm_has_forgotten_the_log_tells_the_end(slurm):
    """Slurm forgets ended jobs, by default after 5 minutes."""
    words = ("JOB=1:3", "JOB.log", "bash", "-c", "test JOB != 2")
    done = slurm(*words, answers=[UNKNOWN], tasks="1 2")
    assert done.returncode == 1 and "1 of 3 jobs done" in done.stderr
    assert "job 2 of 3 failed with exit code 1 (Slurm job 17_2: no longer known)" in done.stderr
    # Its log has no end.
    assert "job 3 of 3 failed with exit code 1 (Slurm job 17_3: no longer known)" in done.stderr


def test_the_end_of_an_earlier_run_is_not_taken_for_this_one(slurm):
    assert slurm("a.log", "true", answers=[UNKNOWN], tasks="1").returncode == 0
    assert slurm("a.log", "true", answers=[UNKNOWN]).returncode == 1


def test_a_controller_that_does_not_answer_is_waited_for(slurm):
    done = slurm("a.log", "true", answers=[SILENT, SILENT, "N/A COMPLETED 0"])
    assert done.returncode == 0
    assert done.stderr.count("waiting for Slurm: error: Unable to contact slurm controller") == 1


def test_a_submission_without_an_answer_is_made_again(slurm, tmp_path):
    (tmp_path / "sbatch.error").write_text("sbatch: error: Batch job submission failed: " + SILENT)
    done = slurm("a.log", "echo", "here", answers=[UNKNOWN], tasks="1")
    assert done.returncode == 0 and "waiting for Slurm" in done.stderr
    assert (tmp_path / "a.log").read_text().count("\nhere\n") == 1


def test_a_refusal_is_told(slurm, tmp_path):
    (tmp_path / "sbatch.error").write_text("sbatch: error: invalid partition specified: nowhere")
    done = slurm("a.log", "true")
    assert done.returncode == 1
    assert "slurm.py: error: sbatch: error: invalid partition specified: nowhere" in done.stderr


def test_a_log_that_another_job_writes_is_refused(slurm, tmp_path):
    (tmp_path / "found").write_text("11\n11\n")
    done = slurm("log/a.log", "true")
    assert done.returncode == 1
    assert "job 11 of an earlier call has not ended and writes log/a.log: wait for it, or `scancel 11`" in done.stderr
    assert not (tmp_path / "sbatch.called").exists()


def test_without_slurm_this_is_said(call):
    done = call("slurm.py", "a.log", "true", PATH=f"{ROOT / 'utils'}:{Path(sys.executable).parent}")
    assert done.returncode == 1 and "slurm.py: error: sbatch is not on PATH" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_the_job(slurm, launch, tmp_path, number):
    slurm("first.log", "true")
    (tmp_path / "answer.0").write_text("N/A PENDING 0\n")
    (tmp_path / "squeue.called").unlink()
    run = launch("slurm.py", "a.log", "true")
    wait_for(lambda: (tmp_path / "squeue.called").exists() and "--jobs=17" in (tmp_path / "squeue.called").read_text())
    run.send_signal(number)
    assert run.wait(timeout=60) == 128 + number
    name = next(word for word in called(tmp_path) if word.startswith("--job-name="))
    assert (tmp_path / "scancel.called").read_text().split()[-1] == name.replace("--job-", "--")
