#!/usr/bin/env python3
"""Run a command, or N of it in parallel, on this machine: Kaldi's `$cmd JOB=1:N LOG COMMAND...`.

JOB as a word in LOG and in COMMAND becomes the number of the job. Each log begins with the command line, the host and
the time, holds what the command wrote, and ends with the time it took and its exit code; a second run appends. What a
single job writes also appears on the terminal, if there is one. When a job fails the others go on; then the last lines
of the failed log are shown. On Ctrl-C or TERM every job is ended with all its children.

Exit code: 0, or that of a single failed job, or 1; 128 + the signal when it was ended by one.
"""

import argparse
import contextlib
import ctypes
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

TAIL_LINES = 20
GRACE_SEC = 5.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass
class Job:
    """One command and its log. `start` is where this run's part of the log begins, in bytes."""

    number: int
    log: Path
    command: list[str]
    process: subprocess.Popen | None = None
    echo: threading.Thread | None = None
    start: int = 0
    began: float = 0.0
    code: int | None = None


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-jobs-run", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    for name, what in (("gpu", "GPUs per job"), ("mem", "memory per job"), ("time", "time per job")):
        parser.add_argument(f"--{name}", help=f"{what}: for schedulers; this machine gives what it has")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="[JOB=1:N] LOG COMMAND...")
    # Options may stand on either side of JOB=1:N, but what follows LOG is the command's.
    options, jobs = parser.parse_args(), None
    if options.words and (match := re.fullmatch(r"JOB=(\d+)(?::(\d+))?", options.words[0])):
        jobs = range(int(match[1]), int(match[2] or match[1]) + 1)
        options = parser.parse_args(options.words[1:], namespace=options)
    if len(options.words) < 2:
        parser.error("a log file and a command are needed")
    if options.max_jobs_run < 1 or (jobs is not None and not jobs):
        parser.error("at least one job must run")
    options.jobs = jobs
    return options


def make_jobs(numbers: range | None, words: list[str]) -> list[Job]:
    """The jobs with JOB replaced. Raises SystemExit when several would write one log."""
    if numbers is None:
        return [Job(1, Path(words[0]), words[1:])]
    filled = [[re.sub(r"(?<![A-Za-z0-9_])JOB(?![A-Za-z0-9_])", str(n), word) for word in words] for n in numbers]
    if len({log for log, *_ in filled}) < len(filled):
        sys.exit(f"run.py: error: {words[0]} has no JOB in its name: {len(filled)} jobs would write one log")
    return [Job(n, Path(log), command) for n, (log, *command) in zip(numbers, filled, strict=True)]


def now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def die_with(parent: int, mask: set) -> None:
    """In the child, before the command: end when the parent does (Linux), and take signals again."""
    with contextlib.suppress(AttributeError):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def start(job: Job, mask: set, on_terminal: bool) -> None:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    job.began, parent = time.monotonic(), os.getpid()
    with open(job.log, "ab") as log:
        job.start = log.tell()
        head = f"# {shlex.join(job.command)}\n# host {socket.gethostname()}, folder {os.getcwd()}, started {now()}\n"
        log.write(head.encode())
        log.flush()
        reader, writer = open_terminal() if on_terminal else (None, log.fileno())
        try:
            job.process = subprocess.Popen(
                job.command,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
                preexec_fn=lambda: die_with(parent, mask),  # noqa: PLW1509 - a thread starts after the last job
            )
        except OSError as error:
            log.write(f"cannot start {job.command[0]}: {error.strerror}\n".encode())
            job.code = 127
    if reader is not None:
        os.close(writer)
        job.echo = threading.Thread(target=copy_terminal, args=(reader, job.log), daemon=True)
        job.echo.start()


def open_terminal() -> tuple[int, int]:
    """A terminal of the size of ours for the command: progress bars are drawn only on one."""
    import fcntl
    import pty
    import termios

    reader, writer = pty.openpty()
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
    return reader, writer


def copy_terminal(reader: int, path: Path) -> None:
    """Everything goes to our terminal; the log gets each line as it looked in the end."""
    line = b""
    with open(path, "ab", buffering=0) as log, contextlib.suppress(OSError):  # EIO: all writers are gone
        try:
            while data := os.read(reader, 65536):
                os.write(2, data)
                *lines, line = (line + data).split(b"\n")
                log.write(b"".join(final_text(text) + b"\n" for text in lines))
        finally:
            if line:
                log.write(final_text(line) + b"\n")


def final_text(line: bytes) -> bytes:
    """What a terminal shows of a line that was drawn over after each carriage return."""
    return line.rstrip(b"\r").rsplit(b"\r", 1)[-1]


def finish(job: Job) -> None:
    """Close the log of a job that has ended, and end what it left behind."""
    if job.process is not None:
        job.code = job.process.returncode if job.process.returncode >= 0 else 128 - job.process.returncode
        signal_group(job, signal.SIGKILL)
    if job.echo is not None:
        job.echo.join(timeout=2)
    with open(job.log, "ab") as log:
        log.write(f"# ended {now()} after {time.monotonic() - job.began:.1f} s, exit code {job.code}\n".encode())


def signal_group(job: Job, number: int) -> bool:
    """Send a signal to a job and its children; False when none is left."""
    try:
        os.killpg(job.process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def is_left(job: Job) -> bool:
    """Whether the job or a child of it still runs; collects what has ended."""
    if job.process.poll() is None:
        return True
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-job.process.pid, os.WNOHANG)[0]:
            pass
    return signal_group(job, 0)


def end_all(running: list[Job]) -> None:
    """TERM to every job and its children, KILL to what is left after GRACE_SEC."""
    for job in running:
        signal_group(job, signal.SIGTERM)
    limit = time.monotonic() + GRACE_SEC
    left = running
    while (left := [job for job in left if is_left(job)]) and time.monotonic() < limit:
        time.sleep(0.02)
    for job in left:
        signal_group(job, signal.SIGKILL)
    for job in running:
        job.process.wait()
        finish(job)


def run_all(jobs: list[Job], at_once: int, on_terminal: bool) -> int:
    """Run the jobs; returns 0, or the number of the signal that stopped them."""
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with contextlib.suppress(AttributeError):  # Linux: a job's orphans become our children, so that we see them end
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    # Blocked and fetched one by one, so that none is lost between the start of a job and its entry in the list.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS | {signal.SIGCHLD}) - SIGNALS
    waiting, running = list(jobs), []
    while waiting or running:
        while waiting and len(running) < at_once:
            job = waiting.pop(0)
            start(job, mask, on_terminal)
            if job.process is None:
                finish(job)
            else:
                running.append(job)
        if not running:
            continue
        received = signal.sigwait(SIGNALS | {signal.SIGCHLD})
        if received != signal.SIGCHLD:
            end_all(running)
            return received
        for job in [job for job in running if job.process.poll() is not None]:
            running.remove(job)
            finish(job)
    return 0


def tail(job: Job) -> str:
    """The last lines of this run's part of the log."""
    with open(job.log, "rb") as log:
        log.seek(job.start)
        lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])


def report(jobs: list[Job]) -> int:
    """Say which jobs failed, and how they ended; the exit code of it all."""
    failed = [job for job in jobs if job.code]
    for job in failed:
        which = f"job {job.number} of {len(jobs)}" if len(jobs) > 1 else "the command"
        print(f"run.py: {which} failed with exit code {job.code}; the end of {job.log}:", file=sys.stderr)
        print(tail(job), file=sys.stderr)
    if len(jobs) == 1:
        return jobs[0].code
    seconds = time.monotonic() - min(job.began for job in jobs)
    print(f"run.py: {len(jobs) - len(failed)} of {len(jobs)} jobs done in {seconds:.1f} s", file=sys.stderr)
    return 1 if failed else 0


def main() -> int:
    options = parse()
    jobs = make_jobs(options.jobs, options.words)
    try:
        stopped = run_all(jobs, options.max_jobs_run, on_terminal=len(jobs) == 1 and sys.stderr.isatty())
        return 128 + stopped if stopped else report(jobs)
    except OSError as error:
        sys.exit(f"run.py: error: {error.filename or jobs[0].log}: {error.strerror}")


LIBC = ctypes.CDLL(None)

if __name__ == "__main__":
    sys.exit(main())
