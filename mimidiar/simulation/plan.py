"""The simulation's options (`conf/simulate.yaml` as a dataclass), and the speakers of all conversations, planned before
any is made, so that no result depends on the number of jobs.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from mimidiar.config import Checked, Count, Limit, NotNegative, Positive, Rule, at_least, between, low_high
from mimidiar.errors import MimidiarError
from mimidiar.simulation.augmentation import Augment

DifferentCounts = Annotated[
    list[int],
    Limit(
        lambda counts: bool(counts) and len(set(counts)) == len(counts) and all(1 <= count <= 8 for count in counts),
        "different counts from 1 to 8",
    ),
]
Probability = Annotated[float, Limit(lambda p: 0 < p <= 1, "above 0 and at most 1")]


@dataclass
class ConversationSet(Checked):
    """One set of conversations. All shares are of the recording's length, all times in seconds.

    A turn has 1 + NegativeBinomial(sentence_k, sentence_p) units; a unit is the speech between two pauses, or a pause
    (NeMo counts words here).
    """

    split: str = "train"
    conversations: Count = 0
    seconds: at_least(10) = 90.0
    seed: int = 0
    speakers: DifferentCounts = field(default_factory=lambda: [2, 3, 4])  # numbers of speakers, in equal parts
    speaker_weights: list[float] | None = None  # or by these
    overlap: between(0, 0.5) = 0.12  # NeMo's mean_overlap, of the time with speech
    overlap_var: float = 0.002  # between conversations
    silence: between(0, 0.8) = 0.15  # NeMo's mean_silence
    silence_var: float = 0.002
    turn_prob: between(0.5, 1) = 0.875  # probability of a change of speaker
    dominance_std: float = 0.11  # inequality of the speakers
    min_dominance: float = 0.05
    sentence_k: Positive = 1.0
    sentence_p: Probability = 0.4
    # Range of each speaker's speed, which shifts pitch and formants too: more variety from few speakers (Ko et al.
    # 2015, "Audio augmentation for speech recognition").
    speed_range: low_high(0.5, 2) | None = None
    volume_std: float = 0.1  # loudness of each speaker
    volume_range: low_high(0, 10) = field(default_factory=lambda: [0.75, 1.25])
    # A noise floor at a level drawn from this range, below the mean level of the speech; without it the pauses would be
    # digital zeros, unlike recordings.
    noise_snr_db: low_high(-20, 120) | None = None
    # RMS level of a conversation's speech, in dB relative to full scale, drawn from this range; without it NeMo's
    # level, with the loudest sample near full scale. Meetings are recorded up to 20 dB lower.
    level_dbfs: low_high(-80, 0) | None = None
    join_gap_sec: NotNegative = 0.2  # pauses of one speaker up to this length do not split a turn of the reference
    audio: bool = True  # false: only ref.rttm and all.uem, neither audio nor manifests

    def rules(self) -> list[Rule]:
        """Rules for variances and their means, for speakers and their weights."""
        found: list[Rule] = []
        for key in ("overlap", "silence"):
            mean, var = getattr(self, key), getattr(self, f"{key}_var")
            fits = var == 0 or 0 < var < mean * (1 - mean)
            found.append((f"{key}_var", var, fits, f"0, or below {key} * (1 - {key})"))
        weights = self.speaker_weights
        fits = weights is None or (len(weights) == len(self.speakers) and all(weight > 0 for weight in weights))
        return [*found, ("speaker_weights", weights, fits, "one weight above 0 for each of speakers")]


@dataclass
class Simulation:
    """The file: name -> set. The set `train` is written to the folder `sim_train`."""

    sets: dict[str, ConversationSet] = field(default_factory=dict)
    # The reason why training and other sets share speakers, if they do; it is kept in every record.
    leaky: str | None = None
    # The augmentation with sounds (--noise, --rirs), and the sets to augment: `*` and `?` as in a shell.
    augment: Augment = field(default_factory=Augment)
    augmented: list[str] = field(default_factory=lambda: ["train*"])


def speaker_shares(options: ConversationSet) -> dict[int, float]:
    """Number of speakers -> share of the conversations."""
    weights = options.speaker_weights or [1.0] * len(options.speakers)
    return {count: weight / sum(weights) for count, weight in sorted(zip(options.speakers, weights, strict=True))}


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
        corpus = _pick_corpus(name, decks, count)
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


def _pick_corpus(name: str, decks: Mapping[str, "_Deck"], count: int) -> str:
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
