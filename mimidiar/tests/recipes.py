"""Recipes run inside of a test: what their stages would call, and those calls made in this process."""

import os
import shlex
import subprocess
from pathlib import Path

from click.testing import CliRunner

from mimidiar.cli import cli


def stage_commands(run: Path, log: Path, *options: object) -> list[list[str]]:
    """The `mimidiar` commands of a recipe's stages, in order; nothing is run, `stage.py` notes its call in `log`."""
    environment = log.with_name("environment")
    environment.write_text(f'stage.py() {{ printf "%q " "$@" >> {log}; echo >> {log}; }}\n')
    done = subprocess.run(
        [str(run), *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"BASH_ENV": str(environment)},
    )
    assert done.returncode == 0, done.stderr
    commands = []
    for line in log.read_text().splitlines():
        words = shlex.split(line)
        for command in " ".join(map(shlex.quote, words[words.index("--") + 1 :])).split(" ::: "):
            commands.append(shlex.split(command))
    return commands


def call(folder: Path, command: list[str]) -> str:
    """A command as the recipe in `folder` would run it; returns what it prints."""
    assert command[0] == "mimidiar"
    here = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(cli, command[1:], catch_exceptions=False)
    finally:
        os.chdir(here)
    assert done.exit_code == 0, f"{command}: {done.output}"
    return done.output
