"""What a score was made from: the stages behind it, by the `.stage.json` that utils/stage.py keeps in each folder.

A stage's inputs lie in the folders of earlier stages, so that from the stage which makes a score every command and
every state of the code that had a part in it can be found, and nothing of it has to be told.
"""

import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from mimidiar.commit import ROOT, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json

STATE = ".stage.json"
DOWNLOAD = ["mimidiar", "download"]  # what it brings is not made by our code


@dataclass(frozen=True)
class Stage:
    """The folder that a stage made, its commands, the code, and its inputs: path -> hash, as stage.py keeps it."""

    folder: Path
    directory: Path
    commands: list[list[str]]
    commits: list[str]
    inputs: dict[Path, str] = field(default_factory=dict)


def stage_of(path: Path) -> Stage | None:
    """The stage in whose folder `path` lies; None when no stage made it."""
    place = path.resolve()
    for folder in (place, *place.parents):
        if (folder / STATE).is_file():
            return _read(folder)
    return None


def running_stage(folder: Path, command: list[str]) -> Stage | None:
    """The stage that makes `folder`, if `command` is one of its own; what is done by hand has no part in a stage."""
    stage = stage_of(folder)
    return stage if stage is not None and command in stage.commands else None


def stages_behind(last: Iterable[Stage]) -> list[Stage]:
    """All stages that led to these, earlier ones first, and these; each once.

    An input that is gone stands for a stage by unknown code: what made it cannot be told any more.
    """
    found: dict[Path, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.folder in found or any(command[:2] == DOWNLOAD for command in stage.commands):
            return
        for path in stage.inputs:
            before = stage_of(path) if path.exists() else Stage(path, path.parent, [], [UNKNOWN])
            if before is not None and before.folder != stage.folder:
                visit(before)
        found[stage.folder] = stage

    for stage in last:
        visit(stage)
    return list(found.values())


def _read(folder: Path) -> Stage:
    state = read_json(folder / STATE)
    try:
        directory = Path(state.get("directory") or folder)
        inputs = {Path(os.path.normpath(directory / path)): digest for path, digest in state["inputs"].items()}
        return Stage(folder, directory, split_commands(state["command"]), state.get("commits") or [UNKNOWN], inputs)
    except (KeyError, TypeError, AttributeError):
        raise MimidiarError(f"{folder / STATE} cannot be read; remove {folder} and run its stage again") from None


def split_commands(words: list[str]) -> list[list[str]]:
    """The commands between `:::`."""
    return [list(part) for is_cut, part in groupby(words, ":::".__eq__) if not is_cut]


def as_line(command: Iterable[str]) -> str:
    """A command as one line to read, with paths as `place` writes them."""
    return shlex.join(_neutral(word) for word in command)


def _neutral(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and value.startswith("/"):
        return f"{option}={place(value)}"
    return place(word) if word.startswith("/") else word


def place(path: str | Path) -> str:
    """A path from the top of the repository; of one outside it the last name: the rest is one machine's matter."""
    path = Path(path)
    if path.is_relative_to(ROOT):
        return str(path.relative_to(ROOT))
    return f".../{path.name}" if path.is_absolute() else str(path)


def walk_folders(stages: Iterable[Stage]) -> Iterator[Path]:
    """Every folder that the stages made or read, each once."""
    seen = dict.fromkeys(path for stage in stages for path in (*stage.inputs, stage.folder))
    return (path for path in seen if path.is_dir())
