#!/usr/bin/env python3
"""Print the settings of the systems that a recipe compares, as assignments for the shell: one line for each system.

    systems.py FILE "NAME NAME..."

FILE (YAML) has `defaults`, all settings with their values, and `systems`, which names for each system what differs from
them. A text or number is printed as `key=value`, a list as an array: `system=warm start=adapter options=(--set a=1)`.

Exit code 1, with one line, for a name, a setting or a file that is not as it should be.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

import yaml

from mimidiar.errors import MimidiarError


def read_systems(path: Path) -> dict[str, dict[str, Any]]:
    """The systems in the file with all their settings."""
    try:
        file = yaml.safe_load(path.read_text(encoding="utf-8"))
        defaults, systems = file["defaults"], file["systems"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise MimidiarError(f"{path}: cannot be read as a file of systems ({type(error).__name__}: {error})") from None
    for name, settings in systems.items():
        if unknown := sorted(set(settings) - set(defaults)):
            raise MimidiarError(f"{path}: {name}: no setting '{unknown[0]}'; there are {' '.join(defaults)}")
    return {name: defaults | settings for name, settings in systems.items()}


def in_shell(value: Any) -> str:
    """A value as the right side of an assignment."""
    if isinstance(value, list):
        return f"({' '.join(shlex.quote(str(word)) for word in value)})"
    return shlex.quote(str(value))


def assignments(path: Path, names: list[str]) -> list[str]:
    """A line for each name. Raises MimidiarError that lists the names to choose from."""
    systems = read_systems(path)
    if not names:
        raise MimidiarError(f"no system is named; choose among {' '.join(systems)}")
    if unknown := [name for name in names if name not in systems]:
        raise MimidiarError(f"no system '{unknown[0]}'; choose among {' '.join(systems)}")
    settings = [{"system": name} | systems[name] for name in names]
    return [" ".join(f"{key}={in_shell(value)}" for key, value in each.items()) for each in settings]


def main() -> int:
    try:
        print("\n".join(assignments(Path(sys.argv[1]), " ".join(sys.argv[2:]).split())))
    except MimidiarError as error:
        print(f"systems.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
