"""What a conversation sounds like: levels, rooms, noises and telephones drawn for it, and its recording; and the folder
of a set of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE, read_corpus_audio, write_flac
from mimidiar.config import Checked, Count, Limit, Share, low_high
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json
from mimidiar.log import log
from mimidiar.simulation.codecs import through_codec
from mimidiar.simulation.placement import Source, describe
from mimidiar.studies.unseen_simulator.acoustics import NOISES, babble, convolve, draw_responses, telephone
from mimidiar.studies.unseen_simulator.turn_chain import Placement

FADE_SEC = 0.01  # fades at both ends of an excerpt
PEAK = 0.99  # of full scale; louder conversations are scaled down as a whole
CODEC_PEAK = 0.5  # of full scale, at which a codec gets a conversation
KINDS = ("none", "babble", *NOISES)
Kinds = Annotated[list[str], Limit(lambda some: bool(some) and set(some) <= set(KINDS), f"some of {', '.join(KINDS)}")]
WHO, WHAT = 0, 1  # streams of a conversation's seeds


@dataclass
class Conditions(Checked):
    """Of recordings. Values are drawn uniformly from ranges, for each conversation."""

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
    """Placements of utterances, the reference turns, and the length in seconds."""

    id: str
    placements: tuple[Placement, ...]
    turns: tuple[Turn, ...]
    seconds: float
    codec: str | None = None  # of `CODECS`, which all of it goes through
    origin: dict[str, object] = field(default_factory=dict)  # of its turns

    @property
    def speakers(self) -> list[str]:
        return sorted({turn.speaker for turn in self.turns})


def seeded(seed: int, index: int, stream: int, attempt: int = 0) -> np.random.Generator:
    """The random numbers of a stream, `WHO` or `WHAT`, of the `index`-th conversation of a set."""
    return np.random.default_rng([seed, index, stream, attempt])


def pools_of(source: Source) -> dict[str, list[str]]:
    """Corpus -> its speakers with speech."""
    pools: dict[str, list[str]] = defaultdict(list)
    for speaker, utterances in source.items():
        if any(utterance.speech for utterance in utterances):
            pools[utterances[0].corpus].append(speaker)
    return pools


def write_recordings(
    out: Path, conversations: Sequence[Conversation], source: Source, conditions: Conditions, seed: int
) -> tuple[dict, dict[str, dict]]:
    """Write the set folder `out`, and validate it; returns its statistics, and the draws of each recording."""
    from mimidiar.data.manifests import file_recording  # these import torch: after what is refused
    from mimidiar.data.validation import require_valid
    from mimidiar.simulation.drawn_sets import write_simulated

    scenes, made = {}, {}
    for index, conversation in enumerate(tqdm(conversations, desc=out.name, unit="conversation", disable=None)):
        name = conversation.id
        samples, scenes[name] = record(conversation, source, conditions, index, seeded(seed, index, WHAT))
        write_flac(path := out / "wav" / f"{name}.flac", np.round(samples * 32767).astype(np.int16))
        made[name] = file_recording(name, path, SAMPLE_RATE, len(samples)), conversation.turns
    write_simulated(out, made)
    require_valid([out])
    return describe([(conversation.seconds, conversation.turns) for conversation in conversations]), scenes


def report_set(out: Path, asked: dict, made: dict, scenes: dict[str, dict]) -> None:
    """Write `simulation.json` of a set, and log its statistics."""
    write_json(out / "simulation.json", {"asked": asked, "made": made, "scenes": scenes})
    silence, overlap, turn = 100 * made["silence_share"], 100 * made["overlap_share"], made["mean_turn_sec"]
    log.info(f"{out}: {made['conversations']} conversations, {made['hours']:.2f} h, {made['speakers']} speakers")
    log.info(f"  silence {silence:.1f} % of the time, overlap {overlap:.1f} % of the speech, mean turn {turn:.2f} s")


def record(
    conversation: Conversation, source: Source, options: Conditions, index: int, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, object]]:
    """The recording of a conversation, (T,) from -1 to 1, and its draws: noise, room, telephone, codec, level."""
    tracks = _tracks(conversation)
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
    if conversation.codec:
        mixed = _coded(mixed, conversation.codec)
    mixed = mixed + loudness * 10 ** (options.hiss_db / 20) * rng.standard_normal(len(mixed))
    level_dbfs = rng.uniform(*options.level_dbfs)
    mixed = mixed * 10 ** (level_dbfs / 20) / _loudness(mixed, conversation.turns)
    about = {"noise": kind, "room": bool(in_room), "telephone": bool(by_phone), "level_dbfs": round(level_dbfs, 1)}
    if kind != "none":
        about["snr_db"] = round(snr_db, 1)
    if conversation.codec:
        about["codec"] = conversation.codec
    about |= conversation.origin
    return mixed * min(1.0, PEAK / np.abs(mixed).max()), about


def _coded(samples: np.ndarray, codec: str) -> np.ndarray:
    scale = CODEC_PEAK / max(np.abs(samples).max(), 1e-9)
    return through_codec((samples * scale).astype(np.float32), codec) / scale


def _tracks(conversation: Conversation) -> dict[str, np.ndarray]:
    """Speaker -> track (T,), with the speech at an RMS of 1."""
    count, tracks = round(conversation.seconds * SAMPLE_RATE), {}
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
    kind: str, conversation: Conversation, source: Source, options: Conditions, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(count,) of mean power 1."""
    if kind != "babble":
        return NOISES[kind](count, SAMPLE_RATE, rng)
    corpus = conversation.placements[0].utterance.corpus
    others = [speaker for speaker in pools_of(source)[corpus] if speaker not in conversation.speakers]
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
