"""A slow, obvious diarization scorer on a grid of frames, to hold the real one against."""

import random
from itertools import permutations

from mimidiar.annotation.turns import Turn

FRAME_SEC = 0.05
COLLAR_FRAMES = 5  # 0.25 s


def random_turns(rng: random.Random, recording: str, prefix: str, speakers: int, turns: int, frames: int) -> list[Turn]:
    """Turns whose borders lie on the grid; speakers may overlap each other and themselves."""
    made = []
    for _ in range(turns):
        start = rng.randrange(frames - 1)
        end = min(frames, start + rng.randrange(1, frames // 3))
        name = f"{prefix}{rng.randrange(speakers)}"
        made.append(Turn(recording, round(start * FRAME_SEC, 6), round(end * FRAME_SEC, 6), name))
    return made


def activity(turns: list[Turn], frames: int) -> dict[str, set[int]]:
    """The frames in which each speaker speaks."""
    active: dict[str, set[int]] = {}
    for turn in turns:
        first, last = round(turn.start / FRAME_SEC), round(turn.end / FRAME_SEC)
        active.setdefault(turn.speaker, set()).update(range(first, min(last, frames)))
    return active


def borders(turns: list[Turn]) -> set[int]:
    """Where turns begin and end, unless another turn of the same speaker goes on there; as frames."""
    ends = {(turn.speaker, time) for turn in turns for time in (turn.start, turn.end)}
    covered = {(s, t) for s, t in ends if any(turn.speaker == s and turn.start < t < turn.end for turn in turns)}
    return {round(time / FRAME_SEC) for _, time in ends - covered}


def scored_frames(reference: list[Turn], frames: int, collar: bool, skip_overlap: bool) -> set[int]:
    """Frames left after the collar and, if asked, the overlap are taken out."""
    left = set(range(frames))
    if collar:
        left -= {f for border in borders(reference) for f in range(border - COLLAR_FRAMES, border + COLLAR_FRAMES)}
    if skip_overlap:
        speakers = activity(reference, frames).values()
        left -= {f for f in range(frames) if sum(f in own for own in speakers) > 1}
    return left


def frame_score(reference: list[Turn], hypothesis: list[Turn], frames: int, collar: bool, skip_overlap: bool) -> dict:
    """Seconds of reference, missed, false alarm and confusion; all mappings of speakers are tried."""
    ref, hyp = activity(reference, frames), activity(hypothesis, frames)
    scored = scored_frames(reference, frames, collar, skip_overlap)
    sums = {"reference": 0, "missed": 0, "false_alarm": 0, "confusion": 0}
    for frame in scored:
        n_ref, n_hyp = (sum(frame in own for own in side.values()) for side in (ref, hyp))
        sums["reference"] += n_ref
        sums["missed"] += max(0, n_ref - n_hyp)
        sums["false_alarm"] += max(0, n_hyp - n_ref)
        sums["confusion"] += min(n_ref, n_hyp)
    sums["confusion"] -= most_correct(ref, hyp, scored)
    return {name: value * FRAME_SEC for name, value in sums.items()}


def most_correct(ref: dict[str, set[int]], hyp: dict[str, set[int]], scored: set[int]) -> int:
    """Frames that the best one-to-one mapping gets right."""
    slots = [*ref, *[None] * len(hyp)]
    return max(
        sum(len(ref[r] & hyp[h] & scored) for h, r in zip(hyp, order, strict=True) if r is not None)
        for order in permutations(slots, len(hyp))
    )


def frame_detection(
    reference: list[Turn], hypothesis: list[Turn], frames: int, collar: bool, skip_overlap: bool
) -> dict[str, float]:
    """Seconds of speech and of overlap, by the names that a RecordingScore has for them."""
    ref, hyp = (list(activity(turns, frames).values()) for turns in (reference, hypothesis))
    counts = [
        (sum(frame in own for own in ref), sum(frame in own for own in hyp))
        for frame in scored_frames(reference, frames, collar, skip_overlap)
    ]
    sums = {
        "speech_sec": sum(r > 0 for r, _ in counts),
        "missed_speech_sec": sum(r > 0 and h == 0 for r, h in counts),
        "false_alarm_speech_sec": sum(h > 0 and r == 0 for r, h in counts),
        "overlap_sec": sum(r > 1 for r, _ in counts),
        "hypothesis_overlap_sec": sum(h > 1 for _, h in counts),
        "common_overlap_sec": sum(r > 1 and h > 1 for r, h in counts),
        "scored_sec": len(counts),
    }
    return {name: value * FRAME_SEC for name, value in sums.items()}


def frame_jaccard_error(reference: list[Turn], hypothesis: list[Turn], frames: int) -> float:
    """The sum of 1 - intersection / union over reference speakers: the least of all mappings with most in common."""
    ref, hyp = activity(reference, frames), activity(hypothesis, frames)
    found = []
    for order in permutations([*ref, *[None] * len(hyp)], len(hyp)):
        pairs = [(ref[r], hyp[h]) for h, r in zip(hyp, order, strict=True) if r is not None]
        similarity = sum(len(r & h) / len(r | h) for r, h in pairs)
        found.append((-sum(len(r & h) for r, h in pairs), len(ref) - similarity))
    return min(found)[1]
