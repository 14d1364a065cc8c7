"""The file formats of annotations: their readers and writers, and their limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimidiar.annotation.audacity import read_audacity, write_audacity
from mimidiar.annotation.ctm import MISSING, read_ctm, write_ctm
from mimidiar.annotation.extent import read_regions, write_extents
from mimidiar.annotation.json_file import read_json
from mimidiar.annotation.pyannote_json import is_pyannote, read_pyannote, write_pyannote
from mimidiar.annotation.reading import Reading
from mimidiar.annotation.rttm import MISSING as NOBODY
from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.seglst import is_seglst, read_seglst, write_seglst
from mimidiar.annotation.srt import read_srt, write_srt
from mimidiar.annotation.stm import UNSCORED_SPEAKERS, read_stm, write_stm
from mimidiar.annotation.supervisions import FILE_NAMES, read_supervisions, write_supervisions
from mimidiar.annotation.textgrid import read_textgrid, write_textgrid
from mimidiar.annotation.transcript import Transcript
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.annotation.vtt import read_vtt, write_vtt
from mimidiar.annotation.whisper import is_whisper, read_whisper, write_whisper
from mimidiar.errors import MimidiarError


@dataclass(frozen=True)
class Format:
    """One file format. `suffixes`: what its files end in, the first of them when written."""

    suffixes: tuple[str, ...]
    read: Callable[[Path, Reading], dict[str, list[Turn]]]
    write: Callable[[Path, Turns, Transcript], None]
    holds: str
    lacks: str
    skips: str = ""  # what its files may have besides, and the reader passes over
    one_recording: bool = False  # and its name is the file's
    spaces: bool = True  # in names
    recording_leads: bool = False  # a line begins with the name of the recording
    no_speaker: tuple[str, ...] = ()  # names that its reader takes for none
    milliseconds: bool = False  # times are written in them
    words: str = ""  # "", "text" or "times": the stored part of the transcript
    is_it: Callable[[Any], bool] | None = None  # tells formats of one suffix apart by their JSON


def _rttm_turns(path: Path, turns: Turns, transcript: Transcript) -> None:
    write_rttm(path, (turn for spoken in turns.values() for turn in spoken))


FORMATS: Mapping[str, Format] = {
    "rttm": Format(
        (".rttm",),
        read_rttm,
        _rttm_turns,
        "the turns of any number of recordings",
        "words; spaces in names; under 1 ms",
        "all but SPEAKER lines; the channel",
        spaces=False,
        no_speaker=(NOBODY,),
        milliseconds=True,
    ),
    "uem": Format(
        (".uem",),
        read_regions,
        lambda path, turns, transcript: write_extents(path, turns),
        "regions of any number of recordings",
        "speakers, words; spaces in names; under 1 ms",
        "the channel",
        spaces=False,
        recording_leads=True,
        milliseconds=True,
    ),
    "ctm": Format(
        (".ctm",),
        read_ctm,
        write_ctm,
        "words with their times and speakers (without these: channels)",
        "turns as such, nor any without word times; spaces in names; under 1 ms",
        "lines that are no word (types non-lex, misc, noscore)",
        spaces=False,
        recording_leads=True,
        no_speaker=tuple(MISSING),
        milliseconds=True,
        words="times",
    ),
    "supervisions": Format(
        (".jsonl.gz", ".jsonl"),
        read_supervisions,
        write_supervisions,
        "lhotse's turns, texts and aligned words of any number of recordings",
        "nothing of the others",
        "channel, language, gender, custom fields",
        words="times",
    ),
    "pyannote": Format(
        (".json",),
        read_pyannote,
        write_pyannote,
        "turns as pyannote.audio 4 writes them (read: the layout of pyannote.core 4 as well)",
        "words",
        "tracks, modality",
        is_it=is_pyannote,
    ),
    "whisper": Format(
        (".json",),
        read_whisper,
        write_whisper,
        "segments of Whisper, whisperX (split where speakers of words change): turns, texts and the times of words "
        "(read: those of whisper.cpp and Hugging Face as well)",
        "a second recording; the name of the one",
        "scores, tokens, language",
        one_recording=True,
        words="times",
        is_it=is_whisper,
    ),
    "seglst": Format(
        (".json",),
        read_seglst,
        write_seglst,
        "segments of CHiME and meeteval: turns and their texts, of any number of recordings",
        "word times",
        "all but session_id, start_time, end_time, speaker, words",
        words="text",
        is_it=is_seglst,
    ),
    "stm": Format(
        (".stm",),
        read_stm,
        write_stm,
        "NIST's segments: turns and their texts, of any number of recordings",
        "word times; spaces in names; under 1 ms",
        "the channel, labels as <o,f0,male>, unscored lines",
        spaces=False,
        recording_leads=True,
        no_speaker=(NOBODY, *UNSCORED_SPEAKERS),
        milliseconds=True,
        words="text",
    ),
    "textgrid": Format(
        (".TextGrid",),
        read_textgrid,
        write_textgrid,
        "Praat: turns and their texts, one tier a speaker",
        "a second recording; the name of the one; word times",
        "point tiers",
        one_recording=True,
        words="text",
    ),
    "audacity": Format(
        (".txt",),
        read_audacity,
        write_audacity,
        "labels: turns and their texts, as 'speaker' or 'speaker: text'",
        "a second recording; the name of the one; word times; under 1 us",
        "point labels, frequencies",
        one_recording=True,
        words="text",
    ),
    "srt": Format(
        (".srt",),
        read_srt,
        write_srt,
        "subtitles: turns and their texts, as 'speaker: text'",
        "a second recording; the name of the one; word times; under 1 ms",
        "cues of sounds alone, as [music]",
        one_recording=True,
        milliseconds=True,
        words="text",
    ),
    "vtt": Format(
        (".vtt",),
        read_vtt,
        write_vtt,
        "WebVTT subtitles: turns and their texts, as '<v speaker>text'",
        "a second recording; the name of the one; word times; under 1 ms",
        "cues of sounds alone, notes, styles, regions, settings",
        one_recording=True,
        milliseconds=True,
        words="text",
    ),
}


def format_named(name: str) -> Format:
    """The format of that name. Raises MimidiarError that lists all."""
    if name not in FORMATS:
        raise MimidiarError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of_target(path: str | Path) -> str:
    """The name of the first format that the suffix of `path` stands for. Raises MimidiarError that lists all."""
    return _of_suffix(path, "--to")[0]


def format_of_source(path: str | Path) -> str:
    """The name of the format of a file, by its suffix and, where several have it, by the JSON in it.

    Raises MimidiarError that lists the choices.
    """
    names = _of_suffix(path, "--from")
    if len(names) == 1:
        return names[0]
    document = read_json(path)
    for name in names:
        if FORMATS[name].is_it(document):
            return name
    raise MimidiarError(f"{path}: the JSON in it looks like none of {', '.join(names)}; name the format with --from")


def _of_suffix(path: str | Path, option: str) -> list[str]:
    """The formats whose files end so. Raises MimidiarError that names the `option` where there is none."""
    file = Path(path).name.lower()
    found = [name for name, kind in FORMATS.items() if file.endswith(tuple(s.lower() for s in kind.suffixes))]
    if found:
        return found
    known = ", ".join(f"{kind.suffixes[0]} ({name})" for name, kind in FORMATS.items())
    raise MimidiarError(f"{path}: its suffix is none of {known}; name the format with {option}")


def format_of_folder(folder: Path) -> str:
    """The one format that the files of a folder have. Raises MimidiarError when it is none, or several."""
    files = {file: name for name in FORMATS for file in files_of(folder, name)}
    found = sorted({format_of_source(file) if FORMATS[name].is_it else name for file, name in files.items()})
    if len(found) == 1:
        return found[0]
    what = f"files of the formats {', '.join(found)}" if found else "no file of a known format"
    raise MimidiarError(f"{folder}: {what} in this folder; say with --from which of {', '.join(FORMATS)} to read")


def files_of(folder: Path, name: str) -> list[Path]:
    """The files of that format directly in the folder, by name; of supervisions the one with lhotse's usual name."""
    if name == "supervisions":
        return [folder / file for file in FILE_NAMES if (folder / file).is_file()][:1]
    suffixes = tuple(suffix.lower() for suffix in FORMATS[name].suffixes)
    entries = [entry for entry in folder.iterdir() if entry.name.lower().endswith(suffixes)]
    return sorted(entry for entry in entries if entry.is_file() and not entry.name.startswith("."))


def table() -> str:
    """The formats by name, each with suffix, content, limits, and the parts of its files that are not read."""
    width = max(map(len, FORMATS)) + 2
    lines = []
    for name, kind in FORMATS.items():
        lines.append(f"{name:<{width}}{kind.suffixes[0]:<11}{kind.holds}")
        lines.append(f"{'':<{width + 11}}cannot hold: {kind.lacks}")
        if kind.skips:
            lines.append(f"{'':<{width + 11}}not read: {kind.skips}")
    return "\n".join(lines)
