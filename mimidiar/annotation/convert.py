"""Conversion of annotation formats: read, fit to the limits of the target, write, and report losses."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mimidiar.annotation.extent import REGION
from mimidiar.annotation.fit import Annotations, fit
from mimidiar.annotation.formats import (
    FORMATS,
    files_of,
    format_named,
    format_of_folder,
    format_of_source,
    format_of_target,
)
from mimidiar.annotation.reading import PAUSE_SEC, Reading
from mimidiar.annotation.supervisions import FILE_NAMES
from mimidiar.annotation.text_file import many, shown
from mimidiar.annotation.turns import Turns
from mimidiar.errors import MimidiarError, listed

LONGEST_NAME = 200  # bytes; most file systems stop at 255, and a temporary file adds some


@dataclass(frozen=True)
class Options:
    """Formats by name (guessed from the file where None), the recording to choose or name, CTM's longest pause, and the
    speaker of what has none.
    """

    source_format: str | None = None
    target_format: str | None = None
    recording: str | None = None
    pause_sec: float | None = None
    unnamed: str | None = None


def convert(source: str | Path, target: str | Path, options: Options = Options()) -> str:
    """Write `source` (file or folder) as `target`; a folder (existing, ending in /, without suffix) gets a file each.

    Returns one line on the written files and the lost information. Raises MimidiarError.
    """
    try:
        read_as, write_as = formats(Path(source), target, options)
        found = read(Path(source), read_as, options)
        fit(found, write_as, f"{source} as {write_as}")
        files = plan(found.turns, target, write_as)
        _check_targets(files, found.files)
        for file, recordings in files.items():
            FORMATS[write_as].write(file, {name: found.turns[name] for name in recordings}, found.transcript)
        return statement(found, target, read_as, write_as)
    except OSError as error:
        raise MimidiarError(f"{error.filename2 or error.filename or source}: {error.strerror}") from None


def _check_targets(targets: Iterable[Path], sources: Iterable[Path]) -> None:
    """Refuse to replace a source, or what is no file (a folder, a device, a pipe)."""
    origins = {file.resolve() for file in sources}
    for file in targets:
        if file.resolve() in origins:
            raise MimidiarError(f"{file}: this is the source itself; give another name")
        if (file.exists() and not file.is_file()) or file.is_relative_to("/dev"):
            raise MimidiarError(f"{file}: this is no regular file; give another name")


def formats(source: Path, target: str | Path, options: Options) -> tuple[str, str]:
    """The names of the formats of source and target: the ones given, else by suffix or folder."""
    for name in (options.source_format, options.target_format):
        if name is not None:
            format_named(name)
    if str(target) == "-":
        raise MimidiarError("-: convert writes files, not to its standard output; name a file")
    if is_folder(target) and not options.target_format:
        raise MimidiarError(f"{target}: a folder may hold any format; name it with --to, one of {', '.join(FORMATS)}")
    if not source.exists():
        raise MimidiarError(f"{source}: no such file or folder")
    guess = format_of_folder(source) if source.is_dir() and not options.source_format else None
    write_as = options.target_format or format_of_target(target)
    return options.source_format or guess or format_of_source(source), write_as


def is_folder(path: str | Path) -> bool:
    """Whether a target is meant as a folder."""
    return str(path).endswith("/") or Path(path).is_dir() or (not Path(path).suffix and not Path(path).exists())


def read(source: Path, name: str, options: Options) -> Annotations:
    """All turns of a file or folder in the format `name`, or of the recording that the options name."""
    if options.pause_sec is not None and name != "ctm":
        raise MimidiarError(f"{source}: --pause joins the words of a CTM to turns, but {name} has turns already")
    if options.pause_sec is not None and not options.pause_sec >= 0:
        raise MimidiarError(f"--pause is {options.pause_sec:g}; give seconds, 0 or more")
    if options.unnamed is not None and not options.unnamed.strip():
        raise MimidiarError(f"--unnamed is {options.unnamed!r}; give the name of a speaker")
    found = Annotations(files_of(source, name) if source.is_dir() else [source])
    if not found.files:
        raise MimidiarError(f"{source}: no *{FORMATS[name].suffixes[0]} file in this folder")
    pause_sec = PAUSE_SEC if options.pause_sec is None else options.pause_sec
    name_given = None if source.is_dir() else options.recording
    _read_files(found, name, Reading(found.transcript, found.notes, name_given, options.unnamed, pause_sec))
    if not found.turns:
        why = f" ({listed(found.notes, '; ')})" if found.notes else ""
        raise MimidiarError(f"{source}: no turn in it, so there is nothing to convert{why}")
    if options.recording is not None:
        _choose(found, options.recording, source)
    if name == "ctm":
        found.notes.append(f"words of a speaker with pauses up to {pause_sec:g} s are one turn")
    return found


def _read_files(found: Annotations, name: str, reading: Reading) -> None:
    origin: dict[str, Path] = {}
    silent = 0
    for file in found.files:
        turns = FORMATS[name].read(file, reading)
        silent += not turns
        for recording in turns:
            if origin.setdefault(recording, file) != file:
                both = f"{origin[recording].name} and in {file.name}"
                raise MimidiarError(f"{file.parent}: recording {shown(recording)} is in {both}; keep one of them")
        found.turns.update(turns)
    if silent and len(found.files) > 1:
        found.notes.append(f"{many(silent, 'file')} of {len(found.files)} without any turn")


def _choose(found: Annotations, recording: str, source: Path) -> None:
    if recording not in found.turns:
        names = sorted(found.turns)
        known = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise MimidiarError(f"{source}: no recording {shown(recording)} in it; it holds {known}")
    found.turns = {recording: found.turns[recording]}


def plan(turns: Turns, target: str | Path, name: str) -> dict[Path, list[str]]:
    """The files to write, and the recordings of each. MimidiarError where a file would have to hold too many."""
    target, folder = Path(target), is_folder(target)
    if folder and name == "supervisions":
        return {target / FILE_NAMES[0]: sorted(turns)}
    if folder:
        return {_file_in(target, recording, name): [recording] for recording in sorted(turns)}
    if FORMATS[name].one_recording and len(turns) > 1:
        some = ", ".join(sorted(turns)[:3])
        remedy = f"give a folder (out/ --to {name}), or choose one with --recording"
        raise MimidiarError(f"{target}: {len(turns)} recordings ({some} ...), but a {name} file holds one; {remedy}")
    return {target: sorted(turns)}


def _file_in(folder: Path, recording: str, name: str) -> Path:
    if "/" in recording or recording.startswith(".") or len(recording.encode()) > LONGEST_NAME:
        raise MimidiarError(f"{folder}: recording {shown(recording)} cannot be the name of a file in this folder")
    return folder / f"{recording}{FORMATS[name].suffixes[0]}"


def statement(found: Annotations, target: str | Path, read_as: str, write_as: str) -> str:
    """One line for the user: what was written, what was lost, what to know."""
    lost, notes = list(found.lost), [listed(found.notes, "; ")] if found.notes else []
    names, turns = list(found.turns), list(found.all_turns())
    if FORMATS[write_as].one_recording and not is_folder(target) and names != [Path(target).stem]:
        lost.append(f"the recording's name {shown(names[0])} (now {shown(Path(target).stem)}, like the file)")
    if read_as == "uem" and write_as != "uem":
        notes.append(f"regions are turns of a speaker {REGION!r}")
    if write_as == "textgrid":
        notes.append("a grid ends with its last turn, since turns do not contain the length of the recording")
    counts = [many(len(names), "recording"), many(len({turn.speaker for turn in turns}), "speaker")]
    counts += [many(len(turns), "turn")]
    text = f"{target}: {', '.join(counts)}, {read_as} to {write_as}"
    text += "; lost: " + ", ".join(lost) if lost else ", all kept"
    return text + "".join(f"; {note}" for note in notes)
