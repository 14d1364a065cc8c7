"""The utterances that conversations are made of.

Read as plain JSON, not through lhotse: it imports torch, and NeMo's simulator wants to be the first to use that.
"""

import gzip
import json
import zlib
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from mimidiar.errors import MimidiarError

# Words closer than this are one stretch of speech; what silero-vad takes as the shortest pause.
WORD_GAP_SEC = 0.1


@dataclass(frozen=True)
class SourceUtterance:
    """One utterance: its audio file, length in seconds, and the stretches of speech in it (start, end)."""

    id: str
    speaker: str
    corpus: str
    path: str
    seconds: float
    speech: tuple[tuple[float, float], ...]
    speed: float = 1.0  # of playing; seconds and speech are those of the audio as it is played

    def at_speed(self, speed: float) -> "SourceUtterance":
        """The same, played `speed` times as fast."""
        speech = tuple((start / speed, end / speed) for start, end in self.speech)
        return replace(self, seconds=self.seconds / speed, speech=speech, speed=self.speed * speed)


def read_source(folder: str | Path) -> dict[str, list[SourceUtterance]]:
    """Speaker -> utterances of a prepared set, sorted. Raises MimidiarError when the set is missing or not aligned."""
    folder = Path(folder)
    utterances: dict[str, list[SourceUtterance]] = defaultdict(list)
    try:
        recordings = {row["id"]: row for row in _read_rows(folder / "recordings.jsonl.gz")}
        for row in _read_rows(folder / "supervisions.jsonl.gz"):
            if row["recording_id"] not in recordings:
                raise MimidiarError(f"{folder}: utterance {row['id']} is of no recording there; prepare the set again")
            utterance = _utterance(row, recordings[row["recording_id"]], folder)
            utterances[utterance.speaker].append(utterance)
    except (KeyError, IndexError, TypeError) as error:
        raise MimidiarError(f"{folder}: a manifest row is not as expected ({error!r}); prepare the set again") from None
    return {speaker: sorted(utterances[speaker], key=lambda u: u.id) for speaker in sorted(utterances)}


def _read_rows(path: Path) -> list[dict]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such file; run stage 1 (`mimidiar prepare`) first") from None
    except (json.JSONDecodeError, OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise MimidiarError(f"{path}: broken ({error}); prepare the set again") from None


def _utterance(row: dict, recording: dict, folder: Path) -> SourceUtterance:
    alignment = row.get("alignment") or {}
    items = alignment.get("vad") or alignment.get("word")
    if not items:
        raise MimidiarError(f"{folder}: utterance {row['id']} has no alignment; prepare the set again")
    return SourceUtterance(
        id=row["id"],
        speaker=row["speaker"],
        corpus=(row.get("custom") or {}).get("corpus", ""),
        path=recording["sources"][0]["source"],
        seconds=recording["duration"],
        speech=_stretches(items),
    )


def _stretches(items: list) -> tuple[tuple[float, float], ...]:
    """(symbol, start, duration, ...) items -> (start, end), joined where the gap is too short for a pause."""
    spans: list[tuple[float, float]] = []
    for _, start, length, *_ in sorted(items, key=lambda item: item[1]):
        end = start + length
        if spans and start - spans[-1][1] < WORD_GAP_SEC:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)
