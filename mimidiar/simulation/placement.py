"""The place of an utterance, or an excerpt, in a simulated recording: the one type of all planners, and its layout in
time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio, resample
from mimidiar.data.utterances_manifest import SourceUtterance

FRAME_SAMPLES = 1280  # recordings end with a frame of 80 ms, so that features and labels end together
CACHED_FILES = 2000  # of an utterance each, 0.3 MB

Source = dict[str, list[SourceUtterance]]  # speaker -> utterances


@dataclass(frozen=True)
class Placement:
    """`seconds` of an utterance from `start` on, placed at `at`, in seconds of the recording."""

    utterance: SourceUtterance
    start: float
    seconds: float
    at: float = 0.0

    @property
    def end(self) -> float:
        """In seconds of the recording."""
        return self.at + self.seconds

    def turns(self, whole: bool = False) -> list[Turn]:
        """The turns in seconds of the recording: its speech or, with `whole`, all of it."""
        speech = ((0.0, self.utterance.seconds),) if whole else self.utterance.speech
        end, shift = self.start + self.seconds, self.at - self.start
        inside = [(max(a, self.start), min(b, end)) for a, b in speech if b > self.start and a < end]
        return [Turn("", a + shift, b + shift, self.utterance.speaker) for a, b in inside]

    def samples(self, keep: bool = False) -> np.ndarray:
        """Float32 (T,) at 16 kHz, at the utterance's speed; with `keep` the file stays in memory for other
        placements."""
        first, count = round(self.start * SAMPLE_RATE), round(self.seconds * SAMPLE_RATE)
        read = _read_once if keep else _read
        return read(self.utterance.path, self.utterance.speed)[first : first + count]


def lay_out(placed: Iterable[tuple[Placement, np.ndarray]], length: int) -> dict[str, np.ndarray]:
    """Each speaker's track (length,) float32: the samples (T,) of each placement at its time, cropped at the end."""
    tracks: dict[str, np.ndarray] = {}
    for placement, samples in placed:
        track = tracks.setdefault(placement.utterance.speaker, np.zeros(length, np.float32))
        first = round(placement.at * SAMPLE_RATE)
        samples = samples[: max(length - first, 0)]
        track[first : first + len(samples)] += samples
    return tracks


def mix_down(tracks: Mapping[str, np.ndarray], length: int) -> np.ndarray:
    """The sum of the tracks, (length,); silence where there are none."""
    return np.sum([*tracks.values(), np.zeros(length, np.float32)], axis=0)


def _read(path: str, speed: float) -> np.ndarray:
    samples = read_audio(path, SAMPLE_RATE)
    return samples if speed == 1 else resample(samples, round(SAMPLE_RATE * speed), SAMPLE_RATE)


_read_once = lru_cache(CACHED_FILES)(_read)
