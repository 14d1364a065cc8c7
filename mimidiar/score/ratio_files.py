"""`score.json` and `per_recording.csv` of figures that are ratios of sums over recordings."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from mimidiar.files import write_json, write_text
from mimidiar.score.bootstrap import ratio_intervals
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.score_file import SCORE_FILE, rounded


def ratio_document(
    kind: str,
    names: Sequence[str],
    ratios: tuple[ArrayLike, ArrayLike],
    system: str | None,
    warnings: Sequence[str],
    protocol: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of score.json; `ratios`: numerators and denominators (recordings, figures) of the named figures.

    Of several recordings with `intervals` over them.
    """
    found, number = dict(zip(names, ratio_intervals(*ratios), strict=True)), len(ratios[0])
    ends = {name: rounded({"low": i.low, "high": i.high, "level": i.level}) for name, i in found.items()}
    return {
        "kind": kind,
        **{name: rounded(interval.value) for name, interval in found.items()},
        "n_recordings": number,
        "intervals": ends if number > 1 else {},
        "system": system,
        "warnings": list(warnings),
        "protocol": {**protocol, "resampled": "recordings", "conventions": SCORE_KINDS[kind].conventions},
    }


def write_with_recordings(
    folder: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]], document: Mapping[str, Any]
) -> None:
    """Write FOLDER/per_recording.csv, a row for each recording, and, last, FOLDER/score.json."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([rounded(value) for value in row] for row in rows)
    write_text(folder / "per_recording.csv", stream.getvalue())
    write_json(folder / SCORE_FILE, document)
