"""What is measured of a process and its children."""

import os
import sys
import time
from pathlib import Path

import pytest

from mimidiar.errors import MimidiarError
from mimidiar.studies.bench.process import allowed_cores, run_measured, tree

# Holds sys.argv[1] MiB, and has sys.argv[2] children that hold as much, all at once for 0.3 s.
HOLD = """
import subprocess, sys, time
size, children = int(sys.argv[1]), int(sys.argv[2])
held = bytearray(size * 2**20)
held[::4096] = b"x" * len(held[::4096])
line = [sys.executable, "-c", sys.argv[3], str(size), "0", ""]
held_by_children = [subprocess.Popen(line, stdout=subprocess.PIPE) for _ in range(children)]
for child in held_by_children:
    child.stdout.read(1)
print("held", flush=True)
time.sleep(0.3 if children else 0.6)
for child in held_by_children:
    child.wait()
"""


def measured(tmp_path: Path, program: str, *words: object, cores: int = 1):
    command = [sys.executable, "-c", program, *map(str, words)]
    return run_measured(command, allowed_cores(cores), tmp_path / "log")


def test_memory_is_that_of_the_whole_tree(tmp_path: Path) -> None:
    bare = measured(tmp_path, HOLD, 1, 0, HOLD).peak_mb
    alone = measured(tmp_path, HOLD, 100, 0, HOLD).peak_mb
    three = measured(tmp_path, HOLD, 100, 2, HOLD).peak_mb
    assert 95 < alone - bare < 115
    assert 3 * 100 < three < 3 * (100 + bare) + 10


def test_processor_time_of_children_counts_and_waiting_does_not(tmp_path: Path) -> None:
    spin = "import time\nwhile time.process_time() < 0.4: pass"
    program = "import subprocess, sys, time; time.sleep(0.3); subprocess.run([sys.executable, '-c', sys.argv[1]])"
    usage = measured(tmp_path, program, spin)
    assert 0.4 <= usage.cpu_sec < 0.4 + 0.5
    assert usage.wall_sec > 0.3 + 0.4


def test_a_process_has_the_cores_that_it_is_given_and_no_limit_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    measured(tmp_path, "import os; print(sorted(os.sched_getaffinity(0)), 'OMP_NUM_THREADS' in os.environ)")
    assert (tmp_path / "log").read_text() == f"{sorted(os.sched_getaffinity(0))[:1]} False\n"


def test_more_cores_than_there_are_are_refused_with_both_numbers() -> None:
    there = len(os.sched_getaffinity(0))
    with pytest.raises(MimidiarError, match=f"{there + 1} cores were asked for, there are {there}"):
        allowed_cores(there + 1)


def test_a_failure_is_told_with_its_code_and_last_lines(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"ended with code 3; .*log ends:\nno such model"):
        measured(tmp_path, "import sys; print('no such model'); sys.exit(3)")
    with pytest.raises(MimidiarError, match="/no/such/program: cannot be started"):
        run_measured(["/no/such/program"], allowed_cores(1), tmp_path / "log")


def test_what_a_system_leaves_running_is_ended(tmp_path: Path) -> None:
    program = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1).pid)"
    measured(tmp_path, program)
    pid = (tmp_path / "log").read_text().strip()
    for _ in range(100):
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} is still there")


def test_a_process_without_children_is_its_own_tree() -> None:
    assert tree(os.getpid())[0] == os.getpid()
