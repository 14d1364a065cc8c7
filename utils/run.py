#!/usr/bin/env python3
"""Run a command, or N of it in parallel, on this machine: Kaldi's `$cmd JOB=1:N LOG COMMAND...`.

JOB as a word in LOG and in COMMAND becomes the number of the job. Each log begins with the command line, the host and
the time, holds what the command wrote, and ends with the time it took and its exit code; a second run appends. What a
single job writes also appears on the terminal, if there is one. When a job fails the others go on; then the last lines
of the failed log are shown. On Ctrl-C or TERM every job is ended with all its children.

Exit code: 0, or that of a single failed job, or 1; 128 + the signal when it was ended by one.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import job_log
from job_log import SIGNALS, Job, conclude, end_with_parent, exit_code, fail, head, last_line, make_jobs, open_log

GRACE_SEC = 5.0


@dataclass
class Running:
    """A job at work; `echo` copies what it writes to the terminal and the log."""

    job: Job
    process: subprocess.Popen
    echo: threading.Thread | None = None


def die_with(parent: int, mask: set) -> None:
    """In the child, before the command: end when the parent does (Linux), and take signals again."""
    end_with_parent(signal.SIGKILL, parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def start(job: Job, mask: set, on_terminal: bool) -> Running | None:
    """None when the command cannot be started."""
    parent = os.getpid()
    with open_log(job) as log:
        log.write(head(job))
        log.flush()
        reader, writer = open_terminal() if on_terminal else (None, log.fileno())
        try:
            process = subprocess.Popen(
                job.command,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
                preexec_fn=lambda: die_with(parent, mask),  # noqa: PLW1509 - a thread starts after the last job
            )
        except OSError as error:
            job.code = 127
            log.write(f"cannot start {job.command[0]}: {error.strerror}\n".encode() + last_line(job))
            return None
    if reader is None:
        return Running(job, process)
    os.close(writer)
    echo = threading.Thread(target=copy_terminal, args=(reader, job.log), daemon=True)
    echo.start()
    return Running(job, process, echo)


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


def finish(running: Running) -> None:
    """Close the log of a job that has ended, and end what it left behind."""
    job, code = running.job, running.process.returncode
    job.code = code if code >= 0 else 128 - code
    signal_group(running, signal.SIGKILL)
    if running.echo is not None:
        running.echo.join(timeout=2)
    with open(job.log, "ab") as log:
        log.write(last_line(job))


def signal_group(running: Running, number: int) -> bool:
    """Send a signal to a job and its children; False when none is left."""
    try:
        os.killpg(running.process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def is_left(running: Running) -> bool:
    """Whether the job or a child of it still runs; collects what has ended."""
    if running.process.poll() is None:
        return True
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-running.process.pid, os.WNOHANG)[0]:
            pass
    return signal_group(running, 0)


def end_all(running: list[Running]) -> None:
    """TERM to every job and its children, KILL to what is left after GRACE_SEC."""
    for each in running:
        signal_group(each, signal.SIGTERM)
    limit = time.monotonic() + GRACE_SEC
    left = running
    while (left := [each for each in left if is_left(each)]) and time.monotonic() < limit:
        time.sleep(0.02)
    for each in left:
        signal_group(each, signal.SIGKILL)
    for each in running:
        each.process.wait()
        finish(each)


def run_all(jobs: list[Job], at_once: int, on_terminal: bool) -> int:
    """Run the jobs; returns 0, or the number of the signal that stopped them."""
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with contextlib.suppress(AttributeError):  # Linux: a job's orphans become our children, so that we see them end
        job_log.LIBC.prctl(job_log.PR_SET_CHILD_SUBREAPER, 1)
    # Blocked and fetched one by one, so that none is lost between the start of a job and its entry in the list.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS | {signal.SIGCHLD}) - SIGNALS
    waiting, running = list(jobs), []
    while waiting or running:
        while waiting and len(running) < at_once:
            if (started := start(waiting.pop(0), mask, on_terminal)) is not None:
                running.append(started)
        if not running:
            continue
        received = signal.sigwait(SIGNALS | {signal.SIGCHLD})
        if received != signal.SIGCHLD:
            end_all(running)
            return received
        for ended in [each for each in running if each.process.poll() is not None]:
            running.remove(ended)
            finish(ended)
    return 0


def read_options() -> tuple[list[Job], int, bool]:
    """The jobs, how many run at once, and whether nothing is said of them."""
    parser = job_log.new_parser(__doc__)
    parser.add_argument("--max-jobs-run", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    parser.add_argument("--quiet", action="store_true", help="do not show the end of a failed log")
    for name, what in {"gpu": "GPUs", "cpus": "cores", "mem": "memory", "time": "time"}.items():
        parser.add_argument(f"--{name}", help=f"{what} per job: for slurm.py; this machine gives what it has")
    options = job_log.parse(parser)
    if options.others:
        parser.error(f"unknown options: {' '.join(options.others)}")
    return make_jobs(options.jobs, options.words), options.max_jobs_run, options.quiet


def main() -> int:
    jobs, at_once, quiet = read_options()
    try:
        stopped = run_all(jobs, at_once, on_terminal=len(jobs) == 1 and sys.stderr.isatty())
    except OSError as error:
        fail(f"{error.filename or jobs[0].log}: {error.strerror}")
    if stopped:
        return 128 + stopped
    return exit_code(jobs) if quiet else conclude(jobs)


if __name__ == "__main__":
    sys.exit(main())
