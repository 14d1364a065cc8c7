"""A set of conversations by `turn_chain`, in separate shoebox rooms and noises, for testing alone.

It tests a diarizer in conditions independent of its training: no turn, noise or room is shared with NeMo's
conversations or with those of training, and nothing is tuned on it. A conversation depends on seed and number alone;
the same set has the same bytes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE, read_corpus_audio, write_flac
from mimidiar.config import Checked, Count, Counts, Limit, Share, at_least, low_high
from mimidiar.data.utterances_manifest import SourceUtterance, read_source
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json
from mimidiar.log import log
from mimidiar.simulation.placement import describe, make_turns
from mimidiar.studies.unseen_simulator.acoustics import NOISES, babble, convolve, draw_responses, telephone
from mimidiar.studies.unseen_simulator.turn_chain import Placement, Tape, TurnChain, draw_placements

Source = dict[str, list[SourceUtterance]]
MIN_SPEAKER_SEC = 1.0  # with less speech of a speaker, a conversation is drawn again
MAX_TRIES = 50
FADE_SEC = 0.01  # fades at both ends of an excerpt
PEAK = 0.99  # of full scale; louder conversations are scaled down as a whole
KINDS = ("none", "babble", *NOISES)
Kinds = Annotated[list[str], Limit(lambda some: bool(some) and set(some) <= set(KINDS), f"some of {', '.join(KINDS)}")]
WHO, WHAT = 0, 1  # streams of a conversation's seeds


@dataclass
class ChainSet(Checked):
    """`conf/chain.yaml`. Values are drawn uniformly from ranges, for each conversation."""

    conversations: Count = 24
    seconds: at_least(10) = 90.0
    seed: int = 0
    speakers: Counts = field(default_factory=lambda: [2, 3, 4])  # in turn
    turns: TurnChain = field(default_factory=TurnChain)
    join_gap_sec: float = 1.0  # shorter pauses of one speaker do not split a turn, as in AMI's only_words references
    speaker_db: low_high(-60, 60) = field(default_factory=lambda: [-4.0, 4.0])  # level of each speaker
    level_dbfs: low_high(-90, 0) = field(default_factory=lambda: [-40.0, -12.0])  # RMS of the speech
    noises: Kinds = field(default_factory=lambda: list(KINDS))  # in turn
    noise_snr_db: low_high(-20, 100) = field(default_factory=lambda: [5.0, 25.0])
    hiss_db: float = -60.0  # white, below the speech, in every conversation: no pause is digital zero
    babble_talkers: Count = 5
    room_share: Share = 0.5
    t60_sec: low_high(0.1, 3) = field(default_factory=lambda: [0.2, 0.6])
    telephone_share: Share = 0.2


@dataclass(frozen=True)
class Conversation:
    """Placements of utterances, and the reference turns."""

    id: str
    placements: tuple[Placement, ...]
    turns: tuple[Turn, ...]

    @property
    def speakers(self) -> list[str]:
        return sorted({turn.speaker for turn in self.turns})


def write_chain_set(options: ChainSet, source_dir: str | Path, out: str | Path) -> None:
    """Write the set folder `out` from the speakers of the prepared set `source_dir`.

    The speakers of one conversation are of one corpus, as their recording channel would distinguish them; babble is of
    its other speakers. Raises MimidiarError for impossible options and for a set with too few speakers.
    """
    options.check("conversations by chain")
    source, out = read_source(source_dir), Path(out)
    conversations = [_draw_conversation(source, options, index, out.name) for index in range(options.conversations)]
    from mimidiar.data.manifests import file_recording  # these import torch: after what is refused
    from mimidiar.data.validation import require_valid
    from mimidiar.simulation.drawn_sets import write_simulated

    scenes, made = {}, {}
    for index, conversation in enumerate(tqdm(conversations, desc=out.name, unit="conversation", disable=None)):
        name = conversation.id
        samples, scenes[name] = record(conversation, source, options, index, _rng(options, index, WHAT))
        write_flac(path := out / "wav" / f"{name}.flac", np.round(samples * 32767).astype(np.int16))
        made[name] = file_recording(name, path, SAMPLE_RATE, len(samples)), conversation.turns
    write_simulated(out, made)
    require_valid([out])
    summary = describe([(options.seconds, conversation.turns) for conversation in conversations])
    write_json(out / "simulation.json", {"asked": asdict(options), "made": summary, "scenes": scenes})
    _report(out, summary)


def _report(out: Path, made: dict) -> None:
    silence, overlap, turn = 100 * made["silence_share"], 100 * made["overlap_share"], made["mean_turn_sec"]
    log.info(f"{out}: {made['conversations']} conversations, {made['hours']:.2f} h, {made['speakers']} speakers")
    log.info(f"  silence {silence:.1f} % of the time, overlap {overlap:.1f} % of the speech, mean turn {turn:.2f} s")


def _rng(options: ChainSet, index: int, stream: int, attempt: int = 0) -> np.random.Generator:
    return np.random.default_rng([options.seed, index, stream, attempt])


def _draw_conversation(source: Source, options: ChainSet, index: int, set_name: str) -> Conversation:
    """The `index`-th conversation, drawn again until each of its speakers has speech."""
    count, name = options.speakers[index % len(options.speakers)], f"{set_name}-{options.seed}-{index:05d}"
    pools = _pools(source)
    able = [corpus for corpus in sorted(pools) if len(pools[corpus]) >= count]
    if not able:
        most = max(map(len, pools.values()), default=0)
        raise MimidiarError(f"{name}: needs {count} speakers of one corpus, the largest has {most}; lower the number")
    for attempt in range(MAX_TRIES):
        rng = _rng(options, index, WHO, attempt)
        pool = pools[able[(index // len(options.speakers)) % len(able)]]
        chosen = [pool[k] for k in rng.choice(len(pool), count, replace=False)]
        tapes = {speaker: Tape(speaker, source[speaker], int(rng.integers(1000))) for speaker in chosen}
        placements = draw_placements(tapes, options.seconds, options.turns, rng)
        turns = [Turn(name, placement.at, placement.until, placement.speaker) for placement in placements]
        turns = make_turns(turns, options.seconds, options.join_gap_sec)
        if all(sum(t.duration for t in turns if t.speaker == speaker) >= MIN_SPEAKER_SEC for speaker in chosen):
            return Conversation(name, tuple(placements), tuple(turns))
    raise MimidiarError(f"{name}: in {MAX_TRIES} tries some of {count} speakers spoke less than {MIN_SPEAKER_SEC} s")


def _pools(source: Source) -> dict[str, list[str]]:
    """Corpus -> its speakers with speech."""
    pools: dict[str, list[str]] = defaultdict(list)
    for speaker, utterances in source.items():
        if any(utterance.speech for utterance in utterances):
            pools[utterances[0].corpus].append(speaker)
    return pools


def record(
    conversation: Conversation, source: Source, options: ChainSet, index: int, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, object]]:
    """The recording of a conversation, (T,) from -1 to 1, and its draws: noise, room, telephone, level."""
    tracks = _tracks(conversation, options)
    in_room, by_phone = rng.random(2) < (options.room_share, options.telephone_share)
    if in_room:
        responses = draw_responses(len(tracks), options.t60_sec, SAMPLE_RATE, rng)
        tracks = {name: convolve(own, room) for (name, own), room in zip(tracks.items(), responses, strict=True)}
    mixed = sum(own * 10 ** (rng.uniform(*options.speaker_db) / 20) for own in tracks.values())
    kind, snr_db = options.noises[index % len(options.noises)], rng.uniform(*options.noise_snr_db)
    loudness = _loudness(mixed, conversation.turns)
    if kind != "none":
        mixed = mixed + loudness * 10 ** (-snr_db / 20) * _noise(kind, conversation, source, options, len(mixed), rng)
    if by_phone:
        mixed = telephone(mixed, SAMPLE_RATE)
    mixed = mixed + loudness * 10 ** (options.hiss_db / 20) * rng.standard_normal(len(mixed))
    level_dbfs = rng.uniform(*options.level_dbfs)
    mixed = mixed * 10 ** (level_dbfs / 20) / _loudness(mixed, conversation.turns)
    about = {"noise": kind, "room": bool(in_room), "telephone": bool(by_phone), "level_dbfs": round(level_dbfs, 1)}
    if kind != "none":
        about["snr_db"] = round(snr_db, 1)
    return mixed * min(1.0, PEAK / np.abs(mixed).max()), about


def _tracks(conversation: Conversation, options: ChainSet) -> dict[str, np.ndarray]:
    """Speaker -> track (T,), with the speech at an RMS of 1."""
    count, tracks = round(options.seconds * SAMPLE_RATE), {}
    for speaker in conversation.speakers:
        own, active = np.zeros(count), np.zeros(count, bool)
        for placement in (placement for placement in conversation.placements if placement.speaker == speaker):
            at = round(placement.at * SAMPLE_RATE)
            excerpt = _faded(
                _read(placement.utterance)[round(placement.start * SAMPLE_RATE) : round(placement.end * SAMPLE_RATE)]
            )
            excerpt = excerpt[: max(0, count - at)]
            own[at : at + len(excerpt)] += excerpt
            active[at : at + len(excerpt)] = True
        tracks[speaker] = own / max(np.sqrt(np.mean(own[active] ** 2)), 1e-9)
    return tracks


def _read(utterance: SourceUtterance) -> np.ndarray:
    return read_corpus_audio(utterance.path, utterance.seconds, utterance.id)


def _faded(samples: np.ndarray) -> np.ndarray:
    edge = min(round(FADE_SEC * SAMPLE_RATE), len(samples) // 2)
    ramp = np.ones(len(samples))
    ramp[:edge], ramp[len(samples) - edge :] = np.linspace(0, 1, edge), np.linspace(1, 0, edge)
    return samples * ramp


def _noise(
    kind: str, conversation: Conversation, source: Source, options: ChainSet, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(count,) of mean power 1."""
    if kind != "babble":
        return NOISES[kind](count, SAMPLE_RATE, rng)
    corpus = conversation.placements[0].utterance.corpus
    others = [speaker for speaker in _pools(source)[corpus] if speaker not in conversation.speakers]
    if len(others) < options.babble_talkers:
        raise MimidiarError(
            f"{conversation.id}: a babble of {options.babble_talkers} speakers outside the conversation; {corpus} has "
            f"{len(others)}; ask for fewer babble_talkers"
        )
    chosen = [others[k] for k in rng.choice(len(others), options.babble_talkers, replace=False)]
    return babble([_read(source[name][0]) for name in chosen], count, rng)


def _loudness(samples: np.ndarray, turns: Sequence[Turn]) -> float:
    """RMS of the speech."""
    mask = np.zeros(len(samples), bool)
    for turn in turns:
        mask[round(turn.start * SAMPLE_RATE) : round(turn.end * SAMPLE_RATE)] = True
    return max(float(np.sqrt(np.mean(samples[mask] ** 2))), 1e-9)
