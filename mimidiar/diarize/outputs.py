"""Output files of a diarized recording: turns in the formats of `mimidiar.annotation`, and a figure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mimidiar.annotation.pyannote_json import write_pyannote
from mimidiar.annotation.rttm import rttm_lines, rttm_name, write_rttm
from mimidiar.annotation.srt import write_srt
from mimidiar.annotation.textgrid import write_textgrid
from mimidiar.annotation.turns import Turn
from mimidiar.diarize.pretrained import Diarization
from mimidiar.models.frame_stacking import LABEL_HZ

FIGURE = ".png"


def named_turns(found: Diarization, recording: str | None = None) -> list[Turn]:
    """The turns, under another name of the recording where a format cannot hold its own."""
    return [replace(turn, recording=found.recording.name if recording is None else recording) for turn in found.turns]


def _by_recording(found: Diarization) -> dict[str, list[Turn]]:
    return {found.recording.name: named_turns(found)}


# name -> the suffix of its files, and what writes one
FORMATS: dict[str, tuple[str, Callable[[Path, Diarization], None]]] = {
    "rttm": (".rttm", lambda path, found: write_rttm(path, rttm_turns(found))),
    "srt": (".srt", lambda path, found: write_srt(path, _by_recording(found))),
    "textgrid": (
        ".TextGrid",
        lambda path, found: write_textgrid(path, _by_recording(found), seconds=found.recording.seconds),
    ),
    "json": (".json", lambda path, found: write_pyannote(path, _by_recording(found))),
}


def suffixes(formats: Sequence[str], plot: bool) -> list[str]:
    """What the files of a recording end in."""
    return [FORMATS[name][0] for name in formats] + ([FIGURE] if plot else [])


def write_outputs(found: Diarization, folder: Path, formats: Sequence[str], plot: bool) -> list[Path]:
    """Write FOLDER/NAME.SUFFIX of every format, each atomically, with NAME that of the recording. Returns the files."""
    files = [folder / f"{found.recording.name}{suffix}" for suffix in suffixes(formats, plot)]
    for name, file in zip(formats, files, strict=False):
        FORMATS[name][1](file, found)
    if plot:
        _write_figure(found, files[-1])
    return files


def rttm_turns(found: Diarization) -> list[Turn]:
    return named_turns(found, rttm_name(found.recording.name))


def rttm_text(found: Diarization) -> str:
    """The lines of the RTTM file."""
    return "".join(f"{line}\n" for line in rttm_lines(rttm_turns(found), found.recording.name))


def _write_figure(found: Diarization, path: Path) -> None:
    from mimidiar.figures.style import save_figure
    from mimidiar.figures.timeline import Posteriors, draw_speakers

    posteriors = Posteriors(found.posteriors, LABEL_HZ, found.speakers)
    save_figure(draw_speakers(found.recording.name, found.recording.seconds, found.turns, posteriors), path)
