"""Verification trials: drawn for a corpus without any, and the usable ones of a list."""

import random
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

from mimidiar.corpora.utterances import Utterance
from mimidiar.data.manifests import Trial
from mimidiar.errors import MimidiarError
from mimidiar.log import log

TARGETS_PER_SPEAKER = 20
NONTARGETS_PER_TARGET = 3


def make_trials(utterances: Sequence[Utterance], seed: int) -> list[Trial]:
    """Seeded target pairs of every speaker, and for each of them non-target pairs of the same gender."""
    rng = random.Random(f"trials:{seed}")
    of_speaker: dict[str, list[str]] = defaultdict(list)
    of_gender: dict[str | None, set[str]] = defaultdict(set)
    for utterance in utterances:
        of_speaker[utterance.speaker].append(utterance.id)
        of_gender[utterance.gender].add(utterance.speaker)
    pairs = {(1, *pair) for ids in of_speaker.values() for pair in _pairs(sorted(ids), TARGETS_PER_SPEAKER, rng)}
    wanted = len(pairs) * NONTARGETS_PER_TARGET
    groups = [sorted(names) for names in of_gender.values() if len(names) > 1]
    if not groups and len(of_speaker) > 1:
        groups = [sorted(of_speaker)]  # one of each gender: better easy trials than none
    # A bound on the tries: with few utterances there may not be as many different pairs as wanted.
    for _ in range(wanted * 3 if groups else 0):
        if len(pairs) >= wanted + wanted // NONTARGETS_PER_TARGET:
            break
        first, second = sorted(rng.sample(rng.choice(groups), 2))
        pairs.add((0, rng.choice(of_speaker[first]), rng.choice(of_speaker[second])))
    return sorted(pairs)


def _pairs(ids: list[str], count: int, rng: random.Random) -> list[tuple[str, str]]:
    every = [(a, b) for k, a in enumerate(ids) for b in ids[k + 1 :]]
    return every if len(every) <= count else rng.sample(every, count)


def usable_trials(name: str, trials: Sequence[Trial], present: Container[str]) -> list[Trial]:
    """The trials of the list `name` with both utterances present. Raises MimidiarError when there is none."""
    kept = [trial for trial in trials if trial[1] in present and trial[2] in present]
    if len(kept) < len(trials):
        log.info(f"{name}: {len(kept)} of {len(trials)} trials kept, the others name utterances that were left out")
    if not kept:
        raise MimidiarError(f"none of the {len(trials)} trials of {name} has both of its utterances here")
    log.info(f"{name}: {len(kept)} trials, {sum(label for label, *_ in kept)} of them target")
    return kept


def named_in(trials: Iterable[Trial]) -> set[str]:
    """The utterances of trials."""
    return {utterance for _, *pair in trials for utterance in pair}


def utterances_of(trials: Iterable[Trial], utterances: Iterable[Utterance]) -> list[Utterance]:
    """Those of `utterances` that trials name."""
    named = named_in(trials)
    return [utterance for utterance in utterances if utterance.id in named]
