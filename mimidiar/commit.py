"""The versions of what runs: the commit of the package's repository, and whether files differ from it; the machine and
the libraries, found without importing them.
"""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNKNOWN, DIRTY = "unknown", "-dirty"
# Written by programs from results, or read by people alone: a figure does not depend on them. On shipped weights one
# may, but its record has their digest.
MADE = ("egs/**/results/**", "egs/paper/tables/**", "egs/paper/figures/**", "**/RESULTS.md", "mimidiar/assets/**")
NO_CODE = (*MADE, "**/README.md")
LIBRARIES = ("torch", "moshi", "nemo_toolkit", "lhotse", "pyannote.metrics", "numpy")


def code_commit(root: Path = ROOT) -> str:
    """The commit checked out at `root`, with `-dirty` where files were changed, added or removed since.

    `unknown` without git, or where `root` is not the top of a repository (an installed package).
    """
    if _git(root, "rev-parse", "--show-toplevel") != str(root):
        return UNKNOWN
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", ".", *(f":(exclude,glob){pattern}" for pattern in NO_CODE))
    if commit is None or changes is None:
        return UNKNOWN
    return commit + (DIRTY if changes else "")


def is_clean(commit: str) -> bool:
    """Whether `commit` alone says which code it was."""
    return commit != UNKNOWN and not commit.endswith(DIRTY)


def _git(root: Path, *words: str) -> str | None:
    """What git prints; None where it fails or is not installed."""
    # Without the lock on the index: a run must not disturb a commit that is made at the same moment.
    line = ["git", "--no-optional-locks", "-C", str(root), *words]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def describe_environment() -> dict[str, str | None]:
    """Python, platform, processor and the versions of LIBRARIES, null for one that is not installed."""
    about = {"python": platform.python_version(), "platform": platform.platform(), "processor": _processor()}
    return about | {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's model as Linux names it, else the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
