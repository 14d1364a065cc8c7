"""Who speaks in a conversation that follows real turns: speakers of one corpus, of one sex or of both."""

from collections.abc import Mapping

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.simulation.placement import Source

Pools = dict[str, dict[str, list[str]]]  # corpus -> sex -> speakers


def pools_by_sex(source: Source, material_sec: float) -> Pools:
    """Those speakers who have `material_sec` seconds of speech or more."""
    pools: Pools = {}
    for speaker, utterances in source.items():
        if sum(end - start for utterance in utterances for start, end in utterance.speech) >= material_sec:
            first = utterances[0]
            pools.setdefault(first.corpus, {}).setdefault(first.gender, []).append(speaker)
    return pools


def most_alike(pools: Pools) -> int:
    """The largest number of speakers of one corpus and one sex."""
    return max((len(names) for _, _, names in _known(pools)), default=0)


def cast_alike(pools: Pools, count: int, where: str, rng: np.random.Generator) -> list[str]:
    """`count` speakers of one corpus and one sex. MimidiarError naming `where` when no corpus has as many."""
    able = [names for _, _, names in _known(pools) if len(names) >= count]
    if not able:
        raise MimidiarError(
            f"{where}: needs {count} speakers of one sex and one corpus with enough speech, the largest number is "
            f"{most_alike(pools)}; lower material_sec, or take a larger set"
        )
    return _draw(able[int(rng.integers(len(able)))], count, rng)


def cast_mixed(pools: Pools, count: int, where: str, rng: np.random.Generator) -> list[str]:
    """`count` speakers of one corpus, at least one of each of two sexes. MimidiarError naming `where`."""
    by_corpus: dict[str, list[list[str]]] = {}
    for corpus, _, names in _known(pools):
        by_corpus.setdefault(corpus, []).append(names)
    able = [sexes for sexes in by_corpus.values() if len(sexes) > 1 and sum(map(len, sexes)) >= count]
    if not able:
        raise MimidiarError(
            f"{where}: needs {count} speakers of one corpus and of both sexes with enough speech, which no corpus has; "
            "lower material_sec, or take a larger set"
        )
    sexes = able[int(rng.integers(len(able)))]
    chosen = [_draw(names, 1, rng)[0] for names in sexes[:2]]
    others = sorted({name for names in sexes for name in names} - set(chosen))
    return _draw([*chosen, *_draw(others, count - 2, rng)], count, rng)


def cast_any(pools: Pools, count: int, where: str, turn: int, rng: np.random.Generator) -> list[str]:
    """`count` speakers of one corpus, the corpora in turn. MimidiarError naming `where` when none has as many."""
    every = [sorted(name for names in pools[corpus].values() for name in names) for corpus in sorted(pools)]
    able = [names for names in every if len(names) >= count]
    if not able:
        raise MimidiarError(
            f"{where}: needs {count} speakers of one corpus with enough speech, the largest has "
            f"{max(map(len, every), default=0)}; lower material_sec or speakers"
        )
    return _draw(able[turn % len(able)], count, rng)


def _known(pools: Mapping[str, Mapping[str, list[str]]]) -> list[tuple[str, str, list[str]]]:
    """Corpus, sex and speakers, where the sex is known."""
    return [(corpus, sex, pools[corpus][sex]) for corpus in sorted(pools) for sex in sorted(pools[corpus]) if sex]


def _draw(names: list[str], count: int, rng: np.random.Generator) -> list[str]:
    """`count` different ones in random order."""
    return [names[k] for k in rng.permutation(len(names))[:count]]
