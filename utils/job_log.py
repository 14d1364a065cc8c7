"""Jobs and their logs: what run.py and slurm.py share.

A log begins with the command line, the host and the time, holds what the command wrote, and ends with the time it took
and its exit code. A second run appends.
"""

import argparse
import contextlib
import ctypes
import os
import re
import shlex
import signal
import socket
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

TAIL_LINES = 20
# What stops a run; under nohup a terminal that closes does not.
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    SIGNALS.remove(signal.SIGHUP)
# `mimidiar GROUP COMMAND`: the log is called after the command.
GROUPS = {"data", "feats", "model", "eval", "table", "study"}
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
END = re.compile(r"^# ended \S+ after \S+ s, exit code (\d+)$", re.MULTILINE)


@dataclass
class Job:
    """One command and its log. `start` is where this run's part of the log begins, in bytes; `end` says how it ended
    where the exit code alone does not.
    """

    number: int
    log: Path
    command: list[str]
    start: int = 0
    began: float = 0.0
    code: int | None = None
    end: str = ""


def end_with_parent(number: int = signal.SIGTERM, parent: int | None = None) -> None:
    """Get this signal when the process that waits for this one ends (Linux): a shell that gets TERM does so at once.

    `parent`: its id, in a child before its command begins, which leaves where the parent has ended already.
    """
    with contextlib.suppress(AttributeError):
        LIBC.prctl(PR_SET_PDEATHSIG, number)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def command_name(command: list[str]) -> str:
    """What a command is called in names of logs: `extract` of `mimidiar feats extract ...`."""
    words = [Path(word).name for word in command[:3]]
    if words[0] != "mimidiar" or len(words) < 2:
        return words[0]
    return words[2] if words[1] in GROUPS and len(words) > 2 else words[1]


def new_parser(about: str | None) -> argparse.ArgumentParser:
    """The options of every program that runs jobs."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="[JOB=1:N] LOG COMMAND...")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options; besides, `jobs`, the numbers in JOB=1:N or None, `words`, and `others`, the options not known."""
    # Options may stand on either side of JOB=1:N, but what follows LOG is the command's.
    (options, others), jobs = parser.parse_known_args(), None
    if options.words and (match := re.fullmatch(r"JOB=(\d+)(?::(\d+))?", options.words[0])):
        jobs = range(int(match[1]), int(match[2] or match[1]) + 1)
        options, more = parser.parse_known_args(options.words[1:], namespace=options)
        others += more
    if len(options.words) < 2:
        parser.error("a log file and a command are needed")
    if (options.max_jobs_run is not None and options.max_jobs_run < 1) or (jobs is not None and not jobs):
        parser.error("at least one job must run")
    options.jobs, options.others = jobs, others
    return options


def fill(word: str, number: object) -> str:
    """`word` with JOB, where it is a word of its own, replaced."""
    return re.sub(r"(?<![A-Za-z0-9_])JOB(?![A-Za-z0-9_])", str(number), word)


def make_jobs(numbers: range | None, words: list[str]) -> list[Job]:
    """The jobs with JOB replaced. Raises SystemExit when several would write one log."""
    if numbers is None:
        return [Job(1, Path(words[0]), words[1:])]
    filled = [[fill(word, n) for word in words] for n in numbers]
    if len({log for log, *_ in filled}) < len(filled):
        fail(f"{words[0]} has no JOB in its name: {len(filled)} jobs would write one log")
    return [Job(n, Path(log), command) for n, (log, *command) in zip(numbers, filled, strict=True)]


def now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def open_log(job: Job) -> BinaryIO:
    """The log, to append this run's part."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    log = open(job.log, "ab")  # noqa: SIM115 - the caller's
    job.start, job.began = log.tell(), time.monotonic()
    return log


def head(job: Job) -> bytes:
    where = f"host {socket.gethostname()}, folder {os.getcwd()}, started {now()}"
    return f"# {shlex.join(job.command)}\n# {where}\n".encode()


def last_line(job: Job) -> bytes:
    return f"# ended {now()} after {time.monotonic() - job.began:.1f} s, exit code {job.code}\n".encode()


def read_part(job: Job) -> str:
    """This run's part of the log; nothing where somebody has removed it."""
    try:
        with open(job.log, "rb") as log:
            log.seek(job.start)
            return log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def read_code(job: Job) -> int | None:
    """The exit code at the end of this run's part of the log; None when it was not written."""
    codes = END.findall(read_part(job))
    return int(codes[-1]) if codes else None


def conclude(jobs: list[Job]) -> int:
    """The exit code of all; says which jobs failed, how they ended, and what the ends of their logs are."""
    failed = [job for job in jobs if job.code]
    for job in failed:
        which = f"job {job.number} of {len(jobs)}" if len(jobs) > 1 else "the command"
        end = f" ({job.end})" if job.end else ""
        say(f"{which} failed with exit code {job.code}{end}; the end of {job.log}:")
        print("\n".join(f"  {line}" for line in read_part(job).splitlines()[-TAIL_LINES:]), file=sys.stderr)
    if len(jobs) > 1:
        seconds = time.monotonic() - min(job.began for job in jobs)
        say(f"{len(jobs) - len(failed)} of {len(jobs)} jobs done in {seconds:.1f} s")
    return exit_code(jobs)


def exit_code(jobs: list[Job]) -> int:
    return jobs[0].code if len(jobs) == 1 else int(any(job.code for job in jobs))


def say(message: str) -> None:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr, flush=True)


def fail(message: str) -> None:
    say(f"error: {message}")
    sys.exit(1)
