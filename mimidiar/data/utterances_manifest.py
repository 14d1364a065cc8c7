"""The utterances of a prepared set, for simulated conversations and for verification."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mimidiar.data.jsonl import RECORDINGS, SUPERVISIONS, read_jsonl
from mimidiar.errors import MimidiarError

# Words closer than this are one stretch of speech; what silero-vad takes as the shortest pause.
WORD_GAP_SEC = 0.1


@dataclass(frozen=True)
class SourceUtterance:
    """One utterance: its audio file, length in seconds, and its speech segments (start, end), if known."""

    id: str
    recording: str
    speaker: str
    corpus: str
    path: str
    seconds: float
    speech: tuple[tuple[float, float], ...]
    speed: float = 1.0  # of playing; seconds and speech are those of the audio as it is played
    gender: str = ""  # of the speaker, as the corpus marks it; empty where it does not

    def at_speed(self, speed: float) -> "SourceUtterance":
        """The same, played `speed` times as fast."""
        speech = tuple((start / speed, end / speed) for start, end in self.speech)
        return replace(self, seconds=self.seconds / speed, speech=speech, speed=self.speed * speed)


def read_source(folder: str | Path) -> dict[str, list[SourceUtterance]]:
    """Speaker -> utterances of a prepared set, sorted. Raises MimidiarError when the set is missing or damaged."""
    folder = Path(folder)
    utterances: dict[str, list[SourceUtterance]] = defaultdict(list)
    try:
        recordings = {row["id"]: row for row in read_jsonl(folder / RECORDINGS)}
        for row in read_jsonl(folder / SUPERVISIONS):
            if row["recording_id"] not in recordings:
                raise MimidiarError(f"{folder}: utterance {row['id']} is of no recording there; prepare the set again")
            utterance = _utterance(row, recordings[row["recording_id"]])
            utterances[utterance.speaker].append(utterance)
    except (KeyError, IndexError, TypeError) as error:
        raise MimidiarError(f"{folder}: a manifest row is not as expected ({error!r}); prepare the set again") from None
    return {speaker: sorted(utterances[speaker], key=lambda u: u.id) for speaker in sorted(utterances)}


def _utterance(row: dict, recording: dict) -> SourceUtterance:
    alignment = row.get("alignment") or {}
    items = alignment.get("vad") or alignment.get("word") or []
    return SourceUtterance(
        id=row["id"],
        recording=row["recording_id"],
        speaker=row["speaker"],
        corpus=(row.get("custom") or {}).get("corpus", ""),
        path=recording["sources"][0]["source"],
        seconds=recording["duration"],
        speech=stretches(items),
        gender=row.get("gender") or "",
    )


def stretches(items: Sequence) -> tuple[tuple[float, float], ...]:
    """(symbol, start, duration, ...) items -> (start, end), joined where the gap is too short for a pause.

    Aligners write silence as an item without a symbol.
    """
    spans: list[tuple[float, float]] = []
    for symbol, start, length, *_ in sorted(items, key=lambda item: item[1]):
        if not symbol:
            continue
        end = start + length
        if spans and start - spans[-1][1] < WORD_GAP_SEC:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)
