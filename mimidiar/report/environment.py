"""Machine and library versions of a figure, found without importing the libraries."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("torch", "moshi", "nemo_toolkit", "lhotse", "pyannote.metrics", "numpy")


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
