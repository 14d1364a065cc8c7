#!/usr/bin/env python3
"""Run one stage of a recipe: a command with declared inputs and one output folder; it may be called again at any time.

    stage.py --out DIR [--also DIR]... [--input PATH]... [--nj N] [--force true|false] [--name NAME] \\
        -- COMMAND... [::: COMMAND...]

DIR/.stage.json keeps what was done: status, command, inputs, the key that stands for both (stage_key.py), the commit of
the code, all that is behind the inputs, and what was made (mimidiar/report/lineage.py).

Called again with the same key, a finished stage is skipped and an unfinished one goes on; with another key it is
refused, saying what changed, unless --force true, which removes what DIR holds (but not the folders of other stages in
it) and starts anew. A stage that failed before it made anything is no ground to refuse: what made it fail was to be
changed.

A command that makes several folders names the others by --also: each gets a .stage.json of its own, so that later
stages can depend on one of them.

With --nj N above 1, `$cmd JOB=1:N DIR/log/NAME.JOB.log COMMAND --job JOB/N` runs first, and then, as always,
`$cmd DIR/log/NAME.log COMMAND`, which does what is left and finishes. Commands between `:::` run in order; only the
first is cut into jobs. $cmd is run.py unless the environment says otherwise (slurm.py, say; see cmd.sh).

Exit code: 0, or that of the command, which stays unfinished; 1 for an error of its own; 130 after Ctrl-C.
"""

import argparse
import contextlib
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from job_log import SIGNALS, command_name, end_with_parent, now
from stage_key import LOCK, changes, digest_input, new_state

from mimidiar.commit import code_commit
from mimidiar.errors import MimidiarError
from mimidiar.report.lineage import behind, describe
from mimidiar.report.stage_state import STATE, VERSION, State, owner_of, read_state, write_state

LEFTOVER_SEC = 10.0  # run.py gives its jobs 5 s to end


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the folder that this stage makes")
    parser.add_argument("--also", action="append", default=[], help="another folder that the same command makes")
    parser.add_argument("--input", action="append", default=[], help="a file or folder that the result depends on")
    parser.add_argument("--nj", type=int, default=1, help="parallel jobs")
    parser.add_argument("--force", choices=["true", "false"], default="false", help="remove what is there, start anew")
    parser.add_argument("--name", help="name of the logs; default: the command's own name")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    # A word stands for the command here: argparse must not touch what follows `--`.
    options = parser.parse_args([*sys.argv[1:cut], "command"])
    options.command = sys.argv[cut + 1 :]
    options.out = options.out.rstrip("/") or "/"
    options.input = [path.rstrip("/") or "/" for path in options.input]
    options.also = [path.rstrip("/") or "/" for path in options.also]
    if not options.command or options.nj < 1:
        parser.error("--nj must be at least 1" if options.command else "no command after --")
    return options


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[int]:
    """The only run in `folder`. Raises MimidiarError that names the other one. Yields the lock's descriptor.

    run.py and slurm.py inherit the lock: when a stage.py was killed, its jobs may still be ending, which is waited for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK, "a+", encoding="utf-8") as lock:
        limit = time.monotonic() + LEFTOVER_SEC
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                lock.seek(0)
                pid, _, since = lock.read().strip().partition(" ")
                if os.path.exists(f"/proc/{pid}") or time.monotonic() > limit:
                    message = f"{folder}: process {pid} is at work in it since {since}; wait for it or end it"
                    raise MimidiarError(message) from None
                time.sleep(0.1)
        lock.truncate(0)
        lock.write(f"{os.getpid()} {now()}\n")
        lock.flush()
        yield lock.fileno()


def foreign(folder: Path) -> list[Path]:
    """What lies in the folder, apart from this stage's own lock and the folders of other stages."""
    mine = [path for path in sorted(folder.iterdir()) if path.name not in (LOCK, f"{STATE}.partial")]
    return [path for path in mine if path.is_symlink() or not path.is_dir() or next(path.rglob(STATE), None) is None]


def made_nothing(folder: Path) -> bool:
    """Whether the command that was begun there ended before its first file: it complained, and wrote its log alone."""
    return all(path.name in (STATE, "log") for path in foreign(folder))


def remove_contents(folder: Path, old: State) -> None:
    """Empty the folder for a new start; a removal that was interrupted is known by its status, and goes on."""
    write_state(folder, replace(old, status="removing"))
    for path in foreign(folder):
        if path.name == STATE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def skip(states: list[State]) -> int:
    for state in states:
        print(f"skipped (finished {read_state(Path(state.out)).finished}): {state.out}")
    return 0


def is_finished(new: State) -> bool:
    """The same was done before."""
    old = read_state(Path(new.out))
    return old is not None and (old.version, old.status, old.key) == (VERSION, "done", new.key)


def is_done(folder: Path, new: State, force: bool) -> bool:
    """Settle with what an earlier run left. True: nothing to do. Raises MimidiarError when it made something else."""
    old = read_state(folder)
    if old is None:
        if strangers := foreign(folder):
            raise MimidiarError(f"{strangers[0]} is there, and no stage made it; remove it or give another --tag")
    elif force or old.status == "removing":
        print(f"removing what was there (--force): {folder}")
        remove_contents(folder, old)
    elif old.version != VERSION:
        raise MimidiarError(f"{folder}: made before {STATE} kept a lineage; start it again with --force")
    elif old.key != new.key and old.status != "done" and made_nothing(folder):
        print(f"starting again with other settings or inputs (nothing had been made): {folder}")
    elif old.key != new.key:
        what = f"finished {old.finished}" if old.status == "done" else f"begun {old.started}"
        lines = "".join(f"\n  {line}" for line in changes(old, new))
        raise MimidiarError(
            f"{folder}: {what}, with other settings or inputs:{lines}\n"
            "give another --tag (for data --data, for features --feats) to keep both, or --force to start it again"
        )
    elif old.status == "done":
        return True
    else:
        print(f"continuing (begun {old.started}, not finished): {folder}")
    return False


class Runner:
    """Runs `$cmd ...` lines one after another and hands on the signals that should end them."""

    def __init__(self, lock: int) -> None:
        self.lock, self.process, self.stopped = lock, None, 0
        for number in SIGNALS:
            signal.signal(number, self.stop)

    def stop(self, number: int, _frame: object) -> None:
        self.stopped = number
        if self.process is not None:
            self.process.send_signal(number)

    def run(self, words: list[str]) -> int:
        """Exit code of the line; 128 + the signal when it was ended by one."""
        parent, path = os.getpid(), f"{os.environ['PATH']}:{Path(__file__).resolve().parent}"
        if not self.stopped:
            self.process = subprocess.Popen(
                words,
                env=os.environ | {"PATH": path},
                pass_fds=[self.lock],
                # run.py must end its jobs when stage.py is gone.
                preexec_fn=lambda: end_with_parent(parent=parent),  # noqa: PLW1509 - there are no threads
            )
            if self.stopped:  # between the two lines above
                self.process.send_signal(self.stopped)
            code = self.process.wait()
            self.process = None
        if self.stopped:
            return 128 + self.stopped
        return code if code >= 0 else 128 - code


def command_lines(options: argparse.Namespace, parts: list[list[str]]) -> Iterator[list[str]]:
    """The `$cmd` lines of a stage of these commands, in order."""
    cmd = shlex.split(os.environ.get("cmd") or "run.py")  # noqa: SIM112 - Kaldi's name
    name = options.name or command_name(parts[0])
    for number, part in enumerate(parts, 1):
        log = f"{options.out}/log/{name if len(parts) == 1 else f'{name}.{number}'}"
        if number == 1 and options.nj > 1:
            yield [*cmd, f"JOB=1:{options.nj}", f"{log}.JOB.log", *part, "--job", f"JOB/{options.nj}"]
        yield [*cmd, f"{log}.log", *part]


def with_others(state: State, others: list[str]) -> list[State]:
    """The stage's state and, for each other folder that it makes, one with a key of its own."""
    for path in others:
        Path(path).mkdir(parents=True, exist_ok=True)
    return [state, *(replace(state, out=path, key=f"{state.key}/{Path(path).name}") for path in others)]


def take_over(state: State) -> None:
    """The code that began what `state` goes on with, and the seconds that it took."""
    old = read_state(Path(state.out))
    if old is not None and old.status == "running" and old.key == state.key:
        state.commits, state.seconds = old.commits, old.seconds


def add_commit(state: State) -> None:
    state.commits = list(dict.fromkeys([*state.commits, code_commit()]))


def changed_inputs(state: State) -> list[str]:
    """Inputs of stages, and files, that are not any more what they were when the stage began."""

    def digest(path: str) -> str:
        try:
            return digest_input(path, state.out)
        except MimidiarError:  # gone, or being made anew
            return ""

    watched = (path for path in state.inputs if not os.path.isdir(path) or owner_of(Path(path)))
    return [path for path in watched if digest(path) != state.inputs[path]]


def finish(state: State) -> None:
    """What the stage made, and whether its inputs stayed as they were."""
    state.status, state.finished, state.made = "done", now(), describe(Path(state.out), state)
    changed = [f"its input {path} changed while it ran" for path in changed_inputs(state)]
    state.doubt = "; ".join(filter(None, [state.doubt, *changed])) or None


def run_stage(options: argparse.Namespace, states: list[State], runner: Runner) -> int:
    began = time.monotonic()
    lineage, reads, doubt = behind(map(Path, states[0].inputs), Path(states[0].out))
    for state in states:
        state.behind, state.reads, state.doubt = lineage.to_json(), reads, doubt
        take_over(state)
        add_commit(state)
        write_state(Path(state.out), state)
    code = next(filter(None, map(runner.run, command_lines(options, states[0].commands()))), 0)
    seconds = round(time.monotonic() - began, 1)
    for state in states:
        add_commit(state)  # the code was changed meanwhile, perhaps
        state.seconds = round((state.seconds or 0.0) + seconds, 1)
        if not code:
            finish(state)
        write_state(Path(state.out), state)
    if not code:
        print(f"finished in {seconds} s: {' '.join(state.out for state in states)}", flush=True)
    return code


def main() -> int:
    options = parse()
    end_with_parent()
    try:
        state = new_state(options.command, options.out, options.input)
        force, states = options.force == "true", with_others(state, options.also)
        # A finished folder needs no lock: several runs may build on it at the same time.
        if not force and all(is_finished(each) for each in states):
            return skip(states)
        with locked(Path(options.out)) as lock:
            finished = [is_done(Path(each.out), each, force) for each in states]
            if all(finished):
                return skip(states)
            sys.stdout.flush()
            return run_stage(options, states, Runner(lock))
    except KeyboardInterrupt:
        return 130
    except MimidiarError as error:
        print(f"stage.py: error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"stage.py: error: {error.filename or options.out}: {error.strerror}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
