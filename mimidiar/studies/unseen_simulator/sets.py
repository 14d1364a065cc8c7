"""A set of conversations by `turn_chain`, in separate shoebox rooms and noises, for testing alone.

It tests a diarizer in conditions independent of its training: no turn, noise or room is shared with NeMo's
conversations or with those of training, and nothing is tuned on it. A conversation depends on seed and number alone;
the same set has the same bytes.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from mimidiar.annotation.turns import Turn, make_turns
from mimidiar.config import Count, Counts, at_least
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.simulation.placement import Source
from mimidiar.studies.unseen_simulator.recording import (
    WHO,
    Conditions,
    Conversation,
    pools_of,
    report_set,
    seeded,
    write_recordings,
)
from mimidiar.studies.unseen_simulator.turn_chain import Tape, TurnChain, draw_placements

MIN_SPEAKER_SEC = 1.0  # with less speech of a speaker, a conversation is drawn again
MAX_TRIES = 50


@dataclass
class ChainSet(Conditions):
    """`conf/chain.yaml`. Values are drawn uniformly from ranges, for each conversation."""

    conversations: Count = 24
    seconds: at_least(10) = 90.0
    seed: int = 0
    speakers: Counts = field(default_factory=lambda: [2, 3, 4])  # in turn
    turns: TurnChain = field(default_factory=TurnChain)
    join_gap_sec: float = 1.0  # shorter pauses of one speaker do not split a turn, as in AMI's only_words references


def write_chain_set(options: ChainSet, source_dir: str | Path, out: str | Path) -> None:
    """Write the set folder `out` from the speakers of the prepared set `source_dir`.

    The speakers of one conversation are of one corpus, as their recording channel would distinguish them; babble is of
    its other speakers. Raises MimidiarError for impossible options and for a set with too few speakers.
    """
    options.check("conversations by chain")
    source, out = read_source(source_dir), Path(out)
    conversations = [_draw_conversation(source, options, index, out.name) for index in range(options.conversations)]
    report_set(out, asdict(options), *write_recordings(out, conversations, source, options, options.seed))


def _draw_conversation(source: Source, options: ChainSet, index: int, set_name: str) -> Conversation:
    """The `index`-th conversation, drawn again until each of its speakers has speech."""
    count, name = options.speakers[index % len(options.speakers)], f"{set_name}-{options.seed}-{index:05d}"
    pools = pools_of(source)
    able = [corpus for corpus in sorted(pools) if len(pools[corpus]) >= count]
    if not able:
        most = max(map(len, pools.values()), default=0)
        raise MimidiarError(f"{name}: needs {count} speakers of one corpus, the largest has {most}; lower the number")
    for attempt in range(MAX_TRIES):
        rng = seeded(options.seed, index, WHO, attempt)
        pool = pools[able[(index // len(options.speakers)) % len(able)]]
        chosen = [pool[k] for k in rng.choice(len(pool), count, replace=False)]
        tapes = {speaker: Tape(speaker, source[speaker], int(rng.integers(1000))) for speaker in chosen}
        placements = draw_placements(tapes, options.seconds, options.turns, rng)
        turns = [Turn(name, placement.at, placement.until, placement.speaker) for placement in placements]
        turns = make_turns(turns, options.seconds, options.join_gap_sec)
        if all(sum(t.duration for t in turns if t.speaker == speaker) >= MIN_SPEAKER_SEC for speaker in chosen):
            return Conversation(name, tuple(placements), tuple(turns), options.seconds)
    raise MimidiarError(f"{name}: in {MAX_TRIES} tries some of {count} speakers spoke less than {MIN_SPEAKER_SEC} s")
