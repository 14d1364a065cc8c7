"""Audio files to annotation files: first all files are checked, then they are diarized one by one."""

import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.activity import runs
from mimidiar.annotation.pyannote_json import write_pyannote
from mimidiar.annotation.rttm import rttm_lines, rttm_name, write_rttm
from mimidiar.annotation.srt import write_srt
from mimidiar.annotation.text_file import file_recording, many
from mimidiar.annotation.textgrid import write_textgrid
from mimidiar.annotation.turns import LABEL_HZ, Turn, intersect, subtract, total_sec, union
from mimidiar.annotation.vtt import write_vtt
from mimidiar.audio.crosstalk import RATE_HZ as CROSSTALK_HZ
from mimidiar.audio.crosstalk import find_crosstalk
from mimidiar.audio.files import NARROW_BAND_HZ, AudioRecording, probe_audio, stream_channels
from mimidiar.audio.files import file_recording as open_recording
from mimidiar.diarize.clustering import Count
from mimidiar.errors import MimidiarError, os_error_text
from mimidiar.files import require_regular
from mimidiar.log import log

FIGURE = ".png"
MERGED = "merged"  # channels are diarized one by one, each as a speaker of one recording
SHORTEST_LEFT_SEC = 0.24
SAME_SOUND = 0.95  # correlation of channels
MOST_AT_ONCE = 0.6  # share of the speech of one side of a call that is in overlap


def named_turns(found: "Diarization", recording: str | None = None) -> list[Turn]:
    """The turns, under another name of the recording where a format cannot hold its own."""
    return [replace(turn, recording=found.recording.name if recording is None else recording) for turn in found.turns]


def _by_recording(found: "Diarization") -> dict[str, list[Turn]]:
    return {found.recording.name: named_turns(found)}


# name -> the suffix of its files, and what writes one
FORMATS: dict[str, tuple[str, Callable[[Path, "Diarization"], None]]] = {
    "rttm": (".rttm", lambda path, found: write_rttm(path, rttm_turns(found), found.channels)),
    "srt": (".srt", lambda path, found: write_srt(path, _by_recording(found))),
    "vtt": (".vtt", lambda path, found: write_vtt(path, _by_recording(found))),
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
    return "".join(f"{line}\n" for line in rttm_lines(rttm_turns(found), found.recording.name, found.channels))


def _write_figure(found: "Diarization", path: Path) -> None:
    from mimidiar.figures.style import save_figure
    from mimidiar.figures.timeline import Posteriors, draw_speakers

    posteriors = Posteriors(found.posteriors, LABEL_HZ, found.speakers)
    save_figure(draw_speakers(found.recording.name, found.recording.seconds, found.turns, posteriors), path)


if TYPE_CHECKING:
    from mimidiar.diarize.pretrained import Diarization, Diarizer

# Suffixes of the audio files in a folder; a file that is named is recognized by its content.
AUDIO = ("wav", "wave", "w64", "rf64", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "caf", "sph")
AUDIO += ("m4a", "m4b", "aac", "mp4", "m4v", "mov", "mkv", "mka", "webm", "weba", "wma", "wmv", "amr", "3gp", "3g2")
AUDIO += ("avi", "flv", "mpg", "mpeg", "ts", "mts", "m2ts", "ogv", "ac3", "ape", "wv", "voc")
BAR = "{desc}{percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]"


@dataclass(frozen=True)
class Task:
    """One signal of one file: all its channels averaged (None), or one (from 0) alone; or several, each a speaker."""

    path: Path
    channels: Sequence[int | None]
    name: str
    seconds: float
    audio_stream: int | None = None  # from 1


def find_tasks(
    paths: Sequence[Path], folder: Path | None, per_channel: str | None = None, audio_stream: int | None = None
) -> tuple[list[Task], int]:
    """The tasks for files, and for the audio files directly in folders, without duplicates; and the number of files
    that cannot be diarized, with an error logged for each.

    One that would be written to the same files as another before it, or, without a `folder`, under its name, cannot.
    """
    found = [_guarded(_files, path) for path in paths]
    files = {file.resolve(): file for own in found for file in own or []}
    taken: dict[str, Path] = {}
    tasks = [_guarded(_tasks, file, per_channel, audio_stream, folder, taken) for file in files.values()]
    return [task for own in tasks for task in own or []], [*found, *tasks].count(None)


def _check_output(name: str, path: Path, folder: Path | None, taken: dict[str, Path]) -> None:
    other = taken.setdefault(name if folder else rttm_name(name), path)
    if other is not path:
        target = f"{folder / name}.*" if folder else f"recording {rttm_name(name)}"
        raise MimidiarError(
            f"{path}: would be written as {target}, as {other} is; rename it, or diarize it in a call of its own with "
            "another folder (-o)"
        )


def diarize_tasks(
    diarizer: "Diarizer", tasks: Sequence[Task], count: Count, write: Callable[["Diarization"], str]
) -> Iterator[str | None]:
    """Diarize and `write` one recording after the other. Yields a line on the written files, or None for a recording
    that failed, after logging the error."""
    with tqdm(total=sum(task.seconds for task in tasks), desc="audio", bar_format=BAR, disable=None) as bar:
        for task in tasks:
            before, total = bar.n, bar.total
            bar.set_description(task.path.name)
            line = _guarded(_one, diarizer, task, count, write, bar, last_resort=task.path)
            bar.total = total + bar.n - before - task.seconds  # what was read in place of what was stated
            yield line


def _one(diarizer: "Diarizer", task: Task, count: Count, write: Callable[["Diarization"], str], bar: tqdm) -> str:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "audio at .* Hz")  # `find_tasks` has told
        found = _call(diarizer, task, bar) if len(task.channels) > 1 else None
        if found is None:
            channel = task.channels[0] if len(task.channels) == 1 else None
            found = diarizer.diarize(_shown(task, channel, bar), count)
    found.warn(count, task.path)
    return f"{write(found)}: {many(len(found.speakers), 'speaker')}, {many(len(found.turns), 'turn')}"


def _call(diarizer: "Diarizer", task: Task, bar: tqdm) -> "Diarization | None":
    """A call with a speaker in each channel; None, with a warning, where all channels hold the same."""
    crosstalk = find_crosstalk(stream_channels(task.path, CROSSTALK_HZ, task.audio_stream))
    if crosstalk.alike > SAME_SOUND:
        log.warning(f"{task.path}: its channels hold the same sound, so that it is diarized as one")
        return None
    single = [diarizer.diarize(_shown(task, channel, bar)) for channel in task.channels]
    found = merge_channels(single, crosstalk.frames, task.name)
    spoken = [union((t.start, t.end) for t in found.turns if t.speaker == speaker) for speaker in found.speakers]
    for one, other in combinations(range(len(spoken)), 2):
        both, least = (
            total_sec(intersect(spoken[one], spoken[other])),
            min(map(total_sec, (spoken[one], spoken[other]))),
        )
        if both > MOST_AT_ONCE * least:
            share = f"{found.speakers[one]} and {found.speakers[other]} speak at once for {both:,.0f} of {least:,.0f} s"
            log.warning(
                f"{task.path}: {share}: a channel may hold a late echo of the other; compare without --per-channel"
            )
    return found


def _shown(task: Task, channel: int | None, bar: tqdm) -> AudioRecording:
    """The recording, whose reading moves the progress bar."""
    recording = open_recording(task.path, channel, task.name, task.audio_stream)

    def read() -> Iterator[np.ndarray]:
        for chunk in recording.read():
            yield chunk
            seconds = len(chunk) / recording.sample_rate
            bar.total = max(bar.total, bar.n + seconds)
            bar.update(seconds)

    return replace(recording, read=read)


def _guarded(action: Callable, *arguments: Any, last_resort: Path | None = None) -> Any:
    """The result of `action`; None if it fails, after logging the error; a fault of ours only for a `last_resort`."""
    try:
        return action(*arguments)
    except MimidiarError as error:
        log.error(str(error))
    except BrokenPipeError:  # whoever reads our output has gone
        raise
    except OSError as error:
        log.error(os_error_text(error))
    except Exception:
        if last_resort is None:
            raise
        log.error(f"{last_resort}: this is a fault of mimidiar, please report it:\n{traceback.format_exc()}")
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


def _tasks(
    path: Path, per_channel: str | None, audio_stream: int | None, folder: Path | None, taken: dict[str, Path]
) -> list[Task]:
    """Of one file: one task, or with `per_channel` "separate" one for each channel."""
    require_regular(path)
    with open(path, "rb"):  # where the system refuses, its words are better than libsndfile's
        info, name = probe_audio(path, audio_stream), file_recording(path)
    single: dict[str, list[int | None]] = {name: [None]}
    if per_channel is not None and info.channels > 1:
        channels = range(info.channels)
        single = {name: channels} if per_channel == MERGED else {f"{name}-channel{c + 1}": [c] for c in channels}
    for each in single:
        _check_output(each, path, folder, taken)
    if info.sample_rate <= NARROW_BAND_HZ:
        log.info(f"{path}: audio at {info.sample_rate} Hz, without half of the band that the model reads")
    return [Task(path, own, each, info.seconds * len(own), audio_stream) for each, own in single.items()]


def merge_channels(channels: Sequence["Diarization"], crosstalk: np.ndarray, name: str) -> "Diarization":
    """The diarizations of a call's channels as one, in which each channel is a speaker, without the other's voice.

    `crosstalk`: Bool (T, C) (`find_crosstalk`). What is left of a turn between crosstalk is dropped under 0.24 s.
    """
    turns, speakers = [], [f"spk{number}" for number in range(len(channels))]
    for number, found in enumerate(channels):
        heard = [(start / LABEL_HZ, end / LABEL_HZ) for start, end in runs(crosstalk[:, number])]
        own = subtract(union((turn.start, turn.end) for turn in found.turns), heard)
        turns += [Turn(name, start, end, speakers[number]) for start, end in own if end - start >= SHORTEST_LEFT_SEC]
    posteriors = np.stack([each.posteriors.max(axis=1, initial=0.0) for each in channels], axis=1)
    present = [speaker for speaker in speakers if any(turn.speaker == speaker for turn in turns)]
    kept = [speakers.index(speaker) for speaker in present]
    recording = replace(channels[0].recording, name=name)
    peak, speech_sec = (max(getattr(each, value) for each in channels) for value in ("peak", "speech_sec"))
    numbers = {speaker: number + 1 for number, speaker in enumerate(speakers)}
    return replace(
        channels[0],
        recording=recording,
        speakers=present,
        turns=sorted(turns),
        posteriors=posteriors[:, kept],
        peak=peak,
        speech_sec=speech_sec,
        channels=numbers,
    )
