"""The scripts of utils/ are tested from outside, as a recipe uses them: processes in a temporary folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def env() -> dict[str, str]:
    """The environment that path.sh makes, without a backend or a stage from outside."""
    clean = {name: value for name, value in os.environ.items() if name not in ("cmd", "MIMIDIAR_STAGE")}
    return clean | {"PATH": f"{ROOT / 'utils'}:{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture
def call(tmp_path: Path, env: dict[str, str]) -> Callable[..., subprocess.CompletedProcess]:
    """call(*words, **more_environment): run a command in tmp_path to its end."""

    def run(*words: object, **more: str) -> subprocess.CompletedProcess:
        line, options = [str(word) for word in words], {"capture_output": True, "text": True, "timeout": 120}
        return subprocess.run(line, check=False, cwd=tmp_path, env=env | more, **options)

    return run


def hear_hangup() -> None:
    """Also where the tests themselves run under nohup, or without a terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def launch(tmp_path: Path, env: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen]]:
    """launch(*words, **more_environment): start a command in tmp_path and go on; it is ended with the test."""
    started = []

    def start(*words: object, **more: str) -> subprocess.Popen:
        line = [str(word) for word in words]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": hear_hangup}
        started.append(subprocess.Popen(line, cwd=tmp_path, env=env | more, **options))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return as soon as the condition holds; fail the test if it never does."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.01)


def pid_in(path: Path) -> int:
    """The process id that a child writes to `path`, once it has."""
    wait_for(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def is_alive(pid: int) -> bool:
    """False for a process that has ended, also where nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
