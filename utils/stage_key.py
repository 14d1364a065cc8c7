"""What a stage is known by: its key, made of its command and of what its inputs hold.

In the key, options that cannot change the result (IGNORED below) are left out, and a path stands for what it is,
however it is spelled (relative, absolute, through a link): one in an input by what that holds, another one by its way
from the output folder. So folders that were moved together are still the same, and so is an input that lies elsewhere.

An input counts by the key of the stage that made it and by when that finished (made again, it may come from
other code). Without a stage, a file counts by its bytes; a folder by the names and sizes of all its files and by the
bytes of those that are small and no audio (transcripts, lists, references): copied anew, it is the same. Audio that
changed in place, with its name and to the byte its size, is therefore not seen.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from job_log import now

from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file
from mimidiar.report.stage_state import STATE, VERSION, State, owner_of, read_state

LOCK = ".stage.lock"
# A device, and how many processes train, change the last digits of a result and what dropout draws, but not what it is:
# they are in the logs.
IGNORED = {"--nj", "--job", "--device", "--ngpu", "--processes", "--num-workers", "--max-jobs-run"}
IGNORED_FLAGS = {"--progress", "--no-progress", "--quiet", "--verbose"}
# What recipes take paths from where no option names them.
VARIABLES = (
    "MIMIDIAR_MINI_CORPUS",
    "MIMI_CHECKPOINT",
    "TITANET_CHECKPOINT",
    "DIARIZATION_ROOT",
    "ENCODER_MODIFICATION_ROOT",
)
SMALL_BYTES = 1 << 20
AUDIO = {".wav", ".flac", ".sph", ".mp3", ".m4a", ".mp4", ".ogg", ".opus", ".aac"}


def digest_input(path: str, out: str) -> str:
    """What stands in the key for an input. Raises MimidiarError when it is missing or its stage has not finished."""
    if not os.path.exists(path):
        raise MimidiarError(f"{path} does not exist; {remedy(path)}")
    owner = owner_state(path, out)
    if os.path.isfile(path):
        return sha256_file(path)
    if owner is not None:
        state, inside = owner
        return state.digest if inside == "." else f"{state.digest}/{inside}"
    return hashlib.sha256("".join(listing(Path(path), "", set())).encode()).hexdigest()


def owner_state(path: str, out: str) -> tuple[State, str] | None:
    """The finished stage in whose folder `path` lies, and the path inside it; None when no stage made it."""
    place, here = Path(path).resolve(), Path(out).resolve()
    owner = owner_of(place)
    if owner is None or (place.is_relative_to(here) and here.is_relative_to(owner[0])):
        return None
    require_finished(owner[1], path)
    return owner[1], str(place.relative_to(owner[0]))


def require_finished(state: State, path: str) -> None:
    if state.status != "done":
        raise MimidiarError(f"{path}: the stage that makes it has not finished; {remedy(path)}")
    if state.version != VERSION:
        raise MimidiarError(f"{path}: made before {STATE} kept a lineage; {remedy(path)}, with --force")


def remedy(path: str) -> str:
    """Which stage to run first. The stages have the same numbers in all recipes, and folders of fixed names."""
    maker, current = maker_of(path), os.environ.get("MIMIDIAR_STAGE")
    if name := next((name for name, value in variables().items() if _is_in(path, value)), None):
        return f"check the environment variable {name}, which names it"
    if maker is None:
        return "check the path"
    return f"run stage {maker} first (--stage {maker})" + (f": it comes before stage {current}" if current else "")


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


def variables() -> dict[str, str]:
    """Those of VARIABLES that are set."""
    return {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}


def _is_in(path: str, folder: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


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
            if state is not None:
                require_finished(state, entry.path)
            yield from [f"{name} {state.digest}\n"] if state else listing(Path(entry.path), f"{name}/", seen)
        elif entry.name != LOCK:
            yield f"{name} {about_file(entry)}\n"


def about_file(entry: os.DirEntry) -> str:
    """A file's size, and its hash where it is small and no audio."""
    if not entry.is_file():
        return "no file"  # a link to nothing
    size = entry.stat().st_size
    by_bytes = size <= SMALL_BYTES and Path(entry.name).suffix.lower() not in AUDIO
    return f"{size} {sha256_file(entry.path)}" if by_bytes else str(size)


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


def known_words(state: State) -> list[tuple[str, str]]:
    """The command of a state as (option, value) pairs, each path in a value known by what it is."""

    def real(path: str) -> str:
        return os.path.realpath(os.path.join(state.directory, path))

    out, inputs = real(state.out), {real(path): digest for path, digest in state.inputs.items()}
    places = {path: f"<input {digest}>" for path, digest in inputs.items()} | {out: "<output>"}

    def known_by(value: str) -> str:
        if not value:  # a flag
            return value
        if any(letter.isspace() for letter in value):  # a command in itself
            try:
                return shlex.join(map(known_by, shlex.split(value)))
            except ValueError:  # no command: quotes without end
                return value
        name, equals, path = value.partition("=")
        if equals:
            return f"{name}={known_by(path)}"
        folder, last = os.path.split(os.path.join(state.directory, value))
        # A link inside an input, such as the Python of an environment, is a part of it wherever it leads.
        for place in (os.path.join(os.path.realpath(folder), last), real(value)):
            for path in sorted(places, key=len, reverse=True):
                if Path(place).is_relative_to(path):
                    return places[path] + place.removeprefix(path)
        is_path = "/" in value or Path(out).is_relative_to(real(value))
        return f"<output>/{os.path.relpath(real(value), out)}" if is_path else value

    return [(option, known_by(value)) for option, value in split_options(state.command)]


def new_state(command: list[str], out: str, paths: list[str]) -> State:
    """The state at the start of `command`. MimidiarError when an input is missing or its stage has not finished."""
    inputs = {path: digest_input(path, out) for path in paths}
    state = State("running", "", out, command, inputs, now(), directory=os.getcwd(), environment=variables())
    content = [known_words(state), sorted(inputs.values())]
    state.key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return state


def changes(old: State, new: State) -> list[str]:
    """What differs, one line each: options by name, the rest of the command, inputs, and a variable behind them."""
    lines = differing_options(old, new)
    was, is_now = inputs_by_place(old), inputs_by_place(new)
    for place in dict.fromkeys([*was, *is_now]):
        (path, digest), (_, after) = was.get(place) or is_now[place], is_now.get(place, ("", ""))
        if place in was and place in is_now:
            lines += [f"input {path}: its contents changed"] * (digest != after)
        # What lies elsewhere and is the same is no change.
        elif digest not in (new if place in was else old).inputs.values():
            lines.append(f"input {path}: {'no longer used' if place in was else 'added'}")
    for name in VARIABLES:
        before, after = (state.environment.get(name, "") for state in (old, new))
        if before != after and any(value and value in line for value in (before, after) for line in lines):
            lines.append(f"environment variable {name}: {before or '(not set)'} -> {after or '(not set)'}")
    return lines


def inputs_by_place(state: State) -> dict[str, tuple[str, str]]:
    """The way from the output to each input -> (its path as written, its digest)."""
    out = os.path.realpath(os.path.join(state.directory, state.out))
    real = {path: os.path.realpath(os.path.join(state.directory, path)) for path in state.inputs}
    return {os.path.relpath(real[path], out): (path, digest) for path, digest in state.inputs.items()}


def differing_options(old: State, new: State) -> list[str]:
    """Options with other values, one line each; an input that changed where it stands is left to the inputs' lines."""

    def known(state: State) -> dict[str, list[tuple[str, str]]]:
        places = {digest: place for place, (_, digest) in inputs_by_place(state).items()}
        found: dict[str, list[tuple[str, str]]] = {}
        for option, value in known_words(state):
            digest, _, rest = value.removeprefix("<input ").partition(">")
            place = f"{places[digest]}{rest}" if digest in places else value
            found.setdefault(option, []).append((value, place))
        return found

    before, after = known(old), known(new)
    lines = []
    for name in dict.fromkeys([*before, *after]):
        was, is_now = before.get(name, []), after.get(name, [])
        by_content, by_place = ([pair[n] for pair in was] != [pair[n] for pair in is_now] for n in (0, 1))
        if by_content and by_place:
            lines.append(f"{name or 'command'}: {_shown(old, name)} -> {_shown(new, name)}")
    return lines


def _shown(state: State, name: str) -> str:
    values = [value for option, value in split_options(state.command) if option == name]
    return " ".join(shlex.quote(value) if value else "(set)" for value in values) or "(not given)"
