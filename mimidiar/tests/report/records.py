"""Records for tests, valid unless a test changes them, and folders as `mimidiar score -o` leaves them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mimidiar.files import sha256_file
from mimidiar.report.record import Record, write_record
from mimidiar.score.diarization import CONVENTIONS

COMMIT = "a" * 40
FEATURES = {"encoder": "logmel", "tap": "mel", "weights": "none", "weights_sha256": "log-mel"}
LINEAGE = {
    "score_sha256": "1" * 64,
    "scored": {"hypothesis_sha256": "2" * 64},
    "models": [{"sha256": "3" * 64, "configuration_sha256": None}],
    "configurations": {"egs/x/conf/train.yaml": "4" * 64},
    "tuned": [{"sha256": "5" * 64, "tuned_on": "dev"}],
    "features": [FEATURES],
    "speech": ["recorded"],
}
CONDITIONS = {"collar": 0.0, "skip_overlap": False, "reference_sha256": "6" * 64, "uem_sha256": None}
CONDITIONS |= {"conventions": CONVENTIONS}
SPEED = {"features logmel mel": {"audio_sec": 100.0, "compute_sec": 5.0, "device": "cpu", "real_time_factor": 0.05}}


def make(system: str = "ours", seed: int = 1, errors: tuple[float, ...] = (1.0, 2.0, 3.0), **changes: Any) -> Record:
    """A diarization record of recordings with 10 s of reference speech and these seconds of error."""
    rows = {f"rec{n}": {"error_sec": error, "reference_sec": 10.0} for n, error in enumerate(errors)}
    der = 10 * sum(errors) / len(errors)
    values = {
        "kind": "diarization",
        "system": system,
        "set": "test",
        "protocol": "collar0",
        "seed": seed,
        "metrics": {"der": der, "miss": der, "n_recordings": len(errors)},
        "intervals": {"der": {"low": der - 1, "high": der + 1, "level": 0.95}},
        "conditions": CONDITIONS,
        "recordings": rows,
        "tuned_on": ["dev"],
        "trained_on": ["dev", "train"],
        "lineage": LINEAGE,
        "speed": SPEED,
        "stages": [
            {"folder": "exp/a", "directory": "egs", "commands": ["mimidiar train"], "commits": [COMMIT], "doubt": None}
        ],
        "environment": {"python": "3.11.7", "platform": "Linux", "processor": "x", "torch": "2.9.1", "moshi": None},
        "commit": COMMIT,
        "dirty": False,
        "warnings": [],
    }
    return Record(**values | changes)


def make_verification(system: str = "ours", seed: int = 1, eer: float = 10.0, **changes: Any) -> Record:
    """A verification record."""
    values = {"kind": "verification", "set": "trials", "protocol": "trials", "metrics": {"eer": eer}, "recordings": {}}
    values["intervals"], values["conditions"] = {}, {"trials_sha256": "7" * 64}
    return make(system, seed, **values | changes)


def put(folder: Path, *records: Record) -> Path:
    """Write records into a folder."""
    for record in records:
        write_record(folder, record)
    return folder


def changed(path: Path, **changes: Any) -> Path:
    """A record's file with keys changed; a key that is set to ... is taken away."""
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}))
    return path


def dirty(record: Record) -> Record:
    return Record(**asdict(record) | {"commit": f"{COMMIT}-dirty", "dirty": True})


def write_score(folder: Path, errors: tuple[float, ...] = (1.0, 2.0), **changes: Any) -> Path:
    """A folder with score.json and per_recording.csv of recordings with 10 s of reference speech."""
    folder.mkdir(parents=True, exist_ok=True)
    der = 10 * sum(errors) / len(errors)
    score = {
        "kind": "diarization",
        "der": der,
        "miss": der,
        "n_recordings": len(errors),
        "system": None,
        "warnings": ["one"],
        "seconds": {"a": 1.0},
    }
    score |= {"intervals": {"der": {"low": der - 1, "high": der + 1, "level": 0.95, "draws": 2000}, "jer": None}}
    score |= {"protocol": CONDITIONS, "hypothesis_sha256": "2" * 64}
    (folder / "score.json").write_text(json.dumps(score | changes))
    rows = [f"rec{n},10.0,{error},0,0" for n, error in enumerate(errors)]
    head = "recording,reference_sec,missed_sec,false_alarm_sec,confusion_sec"
    (folder / "per_recording.csv").write_text("\n".join([head, *rows]) + "\n")
    return folder


def score_hash(folder: Path) -> str:
    return sha256_file(folder / "score.json")
