"""Audio files to annotation files: first all files are checked, then they are diarized one by one."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.pyannote_json import write_pyannote
from mimidiar.annotation.rttm import rttm_lines, rttm_name, write_rttm
from mimidiar.annotation.srt import write_srt
from mimidiar.annotation.text_file import file_recording, many
from mimidiar.annotation.textgrid import write_textgrid
from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.audio.files import NARROW_BAND_HZ, probe_audio
from mimidiar.audio.files import file_recording as open_recording
from mimidiar.diarize.clustering import Count
from mimidiar.errors import MimidiarError, os_error_text
from mimidiar.log import log

FIGURE = ".png"


def named_turns(found: "Diarization", recording: str | None = None) -> list[Turn]:
    """The turns, under another name of the recording where a format cannot hold its own."""
    return [replace(turn, recording=found.recording.name if recording is None else recording) for turn in found.turns]


def _by_recording(found: "Diarization") -> dict[str, list[Turn]]:
    return {found.recording.name: named_turns(found)}


# name -> the suffix of its files, and what writes one
FORMATS: dict[str, tuple[str, Callable[[Path, "Diarization"], None]]] = {
    "rttm": (".rttm", lambda path, found: write_rttm(path, rttm_turns(found))),
    "srt": (".srt", lambda path, found: write_srt(path, _by_recording(found))),
    "textgrid": (
        ".TextGrid",
        lambda path, found: write_textgrid(path, _by_recording(found), seconds=found.recording.seconds),
    ),
    "json": (".json", lambda path, found: write_pyannote(path, _by_recording(found))),
}


def write_outputs(found: "Diarization", folder: Path, formats: Sequence[str], plot: bool) -> list[Path]:
    """Write FOLDER/NAME.SUFFIX of every format, each atomically, with NAME that of the recording. Returns the files."""
    suffixes = [FORMATS[name][0] for name in formats] + ([FIGURE] if plot else [])
    files = [folder / f"{found.recording.name}{suffix}" for suffix in suffixes]
    for name, file in zip(formats, files, strict=False):
        FORMATS[name][1](file, found)
    if plot:
        _write_figure(found, files[-1])
    return files


def rttm_turns(found: "Diarization") -> list[Turn]:
    return named_turns(found, rttm_name(found.recording.name))


def rttm_text(found: "Diarization") -> str:
    """The lines of the RTTM file."""
    return "".join(f"{line}\n" for line in rttm_lines(rttm_turns(found), found.recording.name))


def _write_figure(found: "Diarization", path: Path) -> None:
    from mimidiar.figures.style import save_figure
    from mimidiar.figures.timeline import Posteriors, draw_speakers

    posteriors = Posteriors(found.posteriors, LABEL_HZ, found.speakers)
    save_figure(draw_speakers(found.recording.name, found.recording.seconds, found.turns, posteriors), path)


if TYPE_CHECKING:
    from mimidiar.diarize.pretrained import Diarization, Diarizer

# Suffixes of the audio files in a folder; a file that is named is recognized by its content.
AUDIO = ("wav", "wave", "w64", "rf64", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "caf", "sph")
BAR = "{desc}{percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]"


@dataclass(frozen=True)
class Task:
    """One signal of one file: all its channels averaged, or `channel` (from 0) alone."""

    path: Path
    channel: int | None
    name: str
    seconds: float


def find_tasks(paths: Sequence[Path], per_channel: bool) -> tuple[list[Task], int]:
    """The tasks for files, and for the audio files directly in folders, without duplicates; and the number of files
    that cannot be diarized, with an error logged for each."""
    found = [_guarded(_files, path) for path in paths]
    files = {file.resolve(): file for own in found for file in own or []}
    tasks = [_guarded(_tasks, file, per_channel) for file in files.values()]
    return [task for own in tasks for task in own or []], [*found, *tasks].count(None)


def check_outputs(tasks: Sequence[Task], folder: Path | None) -> None:
    """MimidiarError where two recordings would be written to the same files, or, without a folder, under one name."""
    taken: dict[str, Task] = {}
    for task in tasks:
        other = taken.setdefault(task.name if folder else rttm_name(task.name), task)
        if other is not task:
            target = f"{folder / task.name}.*" if folder else f"recording {rttm_name(task.name)}"
            raise MimidiarError(
                f"{other.path} and {task.path} would both be written as {target}; rename one of them, or diarize them "
                "in two calls with another folder each (-o)"
            )


def diarize_tasks(
    diarizer: "Diarizer", tasks: Sequence[Task], count: Count, write: Callable[["Diarization"], str]
) -> Iterator[str | None]:
    """Diarize and `write` one recording after the other. Yields a line on the written files, or None for a recording
    that failed, after logging the error."""
    with tqdm(total=sum(task.seconds for task in tasks), desc="audio", bar_format=BAR, disable=None) as bar:
        before = 0.0
        for task in tasks:
            bar.set_description(task.path.name)
            line = _guarded(_one, diarizer, task, count, write, bar)
            before += task.seconds
            bar.update(before - bar.n)
            yield line


def _one(diarizer: "Diarizer", task: Task, count: Count, write: Callable[["Diarization"], str], bar: tqdm) -> str:
    recording = open_recording(task.path, task.channel, task.name)

    def read() -> Iterator[np.ndarray]:
        for chunk in recording.read():
            yield chunk
            bar.update(min(len(chunk) / recording.sample_rate, bar.total - bar.n))

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "audio at .* Hz")  # `find_tasks` has told
        found = diarizer.diarize(replace(recording, read=read), count)
    found.warn_of_fewer(count, task.path)
    return f"{write(found)}: {many(len(found.speakers), 'speaker')}, {many(len(found.turns), 'turn')}"


def _guarded(action: Callable, *arguments: Any) -> Any:
    """The result of `action`; None if it fails, after logging the error."""
    try:
        return action(*arguments)
    except MimidiarError as error:
        log.error(str(error))
    except OSError as error:
        log.error(os_error_text(error))
    return None


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    files = [each for each in inside if each.is_file() and each.suffix.lower().removeprefix(".") in AUDIO]
    folders = sum(each.is_dir() for each in inside)
    if not files:
        below = f"; subfolders ({folders}) are not searched, name them" if folders else ""
        raise MimidiarError(f"{path}: no audio file directly in this folder (by suffix: {', '.join(AUDIO)}){below}")
    passed = [(folders, "folder"), (len(inside) - len(files) - folders, "other file")]
    rest = " and ".join(many(number, what) for number, what in passed if number)
    log.info(f"{path}: {many(len(files), 'audio file')}{f'; passed over: {rest}' if rest else ''}")
    return files


def _tasks(path: Path, per_channel: bool) -> list[Task]:
    with open(path, "rb"):  # where the system refuses, its words are better than libsndfile's
        info, name = probe_audio(path), file_recording(path)
    if info.sample_rate <= NARROW_BAND_HZ:
        log.info(f"{path}: audio at {info.sample_rate} Hz, without half of the band that the model reads")
    if not per_channel or info.channels == 1:
        return [Task(path, None, name, info.seconds)]
    channels = range(info.channels)
    return [Task(path, channel, f"{name}-channel{channel + 1}", info.seconds) for channel in channels]
