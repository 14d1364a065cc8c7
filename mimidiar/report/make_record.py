"""From a score to its record: the figures of score.json, their lineage, and the environment; and from an experiment's
folder to the versioned results: clean records alone, of real speech, of scores that are still the same and were made
under today's conventions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mimidiar.commit import UNKNOWN, code_commit, describe_environment
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import Cost, sum_costs
from mimidiar.files import read_json, sha256_file, write_text
from mimidiar.report.lineage import Lineage, lineage_of, of_output, shared_sets
from mimidiar.report.record import VERSION, Record, find_records, read_record
from mimidiar.report.stage_state import as_line, place
from mimidiar.score.from_files import SCORE_FILE, read_seconds
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
            "metrics": {name: value for name, value in document.items() if type(value) in (int, float)},
            "intervals": {
                name: {end: interval[end] for end in ("low", "high", "level")}
                for name, interval in (document.get("intervals") or {}).items()
                if interval
            },
            "conditions": document["protocol"],
            "recordings": _recordings(score_dir) if kept == "recordings" else {},
            "draws": {"eer": draws} if kept == "draws" and (draws := read_draws(score_dir)) else {},
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


def _speed(costs: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """The computing time of each step over all its folders; None if that of one is unknown."""
    steps: dict[str, list[Cost | None]] = {}
    for each in costs:
        steps.setdefault(each["step"], []).append(None if each["cost"] is None else Cost(**each["cost"]))
    sums = {step: None if None in made else sum_costs(made) for step, made in steps.items()}
    return {
        step: cost and asdict(cost) | {"real_time_factor": round(cost.real_time_factor, 6)}
        for step, cost in sums.items()
    }


def publish(folders: Iterable[Path], results: Path) -> list[Path]:
    """Copy the records below `folders` into `results`; returns the new files.

    All or none: raises MimidiarError, before anything is written, without any record, for a record that must not be
    published, for two records of the same name, and for older seeds of the same cell in `results`, which tables would
    average with the new ones.
    """
    sources: dict[str, tuple[Path, Record]] = {}
    for path in find_records(folders):
        record = read_record(path)
        for objection in _objections(path, record):
            raise MimidiarError(f"{path}: {objection}")
        if path.name in sources:
            raise MimidiarError(f"{path} and {sources[path.name][0]}: two records of one figure; remove one")
        sources[path.name] = path, record
    if not sources:
        raise MimidiarError(
            f"no record below {', '.join(map(str, folders))}; `mimidiar table record` writes them (stage 5)"
        )
    _require_all_seeds({name: record for name, (_, record) in sources.items()}, results)
    for name, (path, _) in sources.items():
        write_text(results / name, path.read_text(encoding="utf-8"))
    return [results / name for name in sources]


def _objections(path: Path, record: Record) -> Iterator[str]:
    """Why a record must not be published: uncommitted code; synthetic speech or a small run, whose figures are a smoke
    test; a score that has changed since, or follows other conventions.
    """
    score, again = path.parent / SCORE_FILE, "run the scoring stage again with --force"
    if record.dirty:
        code = ", ".join(record.unclean())
        yield f"made by code that is in no commit ({code}); commit, and run from there on again with --force"
    if record.version != VERSION:
        yield "written by an older mimidiar; run its experiment again"
    if not record.lineage["speech"]:
        yield "of speech without a corpus.json; only results on real speech are published (--corpus)"
    if record.smoke:
        yield f"no result, but {', '.join(record.smoke)}; run it whole, on real speech (--corpus)"
    if not score.is_file():
        yield f"its {SCORE_FILE} is gone; {again}"
    if sha256_file(score) != record.lineage["score_sha256"]:
        yield f"{score} changed since it was written; {again}"
    for name, value in figures(path.parent, read_score(path.parent)).items():
        if getattr(record, name) != value:
            yield f"its {name} are not those of {score}; {again}"
    found, now = record.conditions.get("conventions"), SCORE_KINDS[record.kind].conventions
    if found != now:
        yield f"scored under version {found} of the conventions of scoring, and this code has version {now}; {again}"


def _require_all_seeds(new: dict[str, Record], results: Path) -> None:
    cells = tuple(f"{record.system}.{record.set}.{record.protocol}.seed" for record in new.values())
    kept = find_records([results]) if results.is_dir() else []
    # Older records may be of an older schema: their names are enough.
    stale = [p for p in kept if p.name not in new and p.name.startswith(cells)]
    if stale:
        raise MimidiarError(
            f"{', '.join(map(str, stale))}: older seeds of what is published now, which tables would average with the "
            "new ones; run these seeds too, or remove the files"
        )
