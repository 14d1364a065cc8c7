"""Split of speakers into training, development and test."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

from mimidiar.errors import MimidiarError

SHARES = {"train": 0.70, "dev": 0.15, "test": 0.15}
# With fewer speakers than this a corpus cannot give dev and test the four that a conversation may want.
MIN_TO_SPLIT = 27


def assign_splits(
    corpus_of: Mapping[str, str], shipped: Mapping[str, str], in_trials: Iterable[str], seed: int
) -> dict[str, str]:
    """speaker -> 'train', 'dev' or 'test'. `corpus_of`: every speaker's corpus; `shipped`: the corpora's own split.

    A shipped split is kept. If it has no test speakers, its dev speakers are halved, since results must not be reported
    on tuning data. Speakers of trials without a shipped split are test speakers. The rest is ranked by a seeded hash
    and cut at 70 and 85 %; too few remaining speakers are all for training. Raises MimidiarError for a shipped split
    that trains on speakers of trials.
    """
    in_trials = set(in_trials)
    by_corpus: dict[str, list[str]] = defaultdict(list)
    for speaker, corpus in corpus_of.items():
        by_corpus[corpus].append(speaker)
    split: dict[str, str] = {}
    for speakers in by_corpus.values():
        split |= _split_corpus(hash_order(speakers, seed), shipped, in_trials)
    trained_on = sorted(speaker for speaker in in_trials if split.get(speaker) == "train")
    if trained_on:
        raise MimidiarError(
            f"speaker {trained_on[0]} is in the trials and in the train split ({len(trained_on)} such speakers); "
            "take them out of one of the two"
        )
    return split


def hash_order(speakers: Iterable[str], seed: int) -> list[str]:
    """Speakers in the order of sha256(seed and name): random, but reproducible on every machine."""
    return sorted(speakers, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def _split_corpus(ranked: list[str], shipped: Mapping[str, str], in_trials: set[str]) -> dict[str, str]:
    split = {speaker: shipped[speaker] for speaker in ranked if speaker in shipped}
    if "dev" in split.values() and "test" not in split.values():
        dev = [speaker for speaker in ranked if split.get(speaker) == "dev"]
        split |= dict.fromkeys(dev[len(dev) // 2 :], "test")
    split |= {speaker: "test" for speaker in ranked if speaker in in_trials and speaker not in split}
    rest = [speaker for speaker in ranked if speaker not in split]
    if len(rest) < MIN_TO_SPLIT:
        return split | dict.fromkeys(rest, "train")
    first = round(len(rest) * SHARES["train"])
    second = round(len(rest) * (SHARES["train"] + SHARES["dev"]))
    split |= dict.fromkeys(rest[:first], "train")
    split |= dict.fromkeys(rest[first:second], "dev")
    return split | dict.fromkeys(rest[second:], "test")


def limit_speakers(split: Mapping[str, str], corpus_of: Mapping[str, str], limit: int, seed: int) -> dict[str, str]:
    """The split of at most `limit` speakers per corpus and split, the first in hash order."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    kept = {}
    for speaker in hash_order(split, seed):
        group = corpus_of[speaker], split[speaker]
        if counts[group] < limit:
            counts[group] += 1
            kept[speaker] = split[speaker]
    return kept
