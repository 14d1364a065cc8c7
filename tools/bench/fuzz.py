#!/usr/bin/env python3
"""Damaged files, each of which must end in a result or in an error that a user can act on.

  tools/bench/fuzz.py labels --cases 6000 --seed 0       label files of every format that `mimidiar convert` reads
  tools/bench/fuzz.py audio --cases 4000 --seed 0        audio files with damaged headers, through the reader
  tools/bench/fuzz.py labels --seed 0 --only 4711        one case of it: written to the working folder, and read here

A case is a valid file, mutated; kind, seed and number of the case say which, on every machine. Cases are read in child
processes, so that one that ends its process is seen as well. A failure is anything raised but a MimidiarError of one
line that begins with the name of the file; a process that ends; and a case without an end in 60 s. Failures are printed
with their number, and make the exit code 1.

Another kind is one entry of KINDS: a module with `make(chance) -> (file name, bytes)` and `read(path) -> None`.
"""

import argparse
import faulthandler
import json
import os
import random
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "tools" / "venv" / "bin" / "python"
if PYTHON.exists() and Path(sys.prefix) != PYTHON.parents[1]:
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # called by its name, with whatever python3 that finds

from mimidiar.errors import MimidiarError  # noqa: E402

KINDS = {"audio": "fuzz_audio", "labels": "fuzz_labels"}  # kind -> module beside this file
BATCH = 500  # cases of one process
LIMIT_SEC = 60  # only a hang takes so long
LONGEST = 600  # characters of a message
RESULT, ERROR = "result", "error"


def main() -> int:
    options = parse()
    if options.only is not None:
        return show(options)
    if options.batch:
        return run_batch(options)
    ends, failures = Counter(), 0
    for number, end in all_cases(options):
        ends[end if end in (RESULT, ERROR) else "failure"] += 1
        if end not in (RESULT, ERROR):
            failures += 1
            print(f"case {number} of {options.kind}, seed {options.seed}: {end}", flush=True)
    print(f"{sum(ends.values())} cases: {ends[RESULT]} results, {ends[ERROR]} errors in one line, {failures} failures")
    return int(failures > 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("--cases", type=int, default=6000, help="number of cases (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--only", type=int, metavar="CASE", help="write and read this case alone")
    parser.add_argument("--batch", type=int, nargs=2, metavar=("FIRST", "STOP"), help=argparse.SUPPRESS)
    return parser.parse_args()


def made(options: argparse.Namespace, number: int) -> tuple[str, bytes]:
    """The name and the bytes of a case."""
    return import_module(KINDS[options.kind]).make(random.Random(f"{options.kind} {options.seed} {number}"))


def all_cases(options: argparse.Namespace) -> Iterator[tuple[int, str]]:
    """(number, how it ended) of every case: RESULT, ERROR, or what is wrong; after a case that ends its process, in
    another process.
    """
    first = 0
    while first < options.cases:
        stop = min(first + BATCH, options.cases)
        command = [
            sys.executable,
            __file__,
            options.kind,
            "--seed",
            str(options.seed),
            "--batch",
            str(first),
            str(stop),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        yield from ((number, end) for number, end in lines if end is not None)
        if done.returncode:
            if not lines:
                sys.exit(f"no case could be read\n{done.stderr}")
            first = lines[-1][0]
            yield first, f"its process ended with {done.returncode}\n{done.stderr[-3000:]}"
            stop = first + 1
        first = stop


def run_batch(options: argparse.Namespace) -> int:
    """Read the cases of a batch, and print for each, before and after, a line of JSON: its number, how it ended."""
    kind = import_module(KINDS[options.kind])
    with tempfile.TemporaryDirectory() as folder:
        for number in range(*options.batch):
            print(json.dumps([number, None]), flush=True)
            faulthandler.dump_traceback_later(LIMIT_SEC, exit=True)
            name, data = made(options, number)
            path = Path(folder) / name
            path.write_bytes(data)
            end = ended(kind.read, path)
            faulthandler.cancel_dump_traceback_later()
            print(json.dumps([number, end]), flush=True)
            path.unlink()
    return 0


def ended(read, path: Path) -> str:
    """RESULT, ERROR for an error as it should be, or what is wrong with this one."""
    try:
        read(path)
    except MimidiarError as error:
        text = str(error)
        if "\n" in text or len(text) > LONGEST or not text.startswith(str(path)):
            return f"an error that is no single line, too long, or does not begin with the file's name: {text!r}"
        return ERROR
    except BaseException:
        return traceback.format_exc()
    return RESULT


def show(options: argparse.Namespace) -> int:
    """Write one case to the working folder, read it here, and print what comes of it."""
    name, data = made(options, options.only)
    path = Path(f"case{options.only}-{name}")
    path.write_bytes(data)
    print(f"{path}: {len(data)} bytes")
    try:
        import_module(KINDS[options.kind]).read(path)
    except MimidiarError as error:
        print(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
