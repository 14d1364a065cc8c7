"""From a score to its record: the figures of score.json, their lineage, and the environment."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mimidiar.commit import UNKNOWN, code_commit
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import Cost, sum_costs
from mimidiar.files import read_json, sha256_file
from mimidiar.report.environment import describe_environment
from mimidiar.report.lineage import Lineage, lineage_of, of_output, shared_sets
from mimidiar.report.record import Record
from mimidiar.report.stage_state import as_line, place
from mimidiar.score.compare import read_seconds
from mimidiar.score.from_files import SCORE_FILE
from mimidiar.score.kinds import SCORE_KINDS, keeps
from mimidiar.score.verify_files import read_draws

SYSTEM_FILE = "system.json"  # beside the folder of the score: the system that `mimidiar study bench` ran


@dataclass(frozen=True)
class Place:
    """The place of a record in tables: system, scored set, and training seed."""

    system: str
    set: str
    seed: int = 0


def make_record(
    score_dir: Path, protocol: str, cell: Place, command: Sequence[str] = (), made_with: Iterable[Path] = ()
) -> Record:
    """The record of the score in `score_dir`, as `command` writes it.

    The lineage is that of the score's stage; the code of a score without a stage is unknown. `made_with`: further
    folders of the lineage. Raises MimidiarError for a score.json that is missing or of an unknown kind, and for a
    folder without anything that a score can depend on.
    """
    document = read_score(score_dir)
    found = _lineage(score_dir, command, made_with)
    itself = SCORE_KINDS[document["kind"]].tuned_on_itself
    record = Record(
        kind=document["kind"],
        system=cell.system,
        set=cell.set,
        protocol=protocol,
        seed=cell.seed,
        **figures(score_dir, document),
        tuned_on=[cell.set] if itself else sorted({entry["tuned_on"] for entry in found.tuned}),
        trained_on=_trained_on(found, cell.set),
        lineage=_hashes(score_dir, document, replace(found, tuned=[] if itself else found.tuned)),
        speed=_speed(found.costs),
        stages=stage_entries(found),
        environment=describe_environment(),
        commit=code_commit(),
        dirty=False,
        warnings=[str(warning) for warning in document.get("warnings", [])],
        leaky=found.leaky,
        smoke=found.smoke,
    )
    return replace(record, dirty=bool(record.unclean()))


def _lineage(score_dir: Path, command: Sequence[str], made_with: Iterable[Path]) -> Lineage:
    """The lineage of a score and of the folders given by the user, which must not be empty."""
    found, (own, state) = Lineage(), of_output(score_dir / SCORE_FILE, command)
    for folder in made_with:
        named = lineage_of(folder, is_named=True)
        if not (named.models or named.features or named.tuned or named.costs or named.speech):
            raise MimidiarError(f"{folder}: neither a model nor features, posteriors or tuned.yaml in this folder")
        found.add(named)
    found.add(own)
    if state is None:
        words = [as_line(command)] if command else []
        stage = {"folder": place(score_dir.resolve()), "directory": place(Path.cwd()), "commands": words}
        found.stages.append(stage | {"commits": [UNKNOWN], "doubt": "no stage made this score", "seconds": None})
    elif made_with:
        found.seen = list(dict.fromkeys([*found.seen, *shared_sets(found.models, state.reads)[0]]))
    return found


def _trained_on(found: Lineage, scored: str) -> list[str]:
    """The training sets of the models, `unknown` for a model without a training stage; with the scored set if it shares
    recordings with these under another name.
    """
    names = {each["set"] for model in found.models for each in model["trained_on"] or [{"set": UNKNOWN}]}
    return sorted(names | ({scored} & set(found.seen)))


def figures(score_dir: Path, document: dict[str, Any]) -> dict[str, Any]:
    """The parts of a score that a record keeps: `metrics`, `intervals`, `conditions`, `recordings`, `draws`."""
    kept = keeps(document["kind"])
    try:
        return {
            "metrics": {name: value for name, value in document.items() if _is_number(value)},
            "intervals": {name: _interval(value) for name, value in (document.get("intervals") or {}).items() if value},
            "conditions": document["protocol"],
            "recordings": _recordings(score_dir) if kept == "recordings" else {},
            "draws": _draws(score_dir) if kept == "draws" else {},
        }
    except (AttributeError, KeyError, TypeError):
        raise MimidiarError(
            f"{score_dir / SCORE_FILE}: its intervals cannot be read; write it again with `mimidiar score -o`"
        ) from None


def _hashes(score_dir: Path, document: dict[str, Any], found: Lineage) -> dict[str, Any]:
    """The record's `lineage`; with models and packages of a system that was run as its users run it."""
    path = score_dir.resolve().parent / SYSTEM_FILE
    about = read_json(path) if path.is_file() else {"weights_sha256": [], "packages": []}
    models = [{name: model[name] for name in ("sha256", "configuration_sha256")} for model in found.models]
    models += [{"sha256": digest, "configuration_sha256": None} for digest in about["weights_sha256"]]
    return {
        "score_sha256": sha256_file(score_dir / SCORE_FILE),
        "scored": {name: value for name, value in document.items() if value and name.endswith("_sha256")},
        "models": models,
        "configurations": found.configurations,
        "tuned": found.tuned,
        "features": found.features,
        "speech": found.speech,
        **({"packages": about["packages"]} if about["packages"] else {}),
    }


def stage_entries(found: Lineage) -> list[dict[str, Any]]:
    """A record's `stages`."""
    return [{name: value for name, value in stage.items() if name != "made"} for stage in found.stages]


def read_score(score_dir: Path) -> dict[str, Any]:
    """The score.json of a folder. Raises MimidiarError when it is missing, of no known kind or without protocol."""
    path = score_dir / SCORE_FILE
    document = read_json(path)
    if not isinstance(document, dict) or document.get("kind") not in SCORE_KINDS:
        known = ", ".join(SCORE_KINDS)
        raise MimidiarError(f"{path}: its kind is none of {known}; write it again with `mimidiar score -o`")
    if not isinstance(document.get("protocol"), dict):
        raise MimidiarError(f"{path}: has no protocol; write it again with `mimidiar score -o`")
    return document


def _recordings(score_dir: Path) -> dict[str, dict[str, float]]:
    """Seconds of error and of reference speech of each recording."""
    seconds = read_seconds(score_dir)
    return {name: {"error_sec": round(error, 6), "reference_sec": total} for name, (error, total) in seconds.items()}


def _draws(score_dir: Path) -> dict[str, list[float | None]]:
    """The EER in each draw, where the score has kept them."""
    draws = read_draws(score_dir)
    return {"eer": draws} if draws else {}


def _interval(values: dict[str, Any]) -> dict[str, float]:
    return {name: values[name] for name in ("low", "high", "level")}


def _speed(costs: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """The computing time of each step over all its folders; None if that of one is unknown."""
    steps: dict[str, list[Cost | None]] = {}
    for each in costs:
        steps.setdefault(each["step"], []).append(None if each["cost"] is None else Cost(**each["cost"]))
    return {step: None if None in made else _sum(made) for step, made in steps.items()}


def _sum(costs: Sequence[Cost]) -> dict[str, Any]:
    cost = sum_costs(costs)
    return asdict(cost) | {"real_time_factor": round(cost.real_time_factor, 6)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
