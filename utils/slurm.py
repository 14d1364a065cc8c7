#!/usr/bin/env python3
"""Run a command, or N of it, as jobs of Slurm: called as run.py is, with the same logs and exit codes.

Options of sbatch are handed on: those below, and others as --NAME=VALUE, or --NAME where they take no value. N jobs are
one array. Each job is a run.py on its node, in this folder with this environment: nodes must see the same files.

A job that was ended from outside (scancel, its time or memory, its node) has failed, and Slurm's word for it is shown
with the last lines of its log. It is not put into the queue again, unless --requeue is given. On Ctrl-C or TERM the
jobs are cancelled. A controller that does not answer is waited for; an accounting database is not needed.

Exit code: 0, or that of a single failed job, or 1; 128 + the signal when it was ended by one.
"""

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from job_log import SIGNALS, Job, conclude, fail, fill, make_jobs, new_parser, open_log, parse, read_code, say

OWN = {"array", "chdir", "error", "export", "job-name", "open-mode", "output", "parsable", "wait", "wrap"}
# Options of sbatch whose value may also stand after a blank.
HANDED_ON = ["account", "constraint", "cpus-per-task", "exclude", "gres", "mem", "nodelist", "partition", "qos"]
HANDED_ON += ["reservation", "time"]
# States in which a job stays as it is. One that Slurm no longer knows has ended, too.
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"}
ENDED |= {"REVOKED", "TIMEOUT"}
NO_ANSWER = re.compile(r"Unable to contact slurm controller|[Tt]imed out|Zero Bytes were transmitted")
UNKNOWN_JOB, NO_ARRAY = "Invalid job id", "N/A"
PATIENCE_SEC = 3600.0  # for a controller that does not answer
GRACE_SEC = 45.0  # Slurm kills what has not ended 30 s after it was cancelled


class Stopped(Exception):
    """By a signal, whose number it holds."""


def read_options() -> Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("--max-jobs-run", type=int, help="jobs of an array at once; default: all that Slurm lets run")
    parser.add_argument("--gpu", type=int, default=0, help="GPUs per job; default: none")
    parser.add_argument(
        "--cpus", type=int, default=1, help="cores per job, unless --cpus-per-task is given; default: 1"
    )
    for name in HANDED_ON:
        parser.add_argument(f"--{name}", dest=name, metavar="VALUE", help="see sbatch")
    options = parse(parser)
    for word in options.others:
        if not word.startswith("--"):
            parser.error(f"{word}: options have their long names here")
        if word[2:].partition("=")[0] in OWN:
            parser.error(f"{word}: slurm.py sets this itself")
    return options


def sbatch_line(options: Namespace, name: str) -> list[str]:
    """The call of sbatch. What Slurm itself has to say of a job comes into its log, too."""
    line = ["sbatch", "--parsable", f"--job-name={name}", f"--chdir={os.getcwd()}", "--export=ALL"]
    line += ["--open-mode=append", "--no-requeue", "--ntasks=1", f"--cpus-per-task={options.cpus}"]
    log = options.words[0].replace("%", "%%")
    line.append(f"--output={fill(log, '%a') if options.jobs else log}")
    if options.jobs:
        most = f"%{options.max_jobs_run}" if options.max_jobs_run else ""
        line.append(f"--array={options.jobs[0]}-{options.jobs[-1]}{most}")
    if options.gpu:
        line.append(f"--gres=gpu:{options.gpu}")
    line += [f"--{name}={value}" for name, value in vars(options).items() if name in HANDED_ON and value is not None]
    # At the end sbatch sees when one of these lacks its value.
    return [*line, *options.others]


def script(options: Namespace) -> str:
    """What a job does: run.py, which writes the log, and ends the command and its children when it is ended."""
    run = shlex.join([sys.executable, str(Path(__file__).resolve().with_name("run.py")), "--quiet"])
    number = '"JOB=$SLURM_ARRAY_TASK_ID" ' if options.jobs else ""
    return f"#!/bin/sh\nexec {run} {number}{shlex.join(options.words)}\n"


def job_name(log: str) -> str:
    """The same for every call that writes this log, and for no other, so that its job can be found."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", Path(log).stem.removesuffix(".JOB"))
    return f"{stem}.{hashlib.sha256(os.path.abspath(log).encode()).hexdigest()[:12]}"


def ask(*words: str, text: str = "") -> subprocess.CompletedProcess:
    # Settings of the user for squeue change what it prints.
    env = {key: value for key, value in os.environ.items() if not key.startswith("SQUEUE_") and key != "SBATCH_WAIT"}
    return subprocess.run(words, input=text, capture_output=True, text=True, check=False, env=env)


def pause(seconds: float) -> None:
    """Raises Stopped when a signal comes."""
    if received := signal.sigtimedwait(SIGNALS, seconds):
        raise Stopped(received.si_signo)


def is_answer(done: subprocess.CompletedProcess) -> bool:
    return done.returncode == 0 or not NO_ANSWER.search(done.stderr)


def patiently(attempt: Callable, is_enough: Callable = is_answer) -> subprocess.CompletedProcess:
    """Try until the controller answers. Raises SystemExit after PATIENCE_SEC."""
    began, told = time.monotonic(), False
    while not is_enough(done := attempt()):
        waited = time.monotonic() - began
        if waited > PATIENCE_SEC:
            fail(f"Slurm has not answered for {waited / 60:.0f} min; what was submitted may still run, see squeue")
        if not told:
            say(f"waiting for Slurm: {done.stderr.strip()}")
        told = True
        pause(min(1 + waited / 10, 30))
    return done


def find_job(name: str) -> str:
    """The id of the job of this name that has not ended, or nothing."""
    query = ("squeue", f"--user={os.getuid()}", f"--name={name}", "--noheader", "--Format=ArrayJobID:24")
    done = patiently(lambda: ask(*query))
    if done.returncode:
        fail(done.stderr.strip())
    return (done.stdout.split() or [""])[0]


def submit(options: Namespace, name: str) -> str:
    """The id of the job. Raises SystemExit when Slurm refuses it, or has one that writes the same log."""
    line, text, log = sbatch_line(options, name), script(options), options.words[0]
    if earlier := find_job(name):
        fail(f"job {earlier} of an earlier call has not ended and writes {log}: wait for it, or `scancel {earlier}`")

    def attempt() -> subprocess.CompletedProcess:
        done = ask(*line, text=text)
        # What was sent may have arrived, though no answer came back.
        if not is_answer(done) and (found := find_job(name)):
            return subprocess.CompletedProcess(line, 0, found)
        return done

    done = patiently(attempt)
    if done.returncode:
        fail(done.stderr.strip())
    return done.stdout.strip().partition(";")[0]


def read_states(job: str) -> dict[str, tuple[str, int]]:
    """State and wait status of all tasks that Slurm knows, by their numbers; by N/A where the job is no array."""
    query = ("squeue", f"--jobs={job}", "--states=all", "--array", "--noheader")
    columns = "--Format=ArrayTaskID:24,State:24,exit_code:24"
    done = patiently(lambda: ask(*query, columns), lambda done: done.returncode == 0 or UNKNOWN_JOB in done.stderr)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {task: (state, int(status)) for task, state, status in rows}


def settle(job: Job, task: str, state: str, status: int) -> None:
    """The exit code by Slurm, which knows what ended it; by the log where Slurm has forgotten it."""
    logged = read_code(job)
    code = os.waitstatus_to_exitcode(status)
    job.code = code if code >= 0 else 128 - code
    if not state:
        job.code = 1 if logged is None else logged
    elif state != "COMPLETED":
        job.code = job.code or logged or 1
    job.end = f"Slurm job {task}: {state or 'no longer known'}"


def watch(job: str, tasks: dict[str, Job]) -> None:
    """Returns when all have ended. The longer they take, the less often Slurm is asked: a twentieth of the time."""
    began, left = time.monotonic(), dict(tasks)
    while left:
        pause(min(max(0.3, (time.monotonic() - began) / 20), 30))
        states = read_states(job)
        for number in list(left):
            state, status = states.get(number, ("", 0))
            if state in ENDED or not state:
                settle(left.pop(number), job if number == NO_ARRAY else f"{job}_{number}", state, status)


def cancel(name: str) -> None:
    """Cancel the job, and wait until it has ended: whatever comes next may write the same files."""
    limit, cancelled = time.monotonic() + GRACE_SEC, False
    while time.monotonic() < limit:
        cancelled = cancelled or ask("scancel", f"--user={os.getuid()}", f"--name={name}").returncode == 0
        left = ask("squeue", f"--user={os.getuid()}", f"--name={name}", "--noheader")
        if cancelled and left.returncode == 0 and not left.stdout.strip():
            return
        time.sleep(0.3)
    say(f"jobs may still run: scancel --name={name}")


def main() -> int:
    options = read_options()
    if shutil.which("sbatch") is None:
        fail("sbatch is not on PATH: this is to be called where Slurm's commands are; elsewhere there is run.py")
    jobs, name = make_jobs(options.jobs, options.words), job_name(options.words[0])
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        for job in jobs:
            open_log(job).close()
        number = submit(options, name)
        say(f"Slurm job {number}, {options.words[0]}")
        watch(number, {str(job.number): job for job in jobs} if options.jobs else {NO_ARRAY: jobs[0]})
    except Stopped as stopped:
        cancel(name)
        return 128 + stopped.args[0]
    except OSError as error:
        fail(f"{error.filename or options.words[0]}: {error.strerror}")
    return conclude(jobs)


if __name__ == "__main__":
    sys.exit(main())
