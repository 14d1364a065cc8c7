"""Scores as text for a terminal: every number with its unit and its protocol."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mimidiar.score.diarization import DiarizationScore, RecordingScore
from mimidiar.score.from_files import percentages

_COLUMNS = ("DER", "missed", "false al.", "confusion", "JER", "ref. s", "spk ref", "spk hyp")


def diarization_table(score: DiarizationScore, document: Mapping[str, Any]) -> str:
    """Per recording and in total; below it, what the numbers mean."""
    rows = [*score.recordings, score.total]
    width = max(len("recording"), *(len(row.recording) for row in rows))
    lines = [" ".join(["recording".ljust(width), *(name.rjust(9) for name in _COLUMNS)])]
    lines += [_row(row, width) for row in rows]
    lines.insert(-1, "-" * len(lines[0]))
    protocol = document["protocol"]
    lines += [
        "",
        "DER, missed, false alarm, confusion: % of reference speaker time; JER: % (no collar, overlap scored)",
        f"protocol: {score.protocol.in_words()}",
        f"scored:   {score.extent}",
        f"scorer:   {protocol['scorer']}",
    ]
    if document["interval"]:
        low, high = document["interval"]["low"], document["interval"]["high"]
        lines.append(f"total DER {score.der:.2f} %, 95 % bootstrap interval over recordings {low:.2f} to {high:.2f}")
    if protocol.get("noscore_regions"):
        lines.append(f"not scored: {protocol['noscore_regions']} regions that the reference marks NOSCORE or NON-LEX")
    return "\n".join(lines)


def _row(row: RecordingScore, width: int) -> str:
    percents = ["-".rjust(9) if value is None else f"{value:9.2f}" for value in percentages(row).values()]
    speakers = [f"{count:9d}" for count in (row.reference_speakers, row.hypothesis_speakers)]
    return " ".join([row.recording.ljust(width), *percents, f"{row.reference_sec:9.1f}", *speakers])


def written(folder: str | Path, *names: str) -> str:
    """The line that says where the files are."""
    return "written: " + ", ".join(str(Path(folder) / name) for name in names)
