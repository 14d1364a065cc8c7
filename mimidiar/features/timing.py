"""The cost of computation as a real-time factor: lines in `timing.jsonl` beside the results.

Each process adds one line at the end of its share, so that jobs and resumed runs add up; the share of a killed process
is in neither sum. The file is not part of the result: no computation depends on it.
"""

import json
import math
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, make_folder

TIMING = "timing.jsonl"


@dataclass(frozen=True)
class Cost:
    """Seconds of computing and of audio: processor time on a CPU, wall time on a GPU."""

    audio_sec: float
    compute_sec: float
    device: str

    @property
    def real_time_factor(self) -> float:
        return self.compute_sec / self.audio_sec


def clock(device: str) -> float:
    """Seconds from an arbitrary origin: processor time on a CPU, without other programs; wall time on a GPU."""
    return time.process_time() if device == "cpu" else time.monotonic()


def add_cost(folder: str | Path, cost: Cost | None) -> None:
    """Add a line to FOLDER/timing.jsonl; nothing where nothing was computed."""
    if cost is None or cost.audio_sec <= 0:
        return
    make_folder(folder)
    path = Path(folder) / TIMING
    line = json.dumps(asdict(cost) | {"audio_sec": round(cost.audio_sec, 3), "compute_sec": round(cost.compute_sec, 3)})
    try:
        # One short write in append mode: jobs that end at the same time do not mix their lines.
        stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(stream, f"{line}\n".encode())
        finally:
            os.close(stream)
    except OSError as error:
        raise disk_error(error, path) from error


def total_cost(folders: Iterable[Path]) -> Cost | None:
    """The sum over the folders that have a timing.jsonl; None where none has."""
    costs = [cost for folder in folders if (folder / TIMING).is_file() for cost in _read(folder / TIMING)]
    return sum_costs(costs) if costs else None


def sum_costs(costs: Sequence[Cost]) -> Cost:
    """The sum of at least one; the devices are joined by a comma."""
    audio, compute = math.fsum(cost.audio_sec for cost in costs), math.fsum(cost.compute_sec for cost in costs)
    return Cost(round(audio, 3), round(compute, 3), ", ".join(sorted({cost.device for cost in costs})))


def _read(path: Path) -> list[Cost]:
    try:
        return [Cost(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError):
        raise MimidiarError(f"{path}: not lines of audio and computing seconds; remove it (nothing needs it)") from None
