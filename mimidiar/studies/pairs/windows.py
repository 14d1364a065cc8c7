"""Windows of a recording in which one speaker speaks, and nobody else to speak of.

Windows lie on the frames of 80 ms of the labels (`LABEL_HZ`). A speaker has a window when active in ALONE of its frames
or more, while others, taken together, are active in OTHERS of them or fewer. A window contains whole frames alone: of
0.5, 1, 1.5 and 3 s those are 6, 13, 19 and 38, or 0.48, 1.04, 1.52 and 3.04 s. So an encoder of audio and stored
features get the same stretch of time.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mimidiar.annotation.activity import activity_matrix, region_frames
from mimidiar.annotation.text_file import number_in, shown
from mimidiar.annotation.turns import LABEL_HZ, Region, Turn
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

ALONE, OTHERS = 0.9, 0.1
COLUMNS = ("window", "recording", "start", "length", "speaker")
_ROUNDING = 1e-9  # of a share times a number of frames


@dataclass(frozen=True, order=True)
class Window:
    """`frames` frames of a recording, from the frame `first` (from 0), and the one speaker."""

    recording: str
    first: int
    frames: int
    speaker: str

    @property
    def id(self) -> str:
        """The name in trials: recording, first frame, frames."""
        return f"{self.recording}_{self.first}_{self.frames}"

    def span(self, frame_hz: float) -> tuple[int, int]:
        """[first, last) of the frames, or samples, of a stream at `frame_hz`, a whole multiple of LABEL_HZ."""
        rate = round(frame_hz / LABEL_HZ)
        return rate * self.first, rate * (self.first + self.frames)


def frames_of(seconds: float) -> int:
    """The number of whole frames that is nearest to a length; of two, the larger. MimidiarError for none."""
    frames = math.floor(seconds * LABEL_HZ + 0.5)
    if frames < 1:
        raise MimidiarError(f"a window of {seconds:g} s is shorter than half a frame of {1 / LABEL_HZ:g} s")
    return frames


@dataclass(frozen=True)
class Activity:
    """The speaker activity `active` (T, S) of a recording's whole frames, and the `scored` frames (T,)."""

    recording: str
    speakers: list[str]
    active: np.ndarray
    scored: np.ndarray

    @classmethod
    def of(cls, recording: str, seconds: float, turns: Sequence[Turn], scored: Sequence[Region]) -> "Activity":
        """That of the reference, in a recording of so many seconds."""
        speakers, frames = sorted({turn.speaker for turn in turns}), math.floor(seconds * LABEL_HZ + _ROUNDING)
        active = activity_matrix(turns, speakers, frames, LABEL_HZ)
        return cls(recording, speakers, active, region_frames(scored, frames, LABEL_HZ))

    def windows(self, frames: int) -> list[Window]:
        """Every window of so many frames, by start; they overlap."""
        if len(self.active) < frames or not self.speakers:
            return []
        others = self.active.sum(1, keepdims=True) > self.active  # somebody else, whoever it is
        own, foreign, inside = (_sums(each, frames) for each in (self.active, others, self.scored[:, None]))
        found = own >= ALONE * frames - _ROUNDING
        found &= (foreign <= OTHERS * frames + _ROUNDING) & (inside == frames)
        return [
            Window(self.recording, int(first), frames, self.speakers[column])
            for first, column in zip(*np.nonzero(found), strict=True)
        ]

    def disjoint_windows(self, frames: int, random: np.random.Generator) -> list[Window]:
        """Windows without a frame in common, by start: all, in random order, that touch none taken before.

        So they begin anywhere in a turn; from the left, most would begin where a turn does.
        """
        windows, taken, kept = self.windows(frames), np.zeros(len(self.active), bool), []
        for number in random.permutation(len(windows)).tolist():
            first, last = windows[number].span(LABEL_HZ)
            if not taken[first:last].any():
                taken[first:last] = True
                kept.append(windows[number])
        return sorted(kept)


def _sums(marks: np.ndarray, frames: int) -> np.ndarray:
    """Marks (T, N) -> how many are set in each window (T - frames + 1, N)."""
    sums = np.concatenate([np.zeros((1, marks.shape[1]), int), np.cumsum(marks, axis=0)])
    return sums[frames:] - sums[:-frames]


def write_windows(path: Path, windows: Iterable[Window]) -> None:
    """Write `windows.tsv`: a line for each window, with start and length in seconds."""
    rows = (
        (each.id, each.recording, f"{each.first / LABEL_HZ:.2f}", f"{each.frames / LABEL_HZ:.2f}", each.speaker)
        for each in windows
    )
    write_text(path, "".join("\t".join(row) + "\n" for row in (COLUMNS, *rows)))


def read_windows(path: Path) -> dict[str, Window]:
    """The windows of `windows.tsv` by id. MimidiarError for a missing file or a wrong line."""
    if not path.is_file():
        raise MimidiarError(f"{path}: no such file; choose pairs first (`mimidiar study pairs choose`)")
    return {window.id: window for window in _rows(path)}


def _rows(path: Path) -> Iterator[Window]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[1:], 2):
        fields = line.split("\t")
        if len(fields) != len(COLUMNS):
            raise MimidiarError(f"{path}, line {number}: not {' '.join(COLUMNS)} between tabs: {shown(line)}")
        first, frames = (round(number_in(fields[at], path, number, COLUMNS[at]) * LABEL_HZ) for at in (2, 3))
        window = Window(fields[1], first, frames, fields[4])
        if window.id != fields[0]:
            raise MimidiarError(f"{path}, line {number}: {fields[0]} is called {window.id} by its start and length")
        yield window
