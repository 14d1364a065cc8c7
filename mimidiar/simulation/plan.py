"""The speakers of all conversations, planned before any is made, so that no result depends on the number of jobs."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mimidiar.errors import MimidiarError
from mimidiar.simulation.options import ConversationSet, speaker_shares


@dataclass(frozen=True)
class Conversation:
    """One planned conversation; its id is the recording's id."""

    id: str
    seconds: float
    corpus: str
    speakers: tuple[str, ...]

    def seed(self, attempt: int) -> int:
        """The seed of an attempt at this conversation (0 <= seed < 2**31). The plan's own seed is part of the id's
        hash."""
        text = f"{self.id}:{'+'.join(self.speakers)}:{attempt}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def plan_conversations(name: str, options: ConversationSet, corpus_of: Mapping[str, str]) -> list[Conversation]:
    """Plan a set. `corpus_of`: speaker -> corpus of the source set.

    The speakers of one conversation come from one corpus, or their recording channel would distinguish them. A corpus
    gets conversations in proportion to its speakers. Within it every speaker is drawn once before any is drawn again.
    Raises MimidiarError when no corpus has enough speakers.
    """
    rng = random.Random(f"simulate:{name}:{options.seed}")
    speakers: dict[str, list[str]] = defaultdict(list)
    for speaker in sorted(corpus_of):
        speakers[corpus_of[speaker]].append(speaker)
    decks = {corpus: _Deck(names, rng) for corpus, names in sorted(speakers.items())}
    plan = []
    for index, count in enumerate(_shuffled_quota(speaker_shares(options), options.conversations, rng)):
        corpus = _pick_corpus(name, decks, count, rng)
        dealt = decks[corpus].deal(count)
        plan.append(Conversation(f"sim_{name}-{options.seed}-{index:05d}", options.seconds, corpus, dealt))
    return plan


def _shuffled_quota(shares: Mapping[int, float], total: int, rng: random.Random) -> list[int]:
    """`total` speaker counts with these shares (largest remainders), shuffled."""
    exact = {count: total * share for count, share in shares.items()}
    quota = {count: int(share) for count, share in exact.items()}
    for count in sorted(exact, key=lambda c: quota[c] - exact[c])[: total - sum(quota.values())]:
        quota[count] += 1
    counts = [count for count, times in quota.items() for _ in range(times)]
    rng.shuffle(counts)
    return counts


def _pick_corpus(name: str, decks: Mapping[str, "_Deck"], count: int, rng: random.Random) -> str:
    able = {corpus: deck for corpus, deck in decks.items() if len(deck.names) >= count}
    if not able:
        largest = max((len(deck.names) for deck in decks.values()), default=0)
        raise MimidiarError(
            f"simulation set {name!r}: a conversation wants {count} speakers of one corpus, the largest has {largest}; "
            "ask for fewer speakers, or prepare more"
        )
    # The corpus furthest behind its share comes next; ties by name. Without chance, small sets stay balanced.
    return min(able, key=lambda corpus: ((able[corpus].dealt + count) / len(able[corpus].names), corpus))


class _Deck:
    """Names dealt like cards: shuffled, none twice before all were dealt once, none twice in one hand."""

    def __init__(self, names: Sequence[str], rng: random.Random) -> None:
        self.names = list(names)
        self.dealt = 0
        self._rng = rng
        self._left: list[str] = []

    def deal(self, count: int) -> tuple[str, ...]:
        hand: list[str] = []
        while len(hand) < count:
            if not self._left:
                self._left = [name for name in self.names if name not in hand]
                self._rng.shuffle(self._left)
                # Those in the hand already come last in the new round.
                late = [name for name in self.names if name in hand]
                self._left = late + self._left
            hand.append(self._left.pop())
        self.dealt += count
        return tuple(hand)
