"""Conversations drawn turn by turn from turn-taking statistics, with any utterances and any scene.

The statistics are lengths, pauses and overlaps of real conversations, as quantiles to draw from. NeMo's simulator
(`simulation.nemo`) plans whole sets on disk. Here a conversation follows from its seeds alone, within milliseconds, so
that training need not use one twice. The shares of silence and overlap and the length of turns are drawn for each
conversation, since they differ between meetings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np

from mimidiar.annotation.turns import Turn, make_turns
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.config import (
    Checked,
    Count,
    Counts,
    Limit,
    NotNegative,
    Positive,
    Rule,
    Share,
    at_least,
    low_high,
)
from mimidiar.errors import MimidiarError
from mimidiar.simulation.acoustics import faded
from mimidiar.simulation.placement import FRAME_SAMPLES, Placement, Source, lay_out, mix_down
from mimidiar.simulation.scenes import Scene, SceneOptions, draw_scene
from mimidiar.simulation.turn_statistics import SHORTEST_SEC, TurnStatistics, draw, draw_stretch

BREATH_SEC = (0.1, 0.5)  # between two speech segments of one turn
FADE_SEC = 0.01  # at either end of a segment, which may begin or end within a word
PartShare = Annotated[float, Limit(lambda share: 0 <= share < 1, "from 0 to below 1")]
PLAN, SCENE = 0, 1  # streams of a conversation's seeds


@dataclass
class ConversationOptions(Checked):
    """How conversations are drawn. Values are drawn uniformly from ranges, factors uniformly in the logarithm."""

    count: Count = 100  # new conversations in an epoch, or conversations of a set
    seconds: at_least(2) = 48.0
    speakers: Counts = field(default_factory=lambda: [1, 2, 3, 4])
    speaker_weights: list[float] = field(default_factory=lambda: [0.1, 0.3, 0.3, 0.3])
    same_sex_share: PartShare = 0.0  # of conversations, all of whose speakers are of one sex
    replay_share: Share = 0.0  # of conversations, whose turns are those of a stretch of a real one; others are drawn
    silent_share: PartShare = 0.03  # of conversations without speech
    turn_factor: low_high(0.1, 10) = field(default_factory=lambda: [0.5, 2.0])  # on the length of turns
    gap_factor: low_high(0.1, 10) = field(default_factory=lambda: [0.3, 2.5])  # on pauses, between speakers and of one
    overlap_share: low_high(0, 1) = field(default_factory=lambda: [0.5, 1.0])  # of the overlapping starts that are kept
    evenness: Positive = 2.0  # of the speakers' shares of the speech: concentration of a Dirichlet distribution
    speed: low_high(0.1, 10) = field(default_factory=lambda: [0.9, 1.1])  # of each speaker's speech, with its pitch
    # Shorter pauses of one speaker do not split a turn, as in AMI's only_words references.
    join_gap_sec: NotNegative = 1.0
    scene: SceneOptions | None = field(default_factory=SceneOptions)  # null: as the utterances were recorded

    def rules(self) -> list[Rule]:
        """Rules for speakers and their weights."""
        weights = self.speaker_weights
        fits = len(weights) == len(self.speakers) and min(weights, default=0) >= 0 and sum(weights) > 0
        return [("speaker_weights", weights, fits, "a weight from 0 on for each of `speakers`")]


@dataclass(frozen=True)
class DrawnConversation:
    """Placements, turns (joined), length, and scene (None: as recorded) of a conversation."""

    placements: tuple[Placement, ...]
    turns: tuple[Turn, ...]
    num_frames: int
    scene: Scene | None

    def samples(self) -> np.ndarray:
        """Float32 (num_frames * 1280,) at 16 kHz."""
        length = self.num_frames * FRAME_SAMPLES
        placed = ((each, faded(each.samples(keep=True), FADE_SEC)) for each in self.placements)
        tracks = lay_out(placed, length)
        if self.scene is not None:
            return self.scene.record(tracks, length)
        mixed = mix_down(tracks, length)
        return mixed / max(1.0, float(np.abs(mixed).max()))


def draw_conversation(
    source: Source,
    options: ConversationOptions,
    statistics: Mapping[str, TurnStatistics],
    seeds: Sequence[int],
    sequences: Mapping[str, Sequence[Turn]] | None = None,
) -> DrawnConversation:
    """The conversation of these seeds; no audio is read, except for babble.

    Turns follow one of the `statistics`, or are those of one of the real `sequences`. MimidiarError for more speakers
    than the source has.
    """
    rng = np.random.default_rng([*seeds, PLAN])
    kinds = sorted(statistics)
    kind = statistics[kinds[int(rng.integers(len(kinds)))]]
    num_frames = round(options.seconds * SAMPLE_RATE / FRAME_SAMPLES)
    seconds = num_frames * FRAME_SAMPLES / SAMPLE_RATE
    drawn, placements = {}, []
    if rng.random() >= options.silent_share:
        replayed = sequences and rng.random() < options.replay_share
        stretch = draw_stretch(sequences, seconds, max(options.speakers), rng) if replayed else []
        drawn = _draw_speakers(source, options, rng, len({turn.speaker for turn in stretch}) or None)
        plan = _Plan(drawn, options, kind, rng)
        placements = plan.replayed(stretch, seconds) if stretch else plan.placements(seconds)
    turns = make_turns([turn for each in placements for turn in each.turns()], seconds, options.join_gap_sec)
    scene = None
    if options.scene is not None:
        scene = draw_scene(options.scene, sorted(drawn), source, [*seeds, SCENE])
    return DrawnConversation(tuple(placements), tuple(turns), num_frames, scene)


def _draw_speakers(
    source: Source, options: ConversationOptions, rng: np.random.Generator, number: int | None = None
) -> Source:
    """The conversation's speakers, `number` or as many as are drawn, with their utterances, each at a drawn speed; of
    one corpus, or their recording channel would distinguish them.
    """
    if number is None:
        weights = np.array(options.speaker_weights) / sum(options.speaker_weights)
        number = int(rng.choice(options.speakers, p=weights))
    names = sorted(source)
    first = source[names[int(rng.integers(len(names)))]][0]
    alike = [name for name in names if source[name][0].corpus == first.corpus]
    if options.same_sex_share > 0 and rng.random() < options.same_sex_share:
        own = [name for name in alike if first.gender and source[name][0].gender == first.gender]
        alike = own if len(own) >= number else alike
    if len(alike) < number:
        alike = names
    if len(alike) < number:
        raise MimidiarError(f"a conversation of {number} speakers, but there are {len(alike)}; lower `speakers`")
    chosen = [first.speaker, *rng.permutation([name for name in alike if name != first.speaker])[: number - 1]]
    # In few steps, so that files in memory are used again.
    speeds = {name: round(float(rng.uniform(*options.speed)) / 0.05) * 0.05 for name in map(str, chosen)}
    return {name: [u.at_speed(speed) for u in source[name]] for name, speed in speeds.items()}


class _Plan:
    """A conversation while it is drawn: its turn-taking, and the next speech of each speaker."""

    def __init__(self, source: Source, options: ConversationOptions, kind: TurnStatistics, rng: np.random.Generator):
        self.source, self.kind, self.rng = source, kind, rng
        self.names = sorted(source)
        self.speech_shares = rng.dirichlet([options.evenness] * len(self.names))
        self.turn_factor, self.gap_factor = (_draw_factor(r, rng) for r in (options.turn_factor, options.gap_factor))
        self.overlap_share = float(rng.uniform(*options.overlap_share))
        self.free = dict.fromkeys(self.names, 0.0)  # end of each speaker's last turn

    def placements(self, seconds: float) -> list[Placement]:
        """The speech up to the end of the conversation."""
        placements: list[Placement] = []
        speaker, before = self._choose(self.names), 0.0  # the start of the turn before
        # The recording begins at a random time: the first turn may have begun already, or come late.
        start = float(self.rng.uniform(-2, 2)) * self.gap_factor
        end = max(start, 0.0)
        while start < seconds:
            start = max(start, before, self.free[speaker] + SHORTEST_SEC if self.free[speaker] else 0.0)
            length = max(draw(self.kind.turn_sec, self.rng) * self.turn_factor, SHORTEST_SEC)
            turn = self._draw_turn(speaker, start, length)
            placements += [inside for each in turn if (inside := _within(each, seconds))]
            before, self.free[speaker] = start, turn[-1].end
            end = max(end, self.free[speaker])
            speaker, start = self._next(speaker, end)
        return placements

    def replayed(self, stretch: Sequence[Turn], seconds: float) -> list[Placement]:
        """The turns of a real conversation, each with speech of the speaker who stands for the one who had it."""
        original = list(dict.fromkeys(turn.speaker for turn in stretch))
        stands_for = dict(zip(original, self.rng.permutation(self.names).tolist(), strict=True))
        said = (
            each for turn in stretch for each in self._draw_turn(stands_for[turn.speaker], turn.start, turn.duration)
        )
        return [inside for each in said if (inside := _within(each, seconds))]

    def _next(self, speaker: str, end: float) -> tuple[str, float]:
        """The next speaker and start, after all turns so far have ended at `end`."""
        others = [name for name in self.names if name != speaker]
        if not others or self.rng.random() >= self.kind.change_share:
            return speaker, end + max(draw(self.kind.pause_sec, self.rng), 0.0) * self.gap_factor
        gap = draw(self.kind.gap_sec, self.rng)
        if gap < 0 and self.rng.random() >= self.overlap_share:
            gap = -0.1 * gap  # an interjection that waits for its turn
        return self._choose(others), end + (gap if gap < 0 else gap * self.gap_factor)

    def _choose(self, names: Sequence[str]) -> str:
        weights = np.array([self.speech_shares[self.names.index(name)] for name in names]) + 1e-6
        return names[int(self.rng.choice(len(names), p=weights / weights.sum()))]

    def _draw_turn(self, speaker: str, start: float, seconds: float) -> list[Placement]:
        """A turn of about `seconds`: segments of the speaker's utterances with short pauses between them."""
        said: list[Placement] = []
        at, missing = start, seconds
        while not said or missing >= SHORTEST_SEC:
            utterance = self.source[speaker][int(self.rng.integers(len(self.source[speaker])))]
            first = utterance.speech[int(self.rng.integers(len(utterance.speech)))][0]
            length = max(min(utterance.speech[-1][1] - first, missing), SHORTEST_SEC)
            said.append(Placement(utterance, first, length, at))
            pause = float(self.rng.uniform(*BREATH_SEC))
            at, missing = at + length + pause, missing - length - pause
        return said


def _within(placed: Placement, seconds: float) -> Placement | None:
    """The part inside the conversation, or None where it is too short."""
    late = max(-placed.at, 0.0)
    length = min(placed.end, seconds) - placed.at - late
    if length < SHORTEST_SEC / 2:
        return None
    return replace(placed, start=placed.start + late, seconds=length, at=placed.at + late)


def _draw_factor(pair: Sequence[float], rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(pair))))
