"""Mixtures of two utterances: one begins before the other has ended (the adapter's proof of concept on VoxCeleb1).

A mixture follows from its seeds alone, so that training can make any of them when it is asked for, in any process, and
a set of them can be written once and scored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio
from mimidiar.config import range_rule, require
from mimidiar.data.utterances_manifest import SourceUtterance, read_source
from mimidiar.errors import MimidiarError, listed
from mimidiar.simulation.sounds import with_tail
from mimidiar.simulation.turns import make_turns

FRAME_SAMPLES = 1280  # mixtures end with a frame of 80 ms, so that features and labels end together
MIN_SPEAKER_SEC = 0.5  # a mixture in which a speaker says less is drawn again
MAX_TRIES = 50
LABELS = ("speech", "whole")
PEAK = 0.99  # of full scale; louder mixtures are turned down as a whole

Source = dict[str, list[SourceUtterance]]  # speaker -> utterances
Say = Callable[[str], None]


@dataclass
class MixtureOptions:
    """How two utterances become one recording. Ranges are drawn from evenly."""

    count: int = 2000  # in an epoch, or in a set
    overlap: list[float] = field(default_factory=lambda: [0.1, 0.5])  # share of the shorter utterance
    max_utterance_sec: float = 15.0  # of a longer one a random piece is taken
    # RMS of the second speaker's speech over the first's, in dB; without it both are as loud as they were recorded.
    level_db: list[float] | None = None
    labels: str = "speech"  # speech: the stretches that the manifest marks; whole: each utterance from end to end
    join_gap_sec: float = 0.2  # pauses of one speaker up to this length do not split a turn

    def check(self, where: str) -> None:
        """Raise MimidiarError naming the key, its value and what it must be."""
        rules = [
            ("count", self.count, self.count >= 1, "at least 1"),
            range_rule("overlap", self.overlap, 0, 1),
            ("max_utterance_sec", self.max_utterance_sec, self.max_utterance_sec >= 1, "at least 1"),
            ("labels", self.labels, self.labels in LABELS, " or ".join(LABELS)),
            ("join_gap_sec", self.join_gap_sec, self.join_gap_sec >= 0, "0 or more"),
        ]
        if self.level_db is not None:
            rules.append(range_rule("level_db", self.level_db, -60, 60))
        require(where, rules)


@dataclass(frozen=True)
class Part:
    """A piece of an utterance in a mixture: seconds of the file from `start` on, heard from `offset` on."""

    utterance: SourceUtterance
    start: float
    seconds: float
    offset: float = 0.0

    def turns(self, options: MixtureOptions) -> list[Turn]:
        """When it speaks, in seconds of the mixture."""
        spans = self.utterance.speech if options.labels == "speech" else ((0.0, self.utterance.seconds),)
        end, shift = self.start + self.seconds, self.offset - self.start
        inside = [(max(a, self.start) + shift, min(b, end) + shift) for a, b in spans if b > self.start and a < end]
        pieces = [Turn("", round(a, 3), round(b, 3), self.utterance.speaker) for a, b in inside]
        return make_turns(pieces, self.offset + self.seconds, options.join_gap_sec)

    def samples(self) -> np.ndarray:
        """Float32 (T,) at 16 kHz."""
        first, count = round(self.start * SAMPLE_RATE), round(self.seconds * SAMPLE_RATE)
        return read_audio(self.utterance.path, SAMPLE_RATE)[first : first + count]


@dataclass(frozen=True)
class Mixture:
    """Two parts, the level of the second in dB over the first (None: as recorded), who speaks when, and the length."""

    parts: tuple[Part, Part]
    level_db: float | None
    turns: tuple[Turn, ...]
    num_frames: int

    @property
    def speakers(self) -> list[str]:
        return [part.utterance.speaker for part in self.parts]

    def samples(self, responses: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Float32 (num_frames * 1280,) at 16 kHz: both parts, silence up to the end of the last frame.

        With `responses`, speaker -> impulse response (K,), each part is heard in a place of a room, in time as before.
        """
        one, two = (part.samples() for part in self.parts)
        if self.level_db is not None:
            wanted = 10 ** (self.level_db / 20) * self._loudness(0, one)
            two = two * np.float32(wanted / max(self._loudness(1, two), 1e-9))
        mixed = np.zeros(self.num_frames * FRAME_SAMPLES, dtype=np.float32)
        for part, samples in zip(self.parts, (one, two), strict=True):
            begin = round(part.offset * SAMPLE_RATE)
            if responses:
                samples = with_tail(samples, responses[part.utterance.speaker])[: len(mixed) - begin]
            mixed[begin : begin + len(samples)] += samples
        peak = float(np.abs(mixed).max())
        return mixed * np.float32(PEAK / peak) if peak > PEAK else mixed

    def _loudness(self, number: int, samples: np.ndarray) -> float:
        """RMS of a part where it speaks. Raises MimidiarError where that is no number."""
        part = self.parts[number]
        spans = [(turn.start, turn.end) for turn in self.turns if turn.speaker == part.utterance.speaker]
        # Turns are kept to 1 ms, parts to the sample: a turn may begin up to 0.5 ms before its part, or end after it.
        edges = [[max(0, round((time - part.offset) * SAMPLE_RATE)) for time in span] for span in spans]
        spoken = np.concatenate([samples[:0], *(samples[first:last] for first, last in edges)]).astype(np.float64)
        level = float(np.sqrt(np.mean(spoken**2))) if len(spoken) else math.nan
        if not math.isfinite(level):
            raise MimidiarError(
                f"{part.utterance.path}: the level of {len(spoken)} samples of speech from {part.start:.3f} s on is "
                f"{level}; restore the file and prepare the set again"
            )
        return level


def read_voices(folder: str | Path, options: MixtureOptions, say: Say = print) -> Source:
    """The utterances of a set; where speech is the label, without those in which none is marked, which are counted.

    Raises MimidiarError for fewer than two speakers, and for a set without any marked speech where that is the label.
    """
    source = read_source(folder)
    silent = [u.id for own in source.values() for u in own if not u.speech] if options.labels == "speech" else []
    total = sum(map(len, source.values()))
    if silent and len(silent) == total:
        raise MimidiarError(
            f"{folder}: no speech is marked in any of {total} utterances; prepare the set with --set vad=true, or "
            "label utterances from end to end (labels: whole)"
        )
    if silent:
        say(f"{folder}: no speech is marked in {len(silent)} of {total} utterances, left out: {listed(silent)}")
        left_out = set(silent)
        kept = {speaker: [u for u in own if u.id not in left_out] for speaker, own in source.items()}
        source = {speaker: own for speaker, own in kept.items() if own}
    if len(source) < 2:
        raise MimidiarError(f"{folder}: {len(source)} speaker; a mixture needs two")
    return source


def draw_mixture(source: Source, options: MixtureOptions, seeds: Sequence[int]) -> Mixture:
    """The mixture of these seeds: two speakers, an utterance of each, and where the second begins; no audio is read.

    Raises MimidiarError when no two utterances were found in which both speak.
    """
    random = np.random.default_rng(list(seeds))
    speakers = list(source)
    for _ in range(MAX_TRIES):
        chosen = random.choice(len(speakers), 2, replace=False)
        one, two = (_draw_part(source[speakers[k]], options, random) for k in chosen)
        share = random.uniform(*options.overlap) * min(one.seconds, two.seconds)
        two = Part(two.utterance, two.start, two.seconds, round((one.seconds - share) * SAMPLE_RATE) / SAMPLE_RATE)
        level = None if options.level_db is None else float(random.uniform(*options.level_db))
        turns = [part.turns(options) for part in (one, two)]
        if all(sum(turn.duration for turn in own) >= MIN_SPEAKER_SEC for own in turns):
            both = tuple(sorted(turn for own in turns for turn in own))
            end = max(one.seconds, two.offset + two.seconds)
            return Mixture((one, two), level, both, -(-round(end * SAMPLE_RATE) // FRAME_SAMPLES))
    raise MimidiarError(
        f"in {MAX_TRIES} tries no two utterances were found in which both speak for {MIN_SPEAKER_SEC} s; prepare the "
        "set with longer utterances, or raise max_utterance_sec"
    )


def _draw_part(utterances: list[SourceUtterance], options: MixtureOptions, random: np.random.Generator) -> Part:
    utterance = utterances[int(random.integers(len(utterances)))]
    seconds = min(utterance.seconds, options.max_utterance_sec)
    start = random.uniform(0, utterance.seconds - seconds)
    return Part(utterance, round(start * SAMPLE_RATE) / SAMPLE_RATE, seconds)
