"""`.stage.json`: what a stage of a recipe did and all that is behind it, as utils/stage.py keeps it in each folder."""

import json
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from mimidiar.commit import ROOT, UNKNOWN
from mimidiar.errors import MimidiarError
from mimidiar.files import put_in_place

STATE = ".stage.json"
VERSION = 2  # 1: without `version`, and without what is behind a stage
ABSOLUTE = re.compile(r"""(?<![^\s='"])/[^\s'"]+""")  # a path, at the beginning of a word


@dataclass
class State:
    """The contents of DIR/.stage.json. Times are local with their offset; `inputs` maps paths as written to digests.

    Relative paths start from `directory`. `commits` are those of the code that worked here: more than one where a stage
    went on after an interruption; `seconds` what these runs took together, but for any that was killed outright.
    `environment`: the variables that name corpora and weights. `behind`: the lineage of the inputs when the stage began
    (report/lineage.py); `reads`: the sets among them; `made`: what it left in its folder and those below, by relative
    path; `doubt`: why this may not be all that had a part. Of all these only command and inputs are in the key.
    """

    status: str
    key: str
    out: str
    command: list[str]
    inputs: dict[str, str]
    started: str
    finished: str | None = None
    seconds: float | None = None
    directory: str = ""
    commits: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    behind: dict[str, Any] = field(default_factory=dict)
    reads: list[dict[str, str]] = field(default_factory=list)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    doubt: str | None = None
    version: int = VERSION

    @property
    def digest(self) -> str:
        """What a finished stage's folder counts as. Made again, it is another input, by other code perhaps."""
        return f"{self.key} {self.finished}"

    def commands(self) -> list[list[str]]:
        """The commands between `:::`."""
        return [list(part) for is_cut, part in groupby(self.command, ":::".__eq__) if not is_cut]

    def entry(self, folder: Path) -> dict[str, Any]:
        """The stage as in a record (report/record.py); `made` distinguishes two runs into one folder."""
        return {
            "folder": place(folder.resolve()),
            "directory": place(self.directory or folder),
            "commands": [as_line(command) for command in self.commands()],
            "commits": self.commits or [UNKNOWN],
            "doubt": self.doubt,
            "seconds": self.seconds,
            "made": [str(folder.resolve()), self.digest],
        }


def read_state(folder: Path) -> State | None:
    """The state of the stage that made `folder`, None where none did. MimidiarError for one that cannot be read."""
    try:
        return State(**{"version": 1} | json.loads((folder / STATE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError) as error:
        message = f"{folder / STATE} cannot be read ({error}); remove {folder} and run its stage again"
        raise MimidiarError(message) from None


def write_state(folder: Path, state: State) -> None:
    partial = folder / f"{STATE}.partial"
    with open(partial, "w", encoding="utf-8") as stream:
        json.dump(asdict(state), stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    put_in_place(partial, folder / STATE)


def owner_of(path: Path) -> tuple[Path, State] | None:
    """The folder of the stage that made `path`, which lies in it, and its state; None when no stage did."""
    place_of_it = path.resolve()
    for folder in (place_of_it, *place_of_it.parents):
        if (state := read_state(folder)) is not None:
            return folder, state
    return None


def as_line(command: Iterable[str]) -> str:
    """A command as one line to read, with paths as `place` writes them."""
    return shlex.join(_neutral(word) for word in command)


def _neutral(word: str) -> str:
    if any(letter.isspace() for letter in word):  # a command in itself, as `mimidiar study bench` takes them
        return ABSOLUTE.sub(lambda found: place(found[0]), word)
    option, equals, value = word.partition("=")
    if equals and value.startswith("/"):
        return f"{option}={place(value)}"
    return place(word) if word.startswith("/") else word


def place(path: str | Path) -> str:
    """A path from the top of the repository; of one outside it the last name: the rest is one machine's matter."""
    path = Path(path)
    if path.is_relative_to(ROOT):
        return os.path.normpath(path.relative_to(ROOT))
    return f".../{path.name}" if path.is_absolute() else str(path)
