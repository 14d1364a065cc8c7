"""What a score was made from: the stages behind it, by the `.stage.json` that utils/stage.py keeps in each folder.

A stage's inputs lie in the folders of earlier stages, so that from the stage which makes a score every command and
every state of the code that had a part in it can be found, and nothing of it has to be told.
"""

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path

from mimidiar.commit import ROOT, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json, sha256_file

STATE = ".stage.json"
DOWNLOAD = ["mimidiar", "download"]  # what it brings is not made by our code
MADE_ONCE = ("model.safetensors", "tuned.yaml", "codebooks.safetensors")  # and not for each recording anew
ABSOLUTE = re.compile(r"""(?<![^\s='"])/[^\s'"]+""")  # a path, at the beginning of a word
CLOCK_SEC = 2.0  # stages keep whole seconds, some file systems every other one


@dataclass(frozen=True)
class Stage:
    """The folder that a stage made, its commands, the code, and its inputs: path -> hash, as stage.py keeps it.

    `digest`: how the hash of its folder begins where later stages keep it. `doubt` says why code of these commits may
    not be all that was at work. `seconds` is the time that it took.
    """

    folder: Path
    directory: Path
    commands: list[list[str]]
    commits: list[str]
    inputs: dict[Path, str] = field(default_factory=dict)
    started: datetime | None = None  # None: this command, now
    finished: datetime | None = None
    digest: str = ""
    doubt: str | None = None
    seconds: float | None = None


def stage_of(path: Path) -> Stage | None:
    """The stage in whose folder `path` lies; None when no stage made it."""
    place = path.resolve()
    for folder in (place, *place.parents):
        if (folder / STATE).is_file():
            return _read(folder)
    return None


def stage_of_score(score: Path, command: list[str]) -> Stage | None:
    """The stage that made the file `score`, in doubt where it was written since by something else.

    A stage that runs `command` itself is still at work.
    """
    stage = stage_of(score.parent)
    if stage is None or command in stage.commands:
        return stage
    if stage.finished is None:
        return replace(stage, doubt="it has not finished")
    if score.stat().st_mtime > stage.finished.timestamp() + CLOCK_SEC:
        return replace(stage, doubt=f"{score.name} was written after it had finished")
    return stage


def stages_behind(last: Iterable[Stage]) -> list[Stage]:
    """All stages that led to these, earlier ones first, and these; each once.

    A stage is in doubt when an input is not any more what it worked on: what made that cannot be told.
    """
    found: dict[Path, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.folder in found or any(command[:2] == DOWNLOAD for command in stage.commands):
            return
        doubts = [stage.doubt]
        for path, digest in stage.inputs.items():
            before = stage_of(path) if path.exists() else None
            if before is not None and before.folder != stage.folder:
                visit(before)
            doubts.append(_doubt_of_input(stage, path, digest, before))
        found[stage.folder] = replace(stage, doubt="; ".join(filter(None, doubts)) or None)

    for stage in last:
        visit(stage)
    return list(found.values())


def _doubt_of_input(stage: Stage, path: Path, digest: str, before: Stage | None) -> str | None:
    """Why an input is not what the stage worked on, if so; `before` is the stage that makes it now."""
    if not path.exists():
        return f"its input {place(path)} is gone"
    if path.is_file() and _sha256(path, path.stat().st_size, path.stat().st_mtime_ns) != digest:
        return f"its input {place(path)} changed since"
    if before is None or before.folder == stage.folder:
        return None
    same = digest.startswith(before.digest) if path.is_dir() else True
    if before.finished is None or not same or (stage.started is not None and before.finished > stage.started):
        return f"its input {place(path)} was made anew since"
    return None


@cache
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    """Many scores are behind the same weights, which take seconds to read."""
    return sha256_file(path)


def _read(folder: Path) -> Stage:
    state = read_json(folder / STATE)
    try:
        directory = Path(state.get("directory") or folder)
        inputs = {Path(os.path.normpath(directory / path)): digest for path, digest in state["inputs"].items()}
        done, started = state["status"] == "done", datetime.fromisoformat(state["started"])
        finished = datetime.fromisoformat(state["finished"]) if done else None
        digest = f"{state['key']} {state['finished']}"  # as `digest_of` in utils/stage_key.py
        commands, commits = split_commands(state["command"]), state.get("commits") or [UNKNOWN]
        seconds = float(state["seconds"]) if state.get("seconds") is not None else None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MimidiarError(f"{folder / STATE} cannot be read; remove {folder} and run its stage again") from None
    return Stage(folder, directory, commands, commits, inputs, started, finished, digest, seconds=seconds)


def split_commands(words: list[str]) -> list[list[str]]:
    """The commands between `:::`."""
    return [list(part) for is_cut, part in groupby(words, ":::".__eq__) if not is_cut]


def as_line(command: Iterable[str]) -> str:
    """A command as one line to read, with paths as `place` writes them."""
    return shlex.join(_neutral(word) for word in command)


def _neutral(word: str) -> str:
    if any(letter.isspace() for letter in word):  # a command in itself, as `mimidiar bench` takes them
        return ABSOLUTE.sub(lambda found: place(found[0]), word)
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


def folders_to_run(last: Iterable[Stage]) -> list[Path]:
    """The folders on the way from the audio to what these stages made, as a recording that is new takes it.

    What a model, tuned post-processing or codebooks were made from is left out, as it is not computed again; so are
    the features of another system that training started from.
    """
    found: dict[Path, None] = {}

    def visit(stage: Stage | None) -> None:
        if stage is None or stage.folder in found or any((stage.folder / name).is_file() for name in MADE_ONCE):
            return
        found[stage.folder] = None
        for path in filter(Path.exists, stage.inputs):
            visit(stage_of(path))
            if path.is_dir():
                found.setdefault(path)

    for stage in last:
        visit(stage)
    return list(found)
