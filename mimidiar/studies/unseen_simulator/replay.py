"""Sets of conversations whose turns are those of real ones, for validation and for testing alone.

A stretch is a part of a real turn sequence: each turn is filled with speech of a speaker who stands for the one who
had it, and is as long as it was. Recordings take turns in their length, in being of one sex or of both, and in whether
a codec of telephones or calls is between; each combination is as frequent. A crowd has many speakers with little
speech each, whose turns, gaps and overlaps are those of a sequence. Rooms, noises and levels are as in `sets`.

The reference joins gaps of one speaker up to 0.25 s alone, since its turns are to be as short as they were; pauses
within a turn are as short, so that they are in no turn of their own.

A conversation depends on seed and number alone; the same set has the same bytes, and `hash_of_set` says so.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.config import Count, Counts, Limit, Positive, Share, low_high, one_of
from mimidiar.corpora.turn_sequences import LISTS
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.log import log
from mimidiar.simulation.codecs import CODECS
from mimidiar.simulation.placement import Source
from mimidiar.studies.unseen_simulator.cut_tape import CutTape
from mimidiar.studies.unseen_simulator.recording import (
    WHO,
    Conditions,
    Conversation,
    report_set,
    seeded,
    write_recordings,
)
from mimidiar.studies.unseen_simulator.stretches import (
    LEAD_SEC,
    Crowd,
    Sequences,
    Tidying,
    draw_corpus,
    draw_stretch,
    steps_of,
)
from mimidiar.studies.unseen_simulator.voices import cast_alike, cast_any, cast_mixed, most_alike, pools_by_sex

Lengths = Annotated[list[float], Limit(lambda some: bool(some) and min(some) >= 2, "numbers from 2 on")]
Codecs = Annotated[list[str], Limit(lambda some: set(some) <= set(CODECS), f"some of {', '.join(CODECS)}")]


@dataclass
class ReplaySet(Tidying, Conditions):
    """One set: a kind, the split of its speakers, and the list of its turn sequences."""

    kind: one_of(("stretch", "crowd")) = "stretch"
    split: str = "test"
    turns: one_of(LISTS) = "quick"
    count: Count = 32
    seed: int = 0
    seconds: Lengths = field(default_factory=lambda: [90.0, 30.0])  # of stretches, in turn
    speakers: Counts = field(default_factory=lambda: [5, 6, 7, 8])  # of crowds, in turn
    budget_sec: low_high(1, 600) = field(default_factory=lambda: [3.0, 20.0])  # of each speaker of a crowd; log-uniform
    codecs: Codecs = field(default_factory=list)  # in turn, each second time around; none: no codec
    telephone_share: Share = 0.0  # codecs take its place
    pause_sec: Positive = 0.25  # the longest pause within a turn; longer ones of the utterance are shortened
    material_sec: Positive = 5.0  # of speech that a speaker has; those with less are in no conversation
    sha256: str | None = None  # of the set, as `hash_of_set`, with which figures are comparable


@dataclass
class ReplaySets:
    """The file: name -> set, which is written to the folder of this name."""

    sets: dict[str, ReplaySet] = field(default_factory=dict)


def write_replay_sets(config: ReplaySets, data: Path, turns: Path, out: Path) -> list[Path]:
    """Make every set of `config` from the prepared sets below `data` and the turn sequences `turns`/<list>.rttm;
    returns the folders `out`/<name>. MimidiarError for impossible options, and for a set with too few speakers.
    """
    if not config.sets:
        raise MimidiarError("no conversations: name at least one set below 'sets:'")
    for name, options in config.sets.items():
        options.check(f"conversations of set {name!r}")
    for name, options in config.sets.items():
        write_replay_set(options, data / options.split, turns / f"{options.turns}.rttm", out / name)
    return [out / name for name in config.sets]


def write_replay_set(options: ReplaySet, source_dir: Path, turns: Path, out: Path) -> None:
    """One set: see `write_replay_sets`."""
    source, sequences = read_source(source_dir), read_rttm(turns)
    if not sequences:
        raise MimidiarError(f"{turns}: no turn; `mimidiar data turn-sequences` writes it")
    draw: Callable[..., Conversation] = _draw_stretch if options.kind == "stretch" else _draw_crowd
    conversations = [draw(source, sequences, options, index, out.name) for index in range(options.count)]
    asked = {key: value for key, value in asdict(options).items() if key != "sha256"}
    report_set(out, asked, *write_recordings(out, conversations, source, options, options.seed))
    _compare_hash(out, options.sha256)


def hash_of_set(folder: Path) -> str:
    """The sha256 over `ref.rttm` and then the int16 samples of all recordings, in the order of their names."""
    found = hashlib.sha256((folder / "ref.rttm").read_bytes())
    for path in sorted((folder / "wav").glob("*.flac")):
        found.update(soundfile.read(path, dtype="int16")[0].astype("<i2").tobytes())
    return found.hexdigest()


def _compare_hash(folder: Path, stated: str | None) -> None:
    found = hash_of_set(folder)
    log.info(f"  sha256 {found}")
    if stated and found != stated:
        log.info(
            f"WARNING: {folder}: its sha256 is {found}, the configuration states {stated}: figures on this set are not "
            "comparable with published ones"
        )


def _draw_stretch(source: Source, sequences: Sequences, options: ReplaySet, index: int, set_name: str) -> Conversation:
    """The `index`-th conversation that is a stretch."""
    name, rng = f"{set_name}-{options.seed}-{index:05d}", seeded(options.seed, index, WHO)
    round_, of_length = divmod(index, len(options.seconds))
    seconds, alike, codec = options.seconds[of_length], round_ % 2 == 0, _codec(round_ // 2, options.codecs)
    pools = pools_by_sex(source, options.material_sec)
    most = max(2, most_alike(pools))
    stretch = draw_stretch(sequences, seconds, most, options, rng)
    original = list(dict.fromkeys(turn.speaker for turn in stretch.turns))
    chosen = (cast_alike if alike else cast_mixed)(pools, len(original), name, rng)
    stands_for = dict(zip(original, chosen, strict=True))
    turns = [Turn(name, turn.start, turn.end, stands_for[turn.speaker]) for turn in stretch.turns]
    origin = {"turns_of": stretch.recording, "offset_sec": stretch.offset, "same_sex": alike}
    return _fill(turns, source, options, rng, Conversation(name, (), tuple(turns), seconds, codec, origin))


def _codec(round_: int, codecs: list[str]) -> str | None:
    """Of conversations in this round of all combinations: each second round has one, the next of all."""
    return codecs[round_ // 2 % len(codecs)] if codecs and round_ % 2 == 0 else None


def _draw_crowd(source: Source, sequences: Sequences, options: ReplaySet, index: int, set_name: str) -> Conversation:
    """The `index`-th conversation that is a crowd."""
    name, rng = f"{set_name}-{options.seed}-{index:05d}", seeded(options.seed, index, WHO)
    pools = pools_by_sex(source, options.material_sec)
    round_, of_number = divmod(index, len(options.speakers))
    chosen = cast_any(pools, options.speakers[of_number], name, round_, rng)
    budgets = np.exp(rng.uniform(*np.log(options.budget_sec), len(chosen)))
    own = draw_corpus(sequences, rng)
    found = sorted(own)[int(rng.integers(len(own)))]
    sequence = options.tidy(own[found])
    first = int(rng.integers(len(sequence)))
    crowd = Crowd({speaker: round(float(sec), 3) for speaker, sec in zip(chosen, budgets, strict=True)}, rng)
    turns = sorted(replace(turn, recording=name) for turn in crowd.turns(steps_of(sequence, first)))
    seconds = math.ceil(max(turn.end for turn in turns) + LEAD_SEC)
    origin = {"turns_of": found, "first_turn": first}
    return _fill(turns, source, options, rng, Conversation(name, (), tuple(turns), float(seconds), None, origin))


def _fill(
    turns: list[Turn], source: Source, options: ReplaySet, rng: np.random.Generator, conversation: Conversation
) -> Conversation:
    """The conversation with speech in all turns."""
    tapes = {name: CutTape(name, source[name], int(rng.integers(1000))) for name in conversation.speakers}
    played = [tapes[turn.speaker].play(turn.start, turn.end, options.pause_sec) for turn in turns]
    return replace(conversation, placements=tuple(placement for turn in played for placement in turn))
