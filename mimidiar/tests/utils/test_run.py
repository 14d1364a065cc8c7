"""utils/run.py: jobs, logs, failures, and that nothing outlives it."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from mimidiar.tests.utils.conftest import is_alive, pid_in, wait_for

# A job with a grandchild; each writes its process id to a file.
FAMILY = "(echo $BASHPID > child; exec sleep 600) & echo $$ > job; wait"


def test_log_begins_with_the_command_and_ends_with_the_exit_code(call, tmp_path):
    done = call("run.py", "log/a.log", "bash", "-c", "echo to stdout; echo 'to stderr' >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    head, where, *body, end = (tmp_path / "log/a.log").read_text().splitlines()
    assert head.startswith("# bash -c 'echo to stdout")
    assert where.startswith("# host ") and ", started 20" in where
    assert body == ["to stdout", "to stderr"]
    assert end.startswith("# ended 20") and end.endswith(" s, exit code 0")


def test_log_of_a_second_run_is_appended(call, tmp_path):
    for word in ("first", "second"):
        call("run.py", "a.log", "echo", word)
    log = (tmp_path / "a.log").read_text()
    assert log.index("\nfirst\n") < log.index("# echo second") < log.index("\nsecond\n")


def test_job_is_replaced_as_a_word_in_log_and_arguments(call, tmp_path):
    done = call("run.py", "JOB=1:3", "log/a.JOB.log", "echo", "JOB/3", "--list=part.JOB", "JOBS", "MY_JOB")
    assert done.returncode == 0
    assert "run.py: 3 of 3 jobs done" in done.stderr
    for n in (1, 2, 3):
        assert f"\n{n}/3 --list=part.{n} JOBS MY_JOB\n" in (tmp_path / f"log/a.{n}.log").read_text()


def test_jobs_run_in_parallel_up_to_the_limit(call, tmp_path):
    """A job waits until as many have begun as may run at once; the first one that then looks sees all of them."""
    count = "touch at_work.JOB begun.LIMIT.JOB; until test $(ls begun.LIMIT.* | wc -l) -ge LIMIT; do sleep 0.05; done; "
    count += "ls at_work.* | wc -l; sleep 0.3; rm at_work.JOB"
    for limit in (1, 3):
        job = count.replace("LIMIT", str(limit))
        call("run.py", "--max-jobs-run", limit, "JOB=1:3", f"{limit}.JOB.log", "bash", "-c", job)
        logs = [(tmp_path / f"{limit}.{n}.log").read_text().splitlines() for n in (1, 2, 3)]
        assert max(int(line) for log in logs for line in log if line.isdigit()) == limit


def test_options_of_schedulers_are_accepted_on_both_sides_of_job(call):
    words = ["--gpu", "1", "--cpus", "2", "JOB=1:2", "--mem", "4G", "--time", "1:00:00"]
    assert call("run.py", *words, "JOB.log", "true").returncode == 0


def test_options_after_the_log_are_the_commands_own(call, tmp_path):
    assert call("run.py", "a.log", "echo", "--gpu", "--mem", "--help").returncode == 0
    assert "\n--gpu --mem --help\n" in (tmp_path / "a.log").read_text()


def test_failing_job_is_named_with_its_log_and_last_lines(call, tmp_path):
    code = "for i in $(seq 50); do echo line $i; done; test JOB != 2; c=$?; touch ran.JOB; exit $c"
    done = call("run.py", "JOB=1:3", "log/a.JOB.log", "bash", "-c", code)
    assert done.returncode == 1
    assert "job 2 of 3 failed with exit code 1; the end of log/a.2.log" in done.stderr
    # 20 lines of log, of which the last is the exit code.
    assert "line 32\n" in done.stderr and "line 31\n" not in done.stderr and "exit code 1\n" in done.stderr
    assert "2 of 3 jobs done" in done.stderr
    assert len(list(tmp_path.glob("ran.*"))) == 3


def test_exit_code_of_a_single_job_is_its_own(call):
    assert call("run.py", "a.log", "bash", "-c", "exit 3").returncode == 3
    assert call("run.py", "a.log", "bash", "-c", "kill -9 $$").returncode == 128 + 9


def test_last_lines_are_those_of_this_run_only(call):
    call("run.py", "a.log", "bash", "-c", "echo an older run; exit 1")
    assert "an older run" not in call("run.py", "a.log", "bash", "-c", "exit 1").stderr


def test_command_that_does_not_exist(call):
    done = call("run.py", "a.log", "no-such-command")
    assert done.returncode == 127
    assert "cannot start no-such-command: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["JOB=1:2", "a.log", "true"], "a.log has no JOB in its name: 2 jobs would write one log"),
        (["JOB=2:1", "JOB.log", "true"], "at least one job"),
        (["a.log"], "a log file and a command are needed"),
        (["/dev/null/a.log", "true"], "/dev/null: File exists"),
    ],
)
def test_wrong_calls(call, words, message):
    done = call("run.py", *words)
    assert done.returncode != 0
    assert message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_jobs_and_their_children(launch, tmp_path, number):
    run = launch(*run_py(grace_sec=600), "a.log", "bash", "-c", FAMILY)  # all obey: nothing waits for that long
    pids = [pid_in(tmp_path / name) for name in ("job", "child")]
    run.send_signal(number)
    assert run.wait(timeout=60) == 128 + number
    wait_for(lambda: not any(is_alive(pid) for pid in pids))
    assert (tmp_path / "a.log").read_text().splitlines()[-1].startswith("# ended ")


def test_children_that_ignore_term_are_killed(launch, tmp_path):
    run = launch(*run_py(grace_sec=0.2), "a.log", "bash", "-c", f"trap '' TERM; {FAMILY}")
    pids = [pid_in(tmp_path / name) for name in ("job", "child")]
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=60) == 128 + signal.SIGTERM
    wait_for(lambda: not any(is_alive(pid) for pid in pids))


def run_py(grace_sec: float) -> list[object]:
    """The words that begin a call of a run.py of another grace time than its 5 s."""
    return ["python3", "-c", WITH_GRACE, grace_sec]


WITH_GRACE = """
import os, shutil, sys
sys.path.insert(0, os.path.dirname(shutil.which("run.py")))
import run
run.GRACE_SEC = float(sys.argv.pop(1))
sys.exit(run.main())
"""


def test_job_dies_when_run_py_is_killed(launch, tmp_path):
    run = launch("run.py", "a.log", "bash", "-c", "echo $$ > job; exec sleep 600")
    pid = pid_in(tmp_path / "job")
    run.kill()
    wait_for(lambda: not is_alive(pid))


def test_child_left_behind_by_a_finished_job_is_ended(call, tmp_path):
    assert call("run.py", "a.log", "bash", "-c", "sleep 600 & echo $! > child").returncode == 0
    wait_for(lambda: not is_alive(pid_in(tmp_path / "child")))


def test_single_job_shows_its_progress_on_a_terminal(tmp_path, env):
    reader, writer = pty.openpty()
    bar = r"test -t 2 && printf '10%%\r100%%\n' >&2; echo done"
    run = subprocess.Popen(["run.py", "a.log", "bash", "-c", bar], cwd=tmp_path, env=env, stderr=writer)
    assert run.wait(timeout=60) == 0
    os.close(writer)
    shown = os.read(reader, 4096)
    assert b"10%\r100%" in shown and b"done" in shown
    # The log keeps the line as it looked in the end.
    assert Path(tmp_path / "a.log").read_text().splitlines()[2:-1] == ["100%", "done"]
