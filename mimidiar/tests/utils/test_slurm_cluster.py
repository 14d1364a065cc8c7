"""utils/slurm.py with a real Slurm of one node: logs and exit codes as of run.py, jobs ended from outside, stages."""

import re
import signal
from collections.abc import Iterator

import pytest

from mimidiar.tests.utils.conftest import is_alive, pid_in, wait_for
from mimidiar.tests.utils.slurm_cluster import Cluster, running_cluster, why_not

pytestmark = pytest.mark.long
WORK = "echo $$ > job; exec sleep 600"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if reason := why_not():
        pytest.skip(reason)
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def slurm(env, cluster, call):
    """slurm(*words): slurm.py to its end. Other commands of the test find the cluster, too."""
    env.update(cluster.env)
    return lambda *words: call("slurm.py", *words)


@pytest.fixture
def at_work(slurm, launch, tmp_path):
    """at_work(*words): slurm.py, and the process id of its job, which sleeps; its number in Slurm."""

    def start(*words):
        run = launch("slurm.py", *(words or ("a.log", "bash", "-c", WORK)))
        pid = pid_in(tmp_path / "job")
        number = re.match(r"slurm.py: Slurm job (\d+), ", run.stderr.readline())[1]
        return run, pid, number

    return start


def settled(log: str) -> list[str]:
    """The lines of a log without times."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\S+", "TIME", log)
    return re.sub(r"after \S+ s,", "after TIME s,", text).splitlines()


def test_logs_and_surroundings_are_those_of_run_py(slurm, call, tmp_path):
    """The folder, PATH and the number of threads, too."""
    show = 'pwd; echo "$PATH $OMP_NUM_THREADS" JOB >&2; python3 -c "import sys; print(sys.prefix)"; test JOB != 2'
    for name, run in (("slurm", slurm), ("run", lambda *words: call("run.py", *words))):
        done = run("JOB=1:3", f"{name}/a.JOB.log", "bash", "-c", show)
        assert done.returncode == 1 and "2 of 3 jobs done" in done.stderr
    for n in (1, 2, 3):
        local, remote = ((tmp_path / f"{name}/a.{n}.log").read_text() for name in ("run", "slurm"))
        assert settled(local) == settled(remote) and len(settled(remote)) == 6


def test_all_jobs_of_an_array_run(slurm, tmp_path):
    done = slurm("JOB=3:8", "log/a.JOB.log", "touch", "made.JOB")
    assert done.returncode == 0 and "slurm.py: 6 of 6 jobs done" in done.stderr
    assert len(list(tmp_path.glob("made.[345678]"))) == 6


def test_the_limit_of_jobs_at_once(slurm, tmp_path):
    """A job waits until as many have begun as may run at once; the first one that then looks sees all of them."""
    count = "touch at_work.JOB begun.LIMIT.JOB; until test $(ls begun.LIMIT.* | wc -l) -ge LIMIT; do sleep 0.1; done; "
    count += "ls at_work.* | wc -l; sleep 0.5; rm at_work.JOB"
    for limit in (1, 2):
        job = count.replace("LIMIT", str(limit))
        assert slurm("--max-jobs-run", limit, "JOB=1:3", f"{limit}.JOB.log", "bash", "-c", job).returncode == 0
        logs = [(tmp_path / f"{limit}.{n}.log").read_text().splitlines() for n in (1, 2, 3)]
        assert max(int(line) for log in logs for line in log if line.isdigit()) == limit


def test_a_gpu_is_given_to_one_job_at_a_time(slurm, tmp_path):
    count = (
        'touch at_work.JOB; sleep 0.5; ls at_work.* | wc -l; rm at_work.JOB; echo "GPU ${CUDA_VISIBLE_DEVICES-none}"'
    )
    for gpus, seen in ((0, "none"), (1, "0")):
        assert slurm("--gpu", gpus, "JOB=1:2", f"{gpus}.JOB.log", "bash", "-c", count).returncode == 0
        logs = [(tmp_path / f"{gpus}.{n}.log").read_text() for n in (1, 2)]
        assert all(f"\nGPU {seen}\n" in log for log in logs)
    assert all("\n1\n" in log for log in logs)


def test_a_failing_job_is_named_with_the_end_of_its_log(slurm):
    done = slurm("JOB=1:3", "log/a.JOB.log", "bash", "-c", "for i in $(seq 50); do echo line $i; done; test JOB != 2")
    assert done.returncode == 1
    assert re.search(
        r"job 2 of 3 failed with exit code 1 \(Slurm job \d+_2: FAILED\); the end of log/a.2.log", done.stderr
    )
    assert "line 32\n" in done.stderr and "line 31\n" not in done.stderr and "exit code 1\n" in done.stderr


@pytest.mark.parametrize(
    ("command", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("exec no-such-command", 127)]
)
def test_exit_code_of_a_single_job_is_its_own(slurm, command, code):
    assert slurm("a.log", "bash", "-c", command).returncode == code


def test_a_refusal_is_told_in_slurms_words(slurm):
    done = slurm("--partition", "nowhere", "a.log", "true")
    assert done.returncode == 1 and "invalid partition specified: nowhere" in done.stderr


def test_a_job_cancelled_from_outside_has_failed(at_work, cluster):
    run, pid, number = at_work()
    cluster.ask("scancel", number)
    assert run.wait(timeout=60) == 128 + signal.SIGTERM
    said = run.stderr.read()
    assert f"failed with exit code 143 (Slurm job {number}: CANCELLED)" in said and "CANCELLED AT 20" in said
    assert not is_alive(pid)


def test_one_job_of_an_array_cancelled_before_it_ran(slurm, at_work, cluster):
    run, _, number = at_work("--max-jobs-run=1", "JOB=1:2", "JOB.log", "bash", "-c", f"test JOB = 2 || {{ {WORK}; }}")
    cluster.ask("scancel", f"{number}_2")
    cluster.ask("scancel", f"{number}_1")
    assert run.wait(timeout=60) == 1
    said = run.stderr.read()
    assert f"job 2 of 2 failed with exit code 1 (Slurm job {number}_2: CANCELLED)" in said
    assert "slurm.py: 0 of 2 jobs done" in said


def test_a_job_whose_node_is_lost_has_failed(at_work, cluster):
    run, _, number = at_work()
    node = cluster.ask("squeue", "--noheader", "--format=%N", f"--jobs={number}")
    try:
        cluster.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        assert run.wait(timeout=60) != 0
    finally:
        cluster.ask("scontrol", "update", f"nodename={node}", "state=resume")
    assert f"(Slurm job {number}: NODE_FAIL); the end of a.log" in run.stderr.read()


def test_a_job_that_is_killed_with_its_run_py_has_failed(slurm, tmp_path):
    """As when memory is short: nothing is left that could write the end of the log."""
    done = slurm("a.log", "bash", "-c", "kill -9 $PPID; sleep 60")
    assert done.returncode == 128 + signal.SIGKILL and ": FAILED); the end of a.log" in done.stderr
    assert "exit code" not in (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_job(at_work, cluster, tmp_path, number):
    run, pid, job = at_work()
    run.send_signal(number)
    assert run.wait(timeout=60) == 128 + number
    assert not is_alive(pid)
    assert cluster.ask("squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={job}") == "CANCELLED"
    assert (tmp_path / "a.log").read_text().splitlines()[-1].startswith("# ended ")


def test_a_controller_that_is_away_for_a_while_is_no_failure(at_work, cluster, tmp_path):
    run, _, _ = at_work("a.log", "bash", "-c", "echo $$ > job; until test -f go; do sleep 0.1; done; exit 3")
    cluster.stop("slurmctld")
    try:
        wait_for(lambda: "waiting for Slurm: " in run.stderr.readline(), 60)
        (tmp_path / "go").touch()
    finally:
        cluster.start("slurmctld", "-D")
    assert run.wait(timeout=60) == 3


def test_a_log_that_a_job_left_behind_writes_is_refused(at_work, slurm, cluster):
    run, _, number = at_work()
    run.kill()
    run.wait()
    refused = slurm("a.log", "true")
    assert (
        refused.returncode == 1 and f"job {number} of an earlier call has not ended and writes a.log" in refused.stderr
    )
    cluster.ask("scancel", number)
    wait_for(lambda: not cluster.ask("squeue", "--noheader"))
    assert slurm("a.log", "true").returncode == 0


def test_a_stage_that_is_killed_leaves_no_job(slurm, launch, tmp_path):
    run = launch("stage.py", "--out", "out", "--", "bash", "-c", WORK, cmd="slurm.py")
    pid = pid_in(tmp_path / "job")
    run.kill()
    wait_for(lambda: not is_alive(pid))


STAGE = """
import sys
from pathlib import Path

job, jobs = map(int, sys.argv[2].split("/")) if len(sys.argv) > 2 else (1, 1)
for item in range(job - 1, 9, jobs):
    if not Path(f"out/item.{item}").exists():
        if item == 4 and not Path("mended").exists():
            sys.exit("item 4 is broken")
        Path(f"out/item.{item}").write_text(" ".join(sys.argv[1:]))
"""


def test_a_stage_that_failed_in_one_job_does_only_what_is_missing(slurm, call, tmp_path):
    (tmp_path / "stage_work.py").write_text(STAGE)
    words = ["stage.py", "--out", "out", "--nj", "3", "--", "python3", "stage_work.py"]
    failed = call(*words, cmd="slurm.py --partition short")
    assert failed.returncode == 1
    assert "job 2 of 3 failed with exit code 1" in failed.stderr and "item 4 is broken" in failed.stderr
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/item.*")}
    assert sorted(path.suffix for path in made) == [".0", ".1", ".2", ".3", ".5", ".6", ".8"]
    (tmp_path / "mended").touch()
    again = call(*words, cmd="slurm.py --partition short")
    assert again.returncode == 0 and again.stdout.startswith("continuing") and "finished in" in again.stdout
    assert len(list(tmp_path.glob("out/item.*"))) == 9
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert (tmp_path / "out/item.7").read_text() == "--job 2/3"
    # Here as there: the backend is no part of what was done.
    assert call(*words).stdout.startswith("skipped")
