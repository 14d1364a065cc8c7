"""A record: one score of one system, with its complete lineage. Tables are made of records alone.

A record is a JSON file `<system>.<set>.<protocol>.seed<N>.json`, written by `mimidiar table record` and never by hand;
the name follows from its contents and is checked against them, as is every key:

- `version` of this schema; `kind`, one of SCORE_KINDS (score/kinds.py); `system`, `set`, `protocol`, `seed`;
- `metrics`: figures by name; `intervals`: low, high and level of some of them;
- `conditions`: the values that comparable scores share, from score.json: collar, scorer, hash of the reference, ...;
- `recordings` (diarization alone): seconds of error and of reference speech of each, for paired differences;
- `draws` (verification and pairs): `eer` in each draw of the bootstrap, for paired differences and means over seeds;
- `leaky`: the reason why the figure is for comparison only, if test speakers are in the training data;
- `smoke`: the reason why the figure is a smoke test only: synthetic voices, a small run;
- `tuned_on`, `trained_on`: the tuning sets of the post-processing and the training sets of the models, with "unknown"
  for a model without a training stage;
- `lineage`: hashes of score.json and of its inputs, of `models` and `configurations`, of `tuned` post-processing, the
  weights of `features`, the origin of the `speech`, and third-party `packages` of the system;
- `speed` of each step from the audio of a recording to the score, without training and tuning; null if the cost of a
  part is unknown; `environment`;
- `stages` from the first to the last: folder, commands, commits of the code, seconds; `doubt`: why that may not be all;
- `commit` of the code that wrote the record; `dirty`, unless that and all `commits` of stages name committed code, and
  no stage is in doubt;
- `warnings` of the scoring.

Version 1 had no `smoke`, and no seconds of stages; the first of them neither `draws` nor `leaky`.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from mimidiar.commit import is_clean
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json, write_text
from mimidiar.report.schema import Misfit, Number, Text, check
from mimidiar.score.kinds import SCORE_KINDS, keeps

VERSION = 2
FILE_NAME = re.compile(r"[^.]+\.[^.]+\..+\.seed[0-9]+\.json")
DER_TOLERANCE = 0.01  # points; sums are kept to microseconds


_NAME = Text(r"[A-Za-z0-9][A-Za-z0-9_+-]*", "a name of letters, digits and - _ +")
_PROTOCOL = Text(r"[A-Za-z0-9][A-Za-z0-9_+.-]*", "a name of letters, digits and - _ + .")
_SHA256 = Text(r"[0-9a-f]{64}", "a sha256 in hexadecimal")
_COMMIT = Text(r"[0-9a-f]{40,64}(-dirty)?|unknown", "a commit, with -dirty where files differed from it, or unknown")
_TEXT, _REASON = Text(), Text(r"(?s).+", "a reason")
_NUMBER, _AMOUNT, _PERCENT = Number(), Number(low=0), Number(0, 100)
_LIMITED = {f"{name}?": _AMOUNT for name in ("der", "miss", "false_alarm", "confusion", "ancestor_der")}
_LIMITED |= {f"{name}?": _PERCENT for name in ("eer", "jer", "speaker_count_accuracy")}
_LINEAGE = {
    "score_sha256": _SHA256,
    "scored": {str: _SHA256},
    "models": [{"sha256": _SHA256, "configuration_sha256": (None, _SHA256)}],
    "configurations": {str: _SHA256},
    "tuned": [{"sha256": _SHA256, "tuned_on": _TEXT}],
    "features": [dict.fromkeys(("encoder", "tap", "weights", "weights_sha256"), _TEXT)],
    "speech": [_TEXT],
    "packages?": [{"package": _TEXT, "version": _TEXT}],  # of somebody else's system alone
}
_COST = dict.fromkeys(("audio_sec", "compute_sec", "real_time_factor"), _AMOUNT) | {"device": _TEXT}
_STAGE = {"folder": _TEXT, "directory": _TEXT, "commands": [_TEXT], "commits": [_COMMIT], "doubt": (None, _REASON)}


@dataclass(frozen=True)
class Record:
    """The contents of a record's file; see the top of this module. Each key has its pattern (report/schema.py)."""

    kind: Annotated[str, _NAME]
    system: Annotated[str, _NAME]
    set: Annotated[str, _NAME]
    protocol: Annotated[str, _PROTOCOL]
    seed: Annotated[int, Number(low=0, whole=True)]
    metrics: Annotated[dict[str, float], {str: _NUMBER} | _LIMITED]
    intervals: Annotated[dict[str, dict[str, float]], {str: {"low": _NUMBER, "high": _NUMBER, "level": Number(0, 1)}}]
    conditions: Annotated[dict[str, Any], {str: (None, bool, _TEXT, _NUMBER)}]
    recordings: Annotated[dict[str, dict[str, float]], {str: {"error_sec": _AMOUNT, "reference_sec": _AMOUNT}}]
    tuned_on: Annotated[list[str], [_TEXT]]
    trained_on: Annotated[list[str], [_TEXT]]
    lineage: Annotated[dict[str, Any], _LINEAGE]
    speed: Annotated[dict[str, dict[str, Any] | None], {str: (None, _COST)}]
    stages: Annotated[list[dict[str, Any]], [_STAGE | {"seconds?": (None, _AMOUNT)}]]
    environment: Annotated[dict[str, str | None], {str: (None, _TEXT)}]
    commit: Annotated[str, _COMMIT]
    dirty: Annotated[bool, bool]
    warnings: Annotated[list[str], [_TEXT]]
    draws: Annotated[dict[str, list[float | None]], {"eer?": [(None, _PERCENT)]}] = field(default_factory=dict)
    leaky: Annotated[list[str], [_REASON]] = field(default_factory=list)
    smoke: Annotated[list[str], [_REASON]] = field(default_factory=list)
    version: Annotated[int, Number(1, VERSION, whole=True)] = VERSION

    @property
    def file_name(self) -> str:
        return f"{self.system}.{self.set}.{self.protocol}.seed{self.seed}.json"

    @property
    def dataset(self) -> str:
        """The dataset of its recipe: mini, if the last stage was run in egs/mini/...; "" without a recipe."""
        top, _, rest = self.stages[-1]["directory"].partition("/") if self.stages else ("", "", "")
        return rest.partition("/")[0] if top == "egs" else ""

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of computing per second of audio, all steps together; None unless the cost of each is known."""
        if not self.speed or None in self.speed.values():
            return None
        return math.fsum(step["real_time_factor"] for step in self.speed.values())

    def seconds(self) -> dict[str, tuple[float, float]]:
        """Of each recording, the seconds of error and of reference speech."""
        return {name: (row["error_sec"], row["reference_sec"]) for name, row in self.recordings.items()}

    def commits(self) -> list[str]:
        """The code behind the figure, in the order in which it worked."""
        return list(dict.fromkeys([*(commit for stage in self.stages for commit in stage["commits"]), self.commit]))

    def unclean(self) -> list[str]:
        """The stage folders, or the record itself, with code that is, or may be, uncommitted."""
        return unclean_code(self.stages, self.commit)


def unclean_code(stages: Iterable[dict[str, Any]], commit: str) -> list[str]:
    """The uncommitted code behind a record with these `stages`, written by code of this `commit`."""
    found = [
        ": ".join(filter(None, (stage["folder"], stage["doubt"])))
        for stage in stages
        if stage["doubt"] or not all(map(is_clean, stage["commits"]))
    ]
    return found + ([] if is_clean(commit) else ["the record itself"])


_HINTS = get_type_hints(Record, include_extras=True)
_KEYS = sorted(_HINTS, key="version".__ne__)  # that comes first
_PATTERN = {name + "?" * (name in ("draws", "leaky", "smoke")): _HINTS[name].__metadata__[0] for name in _KEYS}


def check_record(values: Any) -> Record:
    """The record that `values` (parsed JSON) describe. Raises Misfit naming the key."""
    check(values, _PATTERN)
    record = Record(**values)
    check(record.kind, Text("|".join(SCORE_KINDS), " or ".join(SCORE_KINDS)), "kind")
    for name, interval in record.intervals.items():
        if interval["low"] > interval["high"]:
            raise Misfit(f"'intervals.{name}' goes from {interval['low']} down to {interval['high']}")
    if record.dirty != bool(record.unclean()):
        code = "; ".join(record.unclean()) or f"committed: {', '.join(record.commits())}"
        raise Misfit(f"'dirty' is {str(record.dirty).lower()}, but the code was {code}")
    kept = keeps(record.kind)
    for name in ("recordings", "draws"):
        if getattr(record, name) and kept != name:
            kinds = " or ".join(kind for kind in SCORE_KINDS if keeps(kind) == name)
            raise Misfit(f"'{name}' is for kind {kinds}, not {record.kind}")
    if kept == "recordings":
        _check_sums(record)
    return record


def _check_sums(record: Record) -> None:
    """Raise unless the DER agrees with the recordings' sums, which a figure changed by hand does not."""
    error, reference = (
        math.fsum(r[name] for r in record.recordings.values()) for name in ("error_sec", "reference_sec")
    )
    if reference <= 0:
        raise Misfit("'recordings' holds no reference speech")
    if "der" not in record.metrics:
        raise Misfit("'metrics.der' is missing")
    if abs(record.metrics["der"] - 100 * error / reference) > DER_TOLERANCE:
        raise Misfit(f"'metrics.der' is {record.metrics['der']}, but 'recordings' sum to {100 * error / reference:.4f}")


def read_record(path: str | Path) -> Record:
    """Read and check a record. Raises MimidiarError that names the file and the key."""
    try:
        record = check_record(read_json(path))
    except Misfit as error:
        raise MimidiarError(f"{path}: {error}; `mimidiar table record` writes records, nobody by hand") from None
    if Path(path).name != record.file_name:
        raise MimidiarError(f"{path}: by its contents this record is called {record.file_name}")
    return record


def write_record(folder: str | Path, record: Record) -> Path:
    """Write a record under its name into a folder; same record, same bytes. Raises MimidiarError for a misfit."""
    path = Path(folder) / record.file_name
    values = asdict(record)
    try:
        check_record(values)
    except Misfit as error:
        raise MimidiarError(f"{path}: {error}") from None
    write_text(path, _to_lines({name: values[name] for name in _KEYS}) + "\n")
    return path


def _to_lines(value: Any, depth: int = 0) -> str:
    """JSON with one line for each entry of the two outer levels; deeper levels stay on that line."""
    if depth >= 2 or not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    ends = "{}" if isinstance(value, dict) else "[]"
    names = (
        [f"{json.dumps(name, ensure_ascii=False)}: " for name in value]
        if isinstance(value, dict)
        else [""] * len(value)
    )
    items = value.values() if isinstance(value, dict) else value
    indent = "  " * (depth + 1)
    lines = [f"{indent}{name}{_to_lines(item, depth + 1)}" for name, item in zip(names, items, strict=True)]
    return f"{ends[0]}\n" + ",\n".join(lines) + f"\n{'  ' * depth}{ends[1]}"


def find_records(folders: Iterable[str | Path]) -> list[Path]:
    """The files below the folders that are named as records are, sorted by path.

    Raises MimidiarError for a folder that is not there.
    """
    found: set[Path] = set()
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise MimidiarError(f"{folder}: no such folder of records")
        found |= {path for path in folder.rglob("*.json") if FILE_NAME.fullmatch(path.name)}
    return sorted(found)
