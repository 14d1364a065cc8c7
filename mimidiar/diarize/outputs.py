"""What is written of a diarized recording: turns in the formats of `mimidiar.annotation`, and a figure."""

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


def _rttm(path: Path, found: Diarization) -> None:
    write_rttm(path, rttm_turns(found))


def _srt(path: Path, found: Diarization) -> None:
    write_srt(path, {found.recording.name: named_turns(found, found.recording.name)})


def _textgrid(path: Path, found: Diarization) -> None:
    write_textgrid(
        path, {found.recording.name: named_turns(found, found.recording.name)}, seconds=found.recording.seconds
    )


def _json(path: Path, found: Diarization) -> None:
    write_pyannote(path, {found.recording.name: named_turns(found, found.recording.name)})


# name -> the suffix of its files, and what writes one
FORMATS: dict[str, tuple[str, Callable[[Path, Diarization], None]]] = {
    "rttm": (".rttm", _rttm),
    "srt": (".srt", _srt),
    "textgrid": (".TextGrid", _textgrid),
    "json": (".json", _json),
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


def named_turns(found: Diarization, recording: str) -> list[Turn]:
    return [replace(turn, recording=recording) for turn in found.turns]


def rttm_turns(found: Diarization) -> list[Turn]:
    return named_turns(found, rttm_name(found.recording.name))


def rttm_text(found: Diarization) -> str:
    """The lines of the RTTM file."""
    return "".join(f"{line}\n" for line in rttm_lines(rttm_turns(found), found.recording.name))


def _write_figure(found: Diarization, path: Path) -> None:
    from mimidiar.figures.speakers import draw_speakers
    from mimidiar.figures.style import save_figure
    from mimidiar.figures.timeline import Posteriors

    posteriors = Posteriors(found.posteriors, LABEL_HZ, found.speakers)
    save_figure(draw_speakers(found.recording.name, found.recording.seconds, found.turns, posteriors), path)
