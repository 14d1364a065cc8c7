"""Mixtures of two overlapping utterances (the adapter's proof of concept on VoxCeleb1).

A mixture depends on its seeds alone, so that training can make any of them on demand, in any process, and sets can be
written to disk and scored.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mimidiar.annotation.turns import Turn, make_turns
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.config import Checked, Count, NotNegative, at_least, low_high, one_of
from mimidiar.data.utterances_manifest import SourceUtterance, read_source
from mimidiar.errors import MimidiarError, listed
from mimidiar.log import log
from mimidiar.simulation.acoustics import rms, with_tail
from mimidiar.simulation.placement import FRAME_SAMPLES, Placement, Source, lay_out, mix_down

MIN_SPEAKER_SEC = 0.5  # with less speech of a speaker, a mixture is drawn again
MAX_TRIES = 50
LABELS = ("speech", "whole")
PEAK = 0.99  # of full scale; louder mixtures are turned down as a whole


@dataclass
class MixtureOptions(Checked):
    """How two utterances become one recording. Ranges are drawn from evenly."""

    count: Count = 2000  # in an epoch, or in a set
    overlap: low_high(0, 1) = field(default_factory=lambda: [0.1, 0.5])  # share of the shorter utterance
    max_utterance_sec: at_least(1) = 15.0  # of a longer one, a random excerpt is taken
    # RMS of the second speaker's speech over the first's, in dB; without it both keep their recorded levels.
    level_db: low_high(-60, 60) | None = None
    # speech: the speech marked in the manifest; whole: each utterance from end to end.
    labels: one_of(LABELS) = "speech"
    join_gap_sec: NotNegative = 0.2  # pauses of one speaker up to this length do not split a turn


@dataclass(frozen=True)
class Mixture:
    """Two utterances, the level of the second in dB over the first (None: as recorded), the turns, the length."""

    placements: tuple[Placement, Placement]
    level_db: float | None
    turns: tuple[Turn, ...]
    num_frames: int

    @property
    def speakers(self) -> list[str]:
        return [placement.utterance.speaker for placement in self.placements]

    def samples(self, responses: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Float32 (num_frames * 1280,) at 16 kHz: both utterances, silence up to the end of the last frame.

        With `responses`, speaker -> impulse response (K,), each is placed in a room, without a shift in time.
        """
        one, two = (placement.samples() for placement in self.placements)
        if self.level_db is not None:
            wanted = 10 ** (self.level_db / 20) * self._loudness(0, one)
            two = two * np.float32(wanted / max(self._loudness(1, two), 1e-9))
        if responses:
            one, two = (with_tail(each, responses[who]) for each, who in zip((one, two), self.speakers, strict=True))
        length = self.num_frames * FRAME_SAMPLES
        mixed = mix_down(lay_out(zip(self.placements, (one, two), strict=True), length), length)
        peak = float(np.abs(mixed).max())
        return mixed * np.float32(PEAK / peak) if peak > PEAK else mixed

    def _loudness(self, number: int, samples: np.ndarray) -> float:
        """RMS of an utterance in its speech. Raises MimidiarError where that is not a finite number."""
        placed = self.placements[number]
        turns = [turn for turn in self.turns if turn.speaker == placed.utterance.speaker]
        # Turns are kept to 1 ms, placements to the sample: a turn may begin up to 0.5 ms before its own, or end after.
        edges = [[max(0, round((time - placed.at) * SAMPLE_RATE)) for time in (turn.start, turn.end)] for turn in turns]
        spoken = np.concatenate([samples[:0], *(samples[first:last] for first, last in edges)])
        level = rms(spoken) if len(spoken) else math.nan
        if not math.isfinite(level):
            raise MimidiarError(
                f"{placed.utterance.path}: the level of {len(spoken)} samples of speech from {placed.start:.3f} s on "
                f"is {level}; restore the file and prepare the set again"
            )
        return level


def read_mixture_source(folder: str | Path, options: MixtureOptions) -> Source:
    """The utterances of a set; where speech is the label, without those that have none marked; their number is logged.

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
        log.info(f"{folder}: no speech is marked in {len(silent)} of {total} utterances, left out: {listed(silent)}")
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
        one, two = (_draw_stretch(source[speakers[k]], options, random) for k in chosen)
        share = random.uniform(*options.overlap) * min(one.seconds, two.seconds)
        two = replace(two, at=round((one.seconds - share) * SAMPLE_RATE) / SAMPLE_RATE)
        level = None if options.level_db is None else float(random.uniform(*options.level_db))
        whole, join = options.labels == "whole", options.join_gap_sec
        turns = [make_turns(placed.turns(whole), placed.end, join) for placed in (one, two)]
        if all(sum(turn.duration for turn in own) >= MIN_SPEAKER_SEC for own in turns):
            both = tuple(sorted(turn for own in turns for turn in own))
            end = max(one.end, two.end)
            return Mixture((one, two), level, both, -(-round(end * SAMPLE_RATE) // FRAME_SAMPLES))
    raise MimidiarError(
        f"in {MAX_TRIES} tries no two utterances were found in which both speak for {MIN_SPEAKER_SEC} s; prepare the "
        "set with longer utterances, or raise max_utterance_sec"
    )


def _draw_stretch(utterances: list[SourceUtterance], options: MixtureOptions, random: np.random.Generator) -> Placement:
    utterance = utterances[int(random.integers(len(utterances)))]
    seconds = min(utterance.seconds, options.max_utterance_sec)
    start = random.uniform(0, utterance.seconds - seconds)
    return Placement(utterance, round(start * SAMPLE_RATE) / SAMPLE_RATE, seconds)
