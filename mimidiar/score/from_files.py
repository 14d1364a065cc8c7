"""Scoring of files: read, score, and write `score.json` and `per_recording.csv`.

`score.json` of a diarization score: `der`, `miss`, `false_alarm`, `confusion`, `jer` in % (of reference speaker time;
JER of speakers), `interval` (95 % bootstrap over recordings, of `der`; null for a single recording), `seconds`,
`n_recordings`, `speaker_count_accuracy` in % of recordings, `speaker_count_error` (mean absolute, in speakers),
`system`, `warnings`, and `protocol`, which says everything that two scores must share to be compared.
"""

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mimidiar.annotation.lines import sha256_source
from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.uem import read_uem
from mimidiar.files import write_json, write_text
from mimidiar.score.diarization import DiarizationScore, Protocol, RecordingScore, score_diarization
from mimidiar.score.measures import load_measures
from mimidiar.score.noscore import read_noscore

SCORE_FILE = "score.json"
RECORDINGS_FILE = "per_recording.csv"
_PERCENT = ("der", "miss", "false_alarm", "confusion", "jer")


def score_files(
    reference: str | Path,
    hypothesis: str | Path,
    uem: str | Path | None = None,
    protocol: Protocol | None = None,
    system: str | None = None,
) -> tuple[DiarizationScore, dict[str, Any]]:
    """Score RTTM files or folders of them; the score, and what `score.json` says about it."""
    turns, noscore = (read_rttm(reference), read_rttm(hypothesis)), read_noscore(reference)
    score = score_diarization(*turns, None if uem is None else read_uem(uem), protocol, noscore)
    document = score_document(score)
    document["system"] = system
    document["protocol"] |= {
        "reference_sha256": sha256_source(reference, ".rttm"),
        "uem_sha256": None if uem is None else sha256_source(uem, ".uem"),
        "noscore_regions": sum(map(len, noscore.values())),
    }
    return score, document


def score_document(score: DiarizationScore) -> dict[str, Any]:
    """What `score.json` says of a score in memory: everything but the names and hashes of files."""
    interval, total = score.der_interval(), score.total
    differences = [abs(r.hypothesis_speakers - r.reference_speakers) for r in score.recordings]
    return {
        **{name: _rounded(value) for name, value in percentages(total).items()},
        "interval": None if interval is None else _rounded_dict(asdict(interval)),
        "seconds": _rounded_dict(
            {
                "reference": total.reference_sec,
                "missed": total.missed_sec,
                "false_alarm": total.false_alarm_sec,
                "confusion": total.confusion_sec,
                "error": total.error_sec,
                "scored": total.scored_sec,
            }
        ),
        "n_recordings": len(score.recordings),
        "speaker_count_accuracy": _rounded(100 * differences.count(0) / len(differences)),
        "speaker_count_error": _rounded(sum(differences) / len(differences)),
        "warnings": list(score.warnings),
        "protocol": {**asdict(score.protocol), "extent": score.extent, "scorer": load_measures().scorer},
    }


def percentages(score: RecordingScore) -> dict[str, float | None]:
    """DER, its parts and JER in %."""
    parts = score.missed_sec, score.false_alarm_sec, score.confusion_sec
    return dict(zip(_PERCENT, [score.der, *map(score.percent, parts), score.jer], strict=True))


def write_score(folder: str | Path, score: DiarizationScore, document: dict[str, Any]) -> None:
    """Write FOLDER/per_recording.csv and FOLDER/score.json; the latter last, so that it vouches for both."""
    write_text(Path(folder) / RECORDINGS_FILE, per_recording_csv(score))
    write_json(Path(folder) / SCORE_FILE, document)


def per_recording_csv(score: DiarizationScore) -> str:
    """One row per recording: percentages (empty where there is no reference speech), then seconds and speakers."""
    stream = io.StringIO()
    rows = [percentages(r) | asdict(r) for r in score.recordings]
    columns = ["recording", *_PERCENT, *(name for name in rows[0] if name not in ("recording", *_PERCENT))]
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _rounded(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _rounded(value: Any) -> Any:
    """Six decimals: microseconds, and no digits that differ from machine to machine."""
    return round(value, 6) if isinstance(value, float) else value


def _rounded_dict(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in values.items()}
