"""The cost of a process with all its children: wall time, processor time and memory (Linux)."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mimidiar.errors import MimidiarError

SAMPLE_SEC = 0.05
LAST_LINES = 5
THREAD_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Usage:
    """Seconds from start to end, processor seconds in that time, and peak memory in MiB.

    Processor time is that of the process and of all descendants that were waited for. Memory is the resident set,
    summed over the tree, sampled every 50 ms, and never less than the peak of any single process: shared memory counts
    twice.
    """

    wall_sec: float
    cpu_sec: float
    peak_mb: float


def allowed_cores(count: int) -> list[int]:
    """The first `count` cores that this process may run on. MimidiarError where there are fewer."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < count:
        raise MimidiarError(f"{count} cores were requested, there are {len(cores)}; request fewer (--cores)")
    return cores[:count]


def run_measured(command: Sequence[str], cores: Sequence[int], log: str | Path) -> Usage:
    """Run a command on these cores alone, with its output in `log`.

    The limits of threads that recipes set (`utils/environment.sh`) are not passed on: a user's shell has none, and a
    multi-threaded system is measured with its threads, on its cores.

    Raises MimidiarError with the program, its exit code and its last lines if it fails or cannot be started.
    """
    with open(log, "w", encoding="utf-8") as stream:
        began = time.monotonic()
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name not in THREAD_LIMITS},
                preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509 - no thread has been started
            )
        except OSError as error:
            raise MimidiarError(f"{command[0]}: cannot be started ({error.strerror})") from None
        with _ended(process), _watched(process.pid) as peak:
            _, status, rusage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
    if process.returncode:
        last = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        text = "\n".join([f"{command[0]}: ended with code {process.returncode}; {log} ends:", *last])
        raise MimidiarError(text)
    return Usage(wall, rusage.ru_utime + rusage.ru_stime, peak[0] / 2**20)


@contextlib.contextmanager
def _ended(process: subprocess.Popen) -> Iterator[None]:
    """End the whole process session in any case."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """A list with one entry: the peak bytes of the tree below `pid`."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        while True:
            now, highest = zip(*map(_resident_bytes, tree(pid)), strict=True)
            peak[0] = max(peak[0], sum(now), *highest)
            if over.wait(SAMPLE_SEC):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for process in found:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


def _resident_bytes(pid: int) -> tuple[int, int]:
    """Current and peak resident bytes of a process; 0 of one that has just ended.

    The kernel's `ru_maxrss` does not serve: it includes the parent's memory before exec.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    values = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    return tuple(int(values.get(name, "0").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
