"""What a stage is known by: its key, made of the command and of what its inputs hold; kept in DIR/.stage.json.

In the key, options that cannot change the result (IGNORED below) are left out, and DIR, the folders that it lies in and
the inputs stand as what they are to the stage, so that a folder which was moved, or is called by another path, is still
the same. What an input holds is told by the key of the stage
that made it and by when that finished (made again, it may come from other code); without a stage, a file by its bytes,
a folder by the names, sizes and modification times of all its files.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from mimidiar.files import put_in_place

STATE, LOCK = ".stage.json", ".stage.lock"
# A device, and how many processes train, change the last digits of a result and what dropout draws, but not what it is:
# the logs tell which they were.
IGNORED = {"--nj", "--job", "--device", "--ngpu", "--processes", "--num-workers", "--max-jobs-run"}
IGNORED_FLAGS = {"--progress", "--no-progress", "--quiet", "--verbose"}


class StageError(Exception):
    """One line (or a few) for the user; nothing was run."""


@dataclass
class State:
    """The contents of DIR/.stage.json. Times are local with their offset; `inputs` maps paths as written to digests.

    Relative paths start from `directory`. `commits` are those of the code that worked here: more than one where a stage
    went on after an interruption; `seconds` what these runs took together, but for any that was killed outright. None
    of the three is part of the key.
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


def digest_input(path: str, out: str) -> str:
    """What stands in the key for an input. Raises StageError when it is missing or its stage has not finished."""
    if not os.path.exists(path):
        raise StageError(f"{path} does not exist; {remedy(path)}")
    if os.path.isfile(path):
        owner_state(path, out)
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    if owner := owner_state(path, out):
        state, inside = owner
        return digest_of(state) if inside == "." else f"{digest_of(state)}/{inside}"
    return hashlib.sha256("".join(listing(Path(path), "", set())).encode()).hexdigest()


def digest_of(state: State) -> str:
    """What a finished stage's folder counts as. Made again, it is another input, by other code perhaps."""
    return f"{state.key} {state.finished}"


def owner_state(path: str, out: str) -> tuple[State, str] | None:
    """The finished stage in whose folder `path` lies, and the path inside it; None when no stage made it."""
    place = Path(path).resolve()
    for folder in (place, *place.parents):
        if folder == Path(out).resolve():
            return None
        if (state := read_state(folder)) is not None:
            if state.status != "done":
                raise StageError(f"{path}: the stage that makes it has not finished; {remedy(path)}")
            return state, str(place.relative_to(folder))
    return None


def remedy(path: str) -> str:
    """Which stage to run first. The stages have the same numbers in all recipes, and folders of fixed names."""
    maker, now = maker_of(path), os.environ.get("MIMIDIAR_STAGE")
    if maker is None:
        return "check the path"
    return f"run stage {maker} first (--stage {maker})" + (f": it comes before stage {now}" if now else "")


def maker_of(path: str) -> int | None:
    parts = Path(path).parts
    for place in range(len(parts) - 1, -1, -1):
        match parts[place]:
            case "downloads":
                return 0
            case "data":
                made = parts[place + 1] if place + 1 < len(parts) else ""
                return 2 if made.startswith(("sim", "chain", "talk")) else 1
            case "feats":
                return 3
            case "exp":
                return 4 if {"model", "env"} & set(parts[place:]) else 5
    return None


def listing(folder: Path, prefix: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """One line for each file below `folder`, in order; a finished stage is one line with its digest. Follows links."""
    here = folder.stat()
    if (here.st_dev, here.st_ino) in seen:  # a link to a folder above
        return
    seen = seen | {(here.st_dev, here.st_ino)}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = prefix + entry.name
        if entry.is_dir():
            state = read_state(Path(entry.path))
            if state is not None and state.status != "done":
                raise StageError(f"{entry.path}: the stage that makes it has not finished; {remedy(entry.path)}")
            yield from [f"{name} {digest_of(state)}\n"] if state else listing(Path(entry.path), f"{name}/", seen)
        elif entry.name != LOCK:
            about = entry.stat(follow_symlinks=os.path.exists(entry.path))
            yield f"{name} {about.st_size} {about.st_mtime_ns}\n"


def split_options(command: list[str]) -> list[tuple[str, str]]:
    """The command as (option, value) pairs, less what cannot change a result; ("", word) for a word without option."""
    pairs, words = [], list(command)
    while words:
        name, equals, value = words.pop(0).partition("=")
        if not name.startswith("--"):
            pairs.append(("", name + equals + value))
            continue
        if not equals and name not in IGNORED_FLAGS and words and not words[0].startswith("--"):
            value = words.pop(0)
        if name not in IGNORED | IGNORED_FLAGS:
            pairs.append((name, value))
    return pairs


def place_free(command: list[str], out: str, inputs: list[str]) -> list[tuple[str, str]]:
    """`split_options` with the folders of this stage, and those its output lies in, named by what they are to it."""
    names = {out: "<output>"} | {path: f"<input {n}>" for n, path in enumerate(inputs, 1)}
    folders = enumerate(Path(out).parents, 1)
    above = {str(path): "<output>" + "/.." * n for n, path in folders if path.name not in ("", "..")}

    def neutral(value: str) -> str:
        if value in above and value not in names:
            return above[value]
        for path in sorted(names, key=len, reverse=True):
            if value == path or value.startswith(path + "/"):
                return names[path] + value[len(path) :]
        return value

    return [(name, neutral(value)) for name, value in split_options(command)]


def new_state(command: list[str], out: str, paths: list[str]) -> State:
    """The state at the start of `command`. Raises StageError when an input is missing or its stage has not finished."""
    inputs = {path: digest_input(path, out) for path in paths}
    content = [place_free(command, out, paths), list(inputs.values())]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return State("running", key, out, command, inputs, now(), directory=os.getcwd())


def read_state(folder: Path) -> State | None:
    try:
        return State(**json.loads((folder / STATE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError) as error:
        message = f"{folder / STATE} cannot be read ({error}); remove {folder} and run its stage again"
        raise StageError(message) from None


def write_state(folder: Path, state: State) -> None:
    partial = folder / f"{STATE}.partial"
    with open(partial, "w", encoding="utf-8") as stream:
        json.dump(asdict(state), stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    put_in_place(partial, folder / STATE)


def changes(old: State, new: State) -> list[str]:
    """What differs, one line each: options by name, the rest of the command, inputs."""
    before, after = (place_free(state.command, state.out, list(state.inputs)) for state in (old, new))
    lines = differing_options(before, after)
    for path in dict.fromkeys([*old.inputs, *new.inputs]):
        was, is_now = old.inputs.get(path), new.inputs.get(path)
        if was != is_now and sorted(old.inputs.values()) != sorted(new.inputs.values()):
            what = "added" if was is None else "no longer used" if is_now is None else "its contents changed"
            lines.append(f"input {path}: {what}")
    # Inputs that changed places leave no other trace.
    return lines or differing_options(split_options(old.command), split_options(new.command)) or ["order of the inputs"]


def differing_options(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> list[str]:
    def shown(pairs: list[tuple[str, str]], name: str) -> str:
        values = [shlex.quote(value) if value else "(set)" for other, value in pairs if other == name]
        return " ".join(values) or "(not given)"

    names = dict.fromkeys(name for name, _ in [*before, *after])
    both = [(name or "command", shown(before, name), shown(after, name)) for name in names]
    return [f"{name}: {was} -> {is_now}" for name, was, is_now in both if was != is_now]


def now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
