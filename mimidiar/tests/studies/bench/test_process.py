"""What is measured of a process and its children."""

import os
import sys
from pathlib import Path

import pytest

from mimidiar.errors import MimidiarError
from mimidiar.studies.bench import process
from mimidiar.studies.bench.process import allowed_cores, run_measured, tree
from mimidiar.tests.utils.conftest import is_alive, wait_for

# Holds sys.argv[1] MiB, and has sys.argv[2] children that hold as much, all at once until that was seen.
HOLD = """
import subprocess, sys, time
from pathlib import Path
size, children, program, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
held = bytearray(size * 2**20)
held[::4096] = b"x" * len(held[::4096])
line = [sys.executable, "-c", program, str(size), "0", "", str(folder / "of a child")]
held_by_children = [subprocess.Popen(line, stdout=subprocess.PIPE) for _ in range(children)]
for child in held_by_children:
    child.stdout.read(1)
print("held", flush=True)
folder.mkdir(exist_ok=True)
(folder / "held").touch()
while not (folder / "seen").exists():
    time.sleep(0.01)
for child in held_by_children:
    child.kill()
"""


def measured(tmp_path: Path, program: str, *words: object, cores: int = 1):
    command = [sys.executable, "-c", program, *map(str, words)]
    return run_measured(command, allowed_cores(cores), tmp_path / "log")


def test_memory_is_that_of_the_whole_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def peak_mb(size: int, children: int) -> float:
        folder, looks = tmp_path / f"{size}.{children}", []

        def noted(pid: int) -> list[int]:
            if (folder / "held").exists():
                looks.append(pid)
            if len(looks) > 1:  # the look before this one was one at all that is held
                (folder / "seen").touch()
            return tree(pid)

        monkeypatch.setattr(process, "tree", noted)
        return measured(tmp_path, HOLD, size, children, HOLD, folder).peak_mb

    bare, alone, three = peak_mb(1, 0), peak_mb(100, 0), peak_mb(100, 2)
    assert 95 < alone - bare < 115
    assert 3 * 100 < three < 3 * (100 + bare) + 10


def test_processor_time_of_children_counts_and_waiting_does_not(tmp_path: Path) -> None:
    spin = "import time\nwhile time.process_time() < 0.4: pass"
    program = "import subprocess, sys, time; time.sleep(0.3); subprocess.run([sys.executable, '-c', sys.argv[1]])"
    usage = measured(tmp_path, program, spin)
    assert 0.4 <= usage.cpu_sec < usage.wall_sec - 0.3 + 0.02  # on one core; the clocks differ by a tick or two
    assert usage.wall_sec > 0.3 + 0.4


def test_a_process_has_the_cores_that_it_is_given_and_no_limit_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    measured(tmp_path, "import os; print(sorted(os.sched_getaffinity(0)), 'OMP_NUM_THREADS' in os.environ)")
    assert (tmp_path / "log").read_text() == f"{sorted(os.sched_getaffinity(0))[:1]} False\n"


def test_more_cores_than_there_are_are_refused_with_both_numbers() -> None:
    there = len(os.sched_getaffinity(0))
    with pytest.raises(MimidiarError, match=f"{there + 1} cores were requested, there are {there}"):
        allowed_cores(there + 1)


def test_a_failure_is_told_with_its_code_and_last_lines(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"ended with code 3; .*log ends:\nno such model"):
        measured(tmp_path, "import sys; print('no such model'); sys.exit(3)")
    with pytest.raises(MimidiarError, match="/no/such/program: cannot be started"):
        run_measured(["/no/such/program"], allowed_cores(1), tmp_path / "log")


def test_what_a_system_leaves_running_is_ended(tmp_path: Path) -> None:
    program = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1).pid)"
    measured(tmp_path, program)
    pid = int((tmp_path / "log").read_text())
    wait_for(lambda: not is_alive(pid))


def test_a_process_without_children_is_its_own_tree() -> None:
    assert tree(os.getpid())[0] == os.getpid()
