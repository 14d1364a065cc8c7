"""What can be asked of the simulation: `conf/simulate.yaml` as a dataclass."""

from dataclasses import dataclass, field

from mimidiar.config import range_rule, require
from mimidiar.simulation.augmentation import Augment


@dataclass
class ConversationSet:
    """One set of conversations. All shares are of the recording's length, all times in seconds.

    A turn has 1 + NegativeBinomial(sentence_k, sentence_p) pieces, a piece being a stretch of speech between two pauses
    or one of these pauses (NeMo counts words here).
    """

    split: str = "train"
    conversations: int = 0
    seconds: float = 90.0
    seed: int = 0
    speakers: list[int] = field(default_factory=lambda: [2, 3, 4])  # numbers of speakers, in equal parts
    speaker_weights: list[float] | None = None  # or by these
    overlap: float = 0.12  # NeMo's mean_overlap, of the time with speech
    overlap_var: float = 0.002  # between conversations
    silence: float = 0.15  # NeMo's mean_silence
    silence_var: float = 0.002
    turn_prob: float = 0.875  # how often the turn goes to somebody else
    dominance_std: float = 0.11  # how unequal the speakers are
    min_dominance: float = 0.05
    sentence_k: float = 1.0
    sentence_p: float = 0.4
    # Each speaker of a conversation is played at a speed of this range, which moves pitch and formants too: more voices
    # out of few speakers (Ko et al. 2015, "Audio augmentation for speech recognition").
    speed_range: list[float] | None = None
    volume_std: float = 0.1  # loudness of each speaker
    volume_range: list[float] = field(default_factory=lambda: [0.75, 1.25])
    # A noise floor at a level drawn from this range, below the mean level of the speech; without it the pauses would be
    # digital zeros, which no recording has.
    noise_snr_db: list[float] | None = None
    # RMS level of a conversation's speech, in dB relative to full scale, drawn from this range; without it what NeMo
    # leaves, whose loudest sample is near full scale. Meetings are recorded up to 20 dB lower.
    level_dbfs: list[float] | None = None
    join_gap_sec: float = 0.2  # pauses of one speaker up to this length do not split a turn of the reference
    audio: bool = True  # false keeps who spoke when alone: ref.rttm and all.uem, neither audio nor manifests


@dataclass
class Simulation:
    """The file: name -> set. The set `train` is written to the folder `sim_train`."""

    sets: dict[str, ConversationSet] = field(default_factory=dict)
    # Why sets for training and others are made of the same voices, if they are to be: it goes into every record.
    leaky: str | None = None
    # What is done where sounds are named (--noise, --rirs), and to which sets: `*` and `?` as in a shell.
    augment: Augment = field(default_factory=Augment)
    augmented: list[str] = field(default_factory=lambda: ["train*"])


# key of a range, and between what its two numbers must lie
_RANGES = [
    ("volume_range", 0.0, 10.0),
    ("noise_snr_db", -20.0, 120.0),
    ("level_dbfs", -80.0, 0.0),
    ("speed_range", 0.5, 2.0),
]


def check_options(name: str, options: ConversationSet) -> None:
    """Raise MimidiarError naming the set, the key and the number that cannot be."""
    rules = [
        ("conversations", options.conversations, options.conversations >= 1, "at least 1"),
        ("seconds", options.seconds, options.seconds >= 10, "at least 10"),
        ("overlap", options.overlap, 0 <= options.overlap <= 0.5, "between 0 and 0.5"),
        ("silence", options.silence, 0 <= options.silence <= 0.8, "between 0 and 0.8"),
        ("turn_prob", options.turn_prob, 0.5 <= options.turn_prob <= 1, "between 0.5 and 1"),
        ("sentence_k", options.sentence_k, options.sentence_k > 0, "above 0"),
        ("sentence_p", options.sentence_p, 0 < options.sentence_p <= 1, "above 0 and at most 1"),
        ("join_gap_sec", options.join_gap_sec, options.join_gap_sec >= 0, "0 or more"),
        ("speakers", options.speakers, _good_counts(options.speakers), "different counts from 1 to 8"),
    ]
    for key in ("overlap", "silence"):
        mean, var = getattr(options, key), getattr(options, f"{key}_var")
        rules.append((f"{key}_var", var, var == 0 or 0 < var < mean * (1 - mean), f"0, or below {key} * (1 - {key})"))
    weights = options.speaker_weights
    fits = weights is None or (len(weights) == len(options.speakers) and all(weight > 0 for weight in weights))
    rules.append(("speaker_weights", weights, fits, "one weight above 0 for each of speakers"))
    for key, lowest, highest in _RANGES:
        if (pair := getattr(options, key)) is not None:
            rules.append(range_rule(key, pair, lowest, highest))
    require(f"simulation set {name!r}", rules)


def _good_counts(counts: list[int]) -> bool:
    return bool(counts) and len(set(counts)) == len(counts) and all(1 <= count <= 8 for count in counts)


def speaker_shares(options: ConversationSet) -> dict[int, float]:
    """Number of speakers -> share of the conversations."""
    weights = options.speaker_weights or [1.0] * len(options.speakers)
    return {count: weight / sum(weights) for count, weight in sorted(zip(options.speakers, weights, strict=True))}
