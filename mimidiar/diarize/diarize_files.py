"""Audio files to annotation files: first what is to be done, with all that stands in its way; then file by file."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.lines import many
from mimidiar.annotation.rttm import rttm_name
from mimidiar.annotation.text_file import file_recording
from mimidiar.audio.files import NARROW_BAND_HZ, probe_audio
from mimidiar.diarize.audio_source import file_sound
from mimidiar.diarize.clustering import Count
from mimidiar.errors import MimidiarError, os_error_text

if TYPE_CHECKING:
    from mimidiar.diarize.diarizer import Diarization, Diarizer

# What is taken of a folder; of a file that is named, its content tells.
AUDIO = ("wav", "wave", "w64", "rf64", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "caf", "sph")
BAR = "{desc}{percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """One signal of one file: all its channels averaged, or `channel` (from 0) alone."""

    path: Path
    channel: int | None
    name: str
    seconds: float


def find_tasks(paths: Sequence[Path], per_channel: bool, say: Tell, complain: Tell) -> list[Task]:
    """What is to be done for files, and for the audio files directly in folders; a file that is given twice, once.

    What is found of a folder is told to `say`; of what cannot be done, each is told to `complain`.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        for file in _guarded(lambda path=path: _files(path, say), complain) or []:
            files.setdefault(file.resolve(), file)
    return [
        task
        for file in files.values()
        for task in _guarded(lambda file=file: list(_tasks(file, per_channel, say)), complain) or []
    ]


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
    diarizer: "Diarizer", tasks: Sequence[Task], count: Count, write: Callable[["Diarization"], str], complain: Tell
) -> Iterator[str]:
    """Diarize and `write` one after the other; a line on each that was written. Those that failed go to `complain`."""
    total = sum(task.seconds for task in tasks)
    with tqdm(total=total, desc="audio", bar_format=BAR, disable=None) as bar:
        before = 0.0
        for task in tasks:
            bar.set_description(task.path.name)
            share = 1 / diarizer.passes
            line = _guarded(lambda task=task, share=share: _one(diarizer, task, count, write, bar, share), complain)
            before += task.seconds
            bar.update(before - bar.n)
            if line is not None:
                yield line


def _one(
    diarizer: "Diarizer", task: Task, count: Count, write: Callable[["Diarization"], str], bar: tqdm, share: float
) -> str:
    sound = file_sound(task.path, task.channel, task.name)

    def read(sample_rate: int) -> Iterator[np.ndarray]:
        for chunk in sound.read(sample_rate):
            yield chunk
            bar.update(min(share * len(chunk) / sample_rate, bar.total - bar.n))

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "audio at .* Hz")  # `find_tasks` has told
        found = diarizer.diarize(replace(sound, read=read), count)
    few = f" ({count.least} were asked for)" if 1 < count.least > len(found.speakers) else ""
    return f"{write(found)}: {many(len(found.speakers), 'speaker')}{few}, {many(len(found.turns), 'turn')}"


def _guarded(action: Callable, complain: Tell):
    """What `action` returns; None where it fails in a way that the user is told of."""
    try:
        return action()
    except MimidiarError as error:
        complain(str(error))
    except OSError as error:
        complain(os_error_text(error))
    return None


def _files(path: Path, say: Tell) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    files = [each for each in inside if each.is_file() and each.suffix.lower().removeprefix(".") in AUDIO]
    folders = sum(each.is_dir() for each in inside)
    if not files:
        below = f"; folders in it are not looked into ({folders}), name them" if folders else ""
        raise MimidiarError(f"{path}: no audio file directly in this folder (by suffix: {', '.join(AUDIO)}){below}")
    passed = [(folders, "folder"), (len(inside) - len(files) - folders, "other file")]
    rest = " and ".join(many(number, what) for number, what in passed if number)
    say(f"{path}: {many(len(files), 'audio file')}{f'; passed over: {rest}' if rest else ''}")
    return files


def _tasks(path: Path, per_channel: bool, say: Tell) -> Iterator[Task]:
    with open(path, "rb"):  # where the system refuses, its words are better than libsndfile's
        info, name = probe_audio(path), file_recording(path)
    if info.sample_rate <= NARROW_BAND_HZ:
        say(f"{path}: audio at {info.sample_rate} Hz, in which half of what the model hears is not there")
    if not per_channel or info.channels == 1:
        yield Task(path, None, name, info.seconds)
        return
    for channel in range(info.channels):
        yield Task(path, channel, f"{name}-channel{channel + 1}", info.seconds)
