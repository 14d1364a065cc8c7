"""From turns as placed to those of a reference, and the statistics of a set of conversations."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mimidiar.annotation.turns import Turn

# Times in RTTM have three decimals; a shorter rest at the end would be a turn of 0.000 s.
MIN_TURN_SEC = 0.01


def make_turns(placed: Iterable[Turn], seconds: float, join_gap_sec: float) -> list[Turn]:
    """Crop turns at `seconds` and join those of one speaker with a gap of at most `join_gap_sec`; sorted by start."""
    of_speaker: dict[str, list[Turn]] = defaultdict(list)
    for each in sorted(placed):
        start, end = round(each.start, 3), round(min(each.end, seconds), 3)
        turns = of_speaker[each.speaker]
        if end - start < MIN_TURN_SEC:
            continue
        if turns and start - turns[-1].end <= join_gap_sec:
            turns[-1] = replace(turns[-1], end=max(end, turns[-1].end))
        else:
            turns.append(Turn(each.recording, start, end, each.speaker))
    return sorted(turn for turns in of_speaker.values() for turn in turns)


def activity_seconds(turns: Iterable[Turn]) -> dict[int, float]:
    """Number of speakers at the same time -> seconds with that many (0 is not counted)."""
    events = sorted(event for turn in turns for event in ((turn.start, 1), (turn.end, -1)))
    seconds: dict[int, float] = defaultdict(float)
    count, before = 0, 0.0
    for time, step in events:
        if count:
            seconds[count] += time - before
        count, before = count + step, time
    return dict(seconds)


def describe(conversations: Sequence[tuple[float, Sequence[Turn]]]) -> dict[str, float | int | dict[str, int]]:
    """Shares of silence and overlap, mean turn, speakers. `conversations`: (length in s, turns)."""
    total = sum(seconds for seconds, _ in conversations)
    speech = overlap = spoken = 0.0
    speakers_per_conversation: dict[str, int] = defaultdict(int)
    for _, turns in conversations:
        active = activity_seconds(turns)
        speech += sum(active.values())
        overlap += sum(seconds for count, seconds in active.items() if count > 1)
        spoken += sum(turn.duration for turn in turns)
        speakers_per_conversation[str(len({turn.speaker for turn in turns}))] += 1
    turns = sum(len(turns) for _, turns in conversations)
    return {
        "conversations": len(conversations),
        "hours": round(total / 3600, 3),
        "silence_share": round(1 - speech / total, 4),
        "overlap_share": round(overlap / speech, 4) if speech else 0.0,
        "mean_turn_sec": round(spoken / turns, 3) if turns else 0.0,
        "turns": turns,
        "speakers": len({turn.speaker for _, turns in conversations for turn in turns}),
        "conversations_by_speakers": dict(sorted(speakers_per_conversation.items())),
    }
