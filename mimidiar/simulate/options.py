"""What can be asked of the simulation: `conf/simulate.yaml` as a dataclass."""

from dataclasses import dataclass, field

from mimidiar.errors import MimidiarError


@dataclass
class ConversationSet:
    """One set of conversations. All shares are of the recording's length, all times in seconds.

    `speakers`: numbers of speakers, in equal parts or by `speaker_weights`. `overlap`, `silence` with the variances
    between conversations: NeMo's `mean_overlap` (of the time with speech) and `mean_silence`. `turn_prob`: how often
    the turn goes to somebody else. `dominance_std`, `min_dominance`: how unequal the speakers are. `sentence_k`,
    `sentence_p`: a turn has 1 + NegativeBinomial(k, p) pieces, a piece being a stretch of speech between two pauses or
    one of these pauses (NeMo counts words here). `speed_range`: each speaker of a conversation is played at a speed of
    this range, pitch and formants with it: more voices out of few speakers (Ko et al. 2015, "Audio augmentation for
    speech recognition"). `volume_std`, `volume_range`: loudness of each speaker. `noise_snr_db`: a noise floor at a
    level drawn from this range, below the mean level of the speech; without it the pauses would be digital zeros,
    which no recording has. `join_gap_sec`: pauses of one speaker up to this length do not split a turn of the
    reference.
    """

    split: str = "train"
    conversations: int = 0
    seconds: float = 90.0
    seed: int = 0
    speakers: list[int] = field(default_factory=lambda: [2, 3, 4])
    speaker_weights: list[float] | None = None
    overlap: float = 0.12
    overlap_var: float = 0.002
    silence: float = 0.15
    silence_var: float = 0.002
    turn_prob: float = 0.875
    dominance_std: float = 0.11
    min_dominance: float = 0.05
    sentence_k: float = 1.0
    sentence_p: float = 0.4
    speed_range: list[float] | None = None
    volume_std: float = 0.1
    volume_range: list[float] = field(default_factory=lambda: [0.75, 1.25])
    noise_snr_db: list[float] | None = None
    join_gap_sec: float = 0.2


@dataclass
class Simulation:
    """The file: name -> set. The set `train` is written to the folder `sim_train`."""

    sets: dict[str, ConversationSet] = field(default_factory=dict)


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
    for key in ("volume_range", "noise_snr_db"):
        pair = getattr(options, key)
        rules.append((key, pair, pair is None or (len(pair) == 2 and pair[0] <= pair[1]), "two numbers, low and high"))
    speeds = options.speed_range
    fits = speeds is None or (len(speeds) == 2 and 0.5 <= speeds[0] <= speeds[1] <= 2)
    rules.append(("speed_range", speeds, fits, "two numbers, low and high, from 0.5 to 2"))
    for key, value, holds, wanted in rules:
        if not holds:
            raise MimidiarError(f"simulation set {name!r}: {key} is {value}, it must be {wanted}")


def _good_counts(counts: list[int]) -> bool:
    return bool(counts) and len(set(counts)) == len(counts) and all(1 <= count <= 8 for count in counts)


def speaker_shares(options: ConversationSet) -> dict[int, float]:
    """Number of speakers -> share of the conversations."""
    weights = options.speaker_weights or [1.0] * len(options.speakers)
    return {count: weight / sum(weights) for count, weight in sorted(zip(options.speakers, weights, strict=True))}
