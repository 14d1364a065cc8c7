"""Conversations that are drawn turn by turn from how people take turns, of any utterances, in any surroundings.

NeMo's simulator (`simulate.nemo`) plans whole sets on disk. Here a talk follows from its seeds alone, within
milliseconds, so that training never has to hear the same one again; and how much is silent, how much overlaps and how
long turns are is drawn anew for each talk, as no two meetings are alike in that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio, resample
from mimidiar.config import range_rule, require
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.errors import MimidiarError
from mimidiar.simulation.mixtures import FRAME_SAMPLES, Source
from mimidiar.simulation.scenes import Scene, SceneOptions, draw_scene
from mimidiar.simulation.turn_statistics import TurnStatistics, draw
from mimidiar.simulation.turns import make_turns

SHORTEST_SEC = 0.2  # of a turn, and of a piece of speech in one
BREATH_SEC = (0.1, 0.5)  # between two pieces of speech in one turn
FADE_SEC = 0.01  # at either end of a piece, which may begin or end within a word
CACHED_FILES = 2000  # of an utterance each, 0.3 MB
PLAN, SCENE = 0, 1  # streams of a talk's seeds


@dataclass
class TalkOptions:
    """How talks are drawn. Ranges are drawn from evenly, those of factors evenly in the logarithm."""

    count: int = 100  # new talks in an epoch, or the talks of a set
    seconds: float = 48.0
    speakers: list[int] = field(default_factory=lambda: [1, 2, 3, 4])
    speaker_weights: list[float] = field(default_factory=lambda: [0.1, 0.3, 0.3, 0.3])
    silent_share: float = 0.03  # of the talks in which nobody speaks: noise alone, or hardly that
    turn_factor: list[float] = field(default_factory=lambda: [0.5, 2.0])  # on the length of turns
    gap_factor: list[float] = field(default_factory=lambda: [0.3, 2.5])  # on pauses, between speakers and of one
    overlap_share: list[float] = field(default_factory=lambda: [0.5, 1.0])  # of the overlapping starts that stay so
    evenness: float = 2.0  # of who says how much: concentration of a Dirichlet distribution
    speed: list[float] = field(default_factory=lambda: [0.9, 1.1])  # of each speaker's voice, pitch and all
    join_gap_sec: float = 1.0  # shorter pauses of one speaker do not split a turn, as in AMI's only_words references
    scene: SceneOptions | None = field(default_factory=SceneOptions)  # null: as the utterances were recorded

    def check(self, where: str) -> None:
        """Raise MimidiarError naming the key, its value and what it must be."""
        weights = self.speaker_weights
        rules = [
            ("count", self.count, self.count >= 1, "at least 1"),
            ("seconds", self.seconds, self.seconds >= 2, "at least 2"),
            ("speakers", self.speakers, bool(self.speakers) and min(self.speakers) >= 1, "numbers from 1 on"),
            ("silent_share", self.silent_share, 0 <= self.silent_share < 1, "from 0 to below 1"),
            ("evenness", self.evenness, self.evenness > 0, "above 0"),
            ("join_gap_sec", self.join_gap_sec, self.join_gap_sec >= 0, "0 or more"),
            range_rule("overlap_share", self.overlap_share, 0, 1),
            *(range_rule(key, getattr(self, key), 0.1, 10) for key in ("turn_factor", "gap_factor", "speed")),
        ]
        fits = len(weights) == len(self.speakers) and min(weights, default=0) >= 0 and sum(weights) > 0
        rules.append(("speaker_weights", weights, fits, "a weight from 0 on for each of `speakers`"))
        require(where, rules)
        if self.scene is not None:
            self.scene.check(f"{where}: scene")


@dataclass(frozen=True)
class Piece:
    """Speech of an utterance, `seconds` from `start` on, that is heard from `offset` on."""

    utterance: SourceUtterance
    start: float
    seconds: float
    offset: float

    def turns(self) -> list[Turn]:
        """The stretches with speech, in seconds of the talk."""
        end, shift = self.start + self.seconds, self.offset - self.start
        spans = [(max(a, self.start), min(b, end)) for a, b in self.utterance.speech if b > self.start and a < end]
        return [Turn("", a + shift, b + shift, self.utterance.speaker) for a, b in spans]

    def samples(self) -> np.ndarray:
        """Float32 (T,) at 16 kHz, faded at both ends."""
        first, count = round(self.start * SAMPLE_RATE), round(self.seconds * SAMPLE_RATE)
        samples = _read(self.utterance.path, self.utterance.speed)[first : first + count].copy()
        fade = min(round(FADE_SEC * SAMPLE_RATE), len(samples) // 2)
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        samples[:fade] *= ramp
        samples[len(samples) - fade :] *= ramp[::-1]
        return samples


@lru_cache(CACHED_FILES)
def _read(path: str, speed: float) -> np.ndarray:
    samples = read_audio(path, SAMPLE_RATE)
    return samples if speed == 1 else resample(samples, round(SAMPLE_RATE * speed), SAMPLE_RATE)


@dataclass(frozen=True)
class Talk:
    """What is said when, who speaks when (joined), how long it lasts, and what it is heard in (None: as recorded)."""

    pieces: tuple[Piece, ...]
    turns: tuple[Turn, ...]
    num_frames: int
    scene: Scene | None

    def samples(self) -> np.ndarray:
        """Float32 (num_frames * 1280,) at 16 kHz."""
        length = self.num_frames * FRAME_SAMPLES
        tracks = {piece.utterance.speaker: np.zeros(length, np.float32) for piece in self.pieces}
        for piece in self.pieces:
            first, track = round(piece.offset * SAMPLE_RATE), tracks[piece.utterance.speaker]
            samples = piece.samples()[: max(length - first, 0)]
            track[first : first + len(samples)] += samples
        if self.scene is not None:
            return self.scene.record(tracks, length)
        mixed = np.sum([*tracks.values(), np.zeros(length, np.float32)], axis=0)
        return mixed / max(1.0, float(np.abs(mixed).max()))


def draw_talk(
    source: Source, options: TalkOptions, statistics: Mapping[str, TurnStatistics], seeds: Sequence[int]
) -> Talk:
    """The talk of these seeds; no audio is read, but for a babble's.

    Turns are as in one of the `statistics`. MimidiarError for more speakers than the source has.
    """
    rng = np.random.default_rng([*seeds, PLAN])
    kinds = sorted(statistics)
    kind = statistics[kinds[int(rng.integers(len(kinds)))]]
    num_frames = round(options.seconds * SAMPLE_RATE / FRAME_SAMPLES)
    seconds = num_frames * FRAME_SAMPLES / SAMPLE_RATE
    voices = {} if rng.random() < options.silent_share else _draw_voices(source, options, rng)
    pieces = _Plan(voices, options, kind, rng).pieces(seconds) if voices else []
    turns = make_turns([turn for piece in pieces for turn in piece.turns()], seconds, options.join_gap_sec)
    scene = None
    if options.scene is not None:
        scene = draw_scene(options.scene, sorted(voices), source, [*seeds, SCENE])
    return Talk(tuple(pieces), tuple(turns), num_frames, scene)


def _draw_voices(source: Source, options: TalkOptions, rng: np.random.Generator) -> Source:
    """The talk's speakers with their utterances, each at a speed of his own; of one corpus, or the channel would tell
    them apart.
    """
    weights = np.array(options.speaker_weights) / sum(options.speaker_weights)
    number = int(rng.choice(options.speakers, p=weights))
    names = sorted(source)
    first = source[names[int(rng.integers(len(names)))]][0]
    alike = [name for name in names if source[name][0].corpus == first.corpus]
    if len(alike) < number:
        alike = names
    if len(alike) < number:
        raise MimidiarError(f"a talk of {number} speakers, but there are {len(alike)}; ask for fewer in `speakers`")
    chosen = [first.speaker, *rng.permutation([name for name in alike if name != first.speaker])[: number - 1]]
    # In few steps, so that files which were read are of use again.
    speeds = {name: round(float(rng.uniform(*options.speed)) / 0.05) * 0.05 for name in map(str, chosen)}
    return {name: [u.at_speed(speed) for u in source[name]] for name, speed in speeds.items()}


class _Plan:
    """A talk while it is drawn: how its people take turns, and what each of them has left to say."""

    def __init__(self, voices: Source, options: TalkOptions, kind: TurnStatistics, rng: np.random.Generator):
        self.voices, self.kind, self.rng = voices, kind, rng
        self.names = sorted(voices)
        self.talkative = rng.dirichlet([options.evenness] * len(self.names))
        self.turn_factor, self.gap_factor = (_draw_factor(r, rng) for r in (options.turn_factor, options.gap_factor))
        self.overlap_share = float(rng.uniform(*options.overlap_share))
        self.free = dict.fromkeys(self.names, 0.0)  # when each has said the last turn

    def pieces(self, seconds: float) -> list[Piece]:
        """Speech up to the end of the talk."""
        pieces: list[Piece] = []
        speaker, before = self._choose(self.names), 0.0  # the start of the turn before
        # Listening in at a random moment: the first turn may have begun already, or be long in coming.
        start = float(self.rng.uniform(-2, 2)) * self.gap_factor
        end = max(start, 0.0)
        while start < seconds:
            start = max(start, before, self.free[speaker] + SHORTEST_SEC if self.free[speaker] else 0.0)
            length = max(draw(self.kind.turn_sec, self.rng) * self.turn_factor, SHORTEST_SEC)
            turn = self._say(speaker, start, length)
            pieces += [cut for piece in turn if (cut := _cut(piece, seconds))]
            before, self.free[speaker] = start, turn[-1].offset + turn[-1].seconds
            end = max(end, self.free[speaker])
            speaker, start = self._next(speaker, end)
        return pieces

    def _next(self, speaker: str, end: float) -> tuple[str, float]:
        """Who speaks next, and when, after all that was said has ended at `end`."""
        others = [name for name in self.names if name != speaker]
        if not others or self.rng.random() >= self.kind.change_share:
            return speaker, end + max(draw(self.kind.pause_sec, self.rng), 0.0) * self.gap_factor
        gap = draw(self.kind.gap_sec, self.rng)
        if gap < 0 and self.rng.random() >= self.overlap_share:
            gap = -0.1 * gap  # an interjection that waits for its turn
        return self._choose(others), end + (gap if gap < 0 else gap * self.gap_factor)

    def _choose(self, names: Sequence[str]) -> str:
        weights = np.array([self.talkative[self.names.index(name)] for name in names]) + 1e-6
        return names[int(self.rng.choice(len(names), p=weights / weights.sum()))]

    def _say(self, speaker: str, start: float, seconds: float) -> list[Piece]:
        """A turn of about so many seconds: stretches of the speaker's utterances with short pauses between them."""
        pieces, offset, missing = [], start, seconds
        while not pieces or missing >= SHORTEST_SEC:
            utterance = self.voices[speaker][int(self.rng.integers(len(self.voices[speaker])))]
            first = utterance.speech[int(self.rng.integers(len(utterance.speech)))][0]
            length = max(min(utterance.speech[-1][1] - first, missing), SHORTEST_SEC)
            pieces.append(Piece(utterance, first, length, offset))
            pause = float(self.rng.uniform(*BREATH_SEC))
            offset, missing = offset + length + pause, missing - length - pause
        return pieces


def _cut(piece: Piece, seconds: float) -> Piece | None:
    """What lies within the talk, if it is more than a moment."""
    late = max(-piece.offset, 0.0)
    length = min(piece.offset + piece.seconds, seconds) - piece.offset - late
    if length < SHORTEST_SEC / 2:
        return None
    return replace(piece, start=piece.start + late, seconds=length, offset=piece.offset + late)


def _draw_factor(pair: Sequence[float], rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(pair))))
