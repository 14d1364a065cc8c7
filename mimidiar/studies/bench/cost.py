"""The cost of a diarizer, as a `score.json` of kind "cost".

Figures, each the median over rounds, with the range over rounds as its interval (level 1):

- `wall_rtf`, `cpu_rtf`: real-time factors by wall time and by processor time: all files in one process,
  from its start to its end, loading included;
- `wall_rtf_further`, `cpu_rtf_further`: the same without start-up: the extra time of all files over the first one
  alone, by the extra audio;
- `startup_wall_sec`, `startup_cpu_sec`: the extra time of the first file over that rate. With a warning where in some
  round the first file alone took longer than all, as on a busy machine;
- `peak_mb`: the peak memory, in MiB, of the process and its children;
- `wall_ratio`: wall time over that of the system `reference` in the same round.

`audio_sec`, `n_recordings`; `warnings`; `protocol`: the conditions that comparable costs share.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.score_file import rounded
from mimidiar.studies.bench.process import Usage

CLOCKS = ("wall", "cpu")
ODD = "the first file alone took longer than all; the rate without start-up means nothing"


@dataclass(frozen=True)
class Round:
    """A process for all files, and one for the first alone (None for a single file), with the seconds of audio."""

    n_recordings: int
    audio_sec: float
    whole: Usage
    first_audio_sec: float
    first: Usage | None

    def figures(self) -> dict[str, float]:
        found = {"peak_mb": self.whole.peak_mb}
        for clock in CLOCKS:
            whole = getattr(self.whole, f"{clock}_sec")
            found[f"{clock}_rtf"] = whole / self.audio_sec
            if self.first is not None:
                first = getattr(self.first, f"{clock}_sec")
                rate = (whole - first) / (self.audio_sec - self.first_audio_sec)
                found[f"{clock}_rtf_further"] = rate
                found[f"startup_{clock}_sec"] = first - rate * self.first_audio_sec
        return found


def cost_document(own: Sequence[Round], others: Sequence[Round], reference: str) -> dict[str, Any]:
    """The content of score.json for the rounds of a system, and those of the `reference` in the same order."""
    rows = [each.figures() for each in own]
    for row, one, other in zip(rows, own, others, strict=True):
        row["wall_ratio"] = one.whole.wall_sec / other.whole.wall_sec
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    odd = [number for number, row in enumerate(rows, 1) if min(row.get(f"{c}_rtf_further", 1) for c in CLOCKS) <= 0]
    ranges = {name: {"low": min(values), "high": max(values), "level": 1.0} for name, values in columns.items()}
    return {
        "kind": "cost",
        **{name: rounded(statistics.median(values)) for name, values in columns.items()},
        "audio_sec": rounded(own[0].audio_sec),
        "n_recordings": own[0].n_recordings,
        "intervals": rounded(ranges) if len(own) > 1 else {},
        "warnings": [f"round {number}: {ODD}" for number in odd],
        "protocol": {"rounds": len(own), "reference": reference, "conventions": SCORE_KINDS["cost"].conventions},
    }
