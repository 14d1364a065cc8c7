"""From a score to its record: what score.json says, what the score was made from, and where."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from mimidiar.commit import UNKNOWN, code_commit
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import total_cost
from mimidiar.files import read_json, sha256_file
from mimidiar.report.environment import describe_environment
from mimidiar.report.lineage import (
    Stage,
    as_line,
    folders_to_run,
    place,
    stage_of,
    stage_of_score,
    stages_behind,
    walk_folders,
)
from mimidiar.report.record import KINDS, Record
from mimidiar.report.training_sets import MANIFEST, names_seen
from mimidiar.score.compare import read_seconds
from mimidiar.score.from_files import SCORE_FILE
from mimidiar.score.verify_files import read_draws

HOLDS = (
    "model.safetensors",
    "tuned.yaml",
    "corpus.json",
    "feats.scp",
    "posteriors.scp",
)  # marks of what can be told of
SYSTEM_FILE = "system.json"  # beside the folder of the score: what `mimidiar bench` tells of the system that it ran
INFERENCE = {"posteriors.scp": "inference", "local.scp": "inference of windows"}  # which are then linked


@dataclass(frozen=True)
class Place:
    """The place of a record in tables: which system was scored on which set; the seed of its training."""

    system: str
    set: str
    seed: int = 0


@dataclass
class Lineage:
    """What the folders behind a score hold, without doubles."""

    models: list[dict[str, Any]] = field(default_factory=list)
    tuned: list[dict[str, Any]] = field(default_factory=list)
    features: list[dict[str, Any]] = field(default_factory=list)
    speech: list[str] = field(default_factory=list)
    leaky: list[str] = field(default_factory=list)
    model_folders: list[Path] = field(default_factory=list)

    def look_into(self, folder: Path, is_named: bool) -> None:
        """Add what `folder` holds: a model, features, tuned post-processing, or the corpus' origin.

        Raises MimidiarError, naming the file, where it does not say what it must.
        """
        path = folder / "model.safetensors"
        # Others' weights that an encoder reads are in `features`, and no model of ours.
        if path.is_file() and (is_named or _configuration(folder) or stage_of(folder)):
            _add(self.models, {"sha256": sha256_file(path), "configuration_sha256": _configuration(folder)})
            self.model_folders.append(folder)
        if (path := folder / "tuned.yaml").is_file():
            _add(self.tuned, {"sha256": sha256_file(path), "tuned_on": _tuned_on(path)})
        if (folder / "feats.scp").is_file():
            _add(self.features, _texts(folder / "meta.json", "encoder", "tap", "weights", "weights_sha256"))
        if (path := folder / "corpus.json").is_file():
            _add(self.speech, _texts(path, "origin")["origin"])
            if "leaky" in read_json(path):
                _add(self.leaky, _texts(path, "leaky")["leaky"])


def make_record(
    score_dir: Path, protocol: str, cell: Place, command: Sequence[str] = (), made_with: Iterable[Path] = ()
) -> Record:
    """The record of the score in `score_dir`, as `command` writes it.

    All that the score was made from is found by the stages behind it; a score that no stage made is by unknown code.
    `made_with` names folders that hold more of it. Raises MimidiarError for a score.json that is missing or of another
    kind, and for a folder that holds nothing a score can be made with.
    """
    document = read_score(score_dir)
    own = stage_of_score(score_dir / SCORE_FILE, list(command))
    named = [Path(folder).resolve() for folder in made_with]
    last = list(filter(None, [*map(stage_of, named), own]))
    stages = stages_behind(last)
    lineage = _lineage(stages, named)
    if document["kind"] == "ancestor":  # chooses its threshold on the set that it is reported on
        lineage.tuned, tuned_on = [], [cell.set]
    else:
        tuned_on = sorted({entry["tuned_on"] for entry in lineage.tuned})
    if own is None:
        words = [list(command)] if command else []
        stages = [*stages, Stage(score_dir, Path.cwd(), words, [UNKNOWN], doubt="no stage made this score")]
    return _with_code(
        stages,
        kind=document["kind"],
        system=cell.system,
        set=cell.set,
        protocol=protocol,
        seed=cell.seed,
        **figures(score_dir, document),
        tuned_on=tuned_on,
        trained_on=names_seen(lineage.model_folders, _scored_set(own, cell.set)),
        lineage=_hashes(score_dir, document, lineage, stages),
        speed=_speed([*folders_to_run(last), *named]),
        environment=describe_environment(),
        warnings=[str(warning) for warning in document.get("warnings", [])],
        leaky=lineage.leaky,
    )


def figures(score_dir: Path, document: dict[str, Any]) -> dict[str, Any]:
    """What a record takes over of a score: `metrics`, `intervals`, `conditions`, `recordings`, `draws`."""
    try:
        return {
            "metrics": {name: value for name, value in document.items() if _is_number(value)},
            "intervals": {name: _interval(value) for name, value in (document.get("intervals") or {}).items() if value},
            "conditions": document["protocol"],
            "recordings": _recordings(score_dir) if document["kind"] == "diarization" else {},
            "draws": _draws(score_dir) if document["kind"] == "verification" else {},
        }
    except (AttributeError, KeyError, TypeError):
        raise MimidiarError(
            f"{score_dir / SCORE_FILE}: its intervals cannot be read; write it again with `mimidiar score -o`"
        ) from None


def _scored_set(own: Stage | None, name: str) -> Path | None:
    """The folder of the scored set among the inputs of the stage that scored it."""
    inputs = own.inputs if own else ()
    return next((path for path in inputs if path.name == name and (path / MANIFEST).is_file()), None)


def _lineage(stages: list[Stage], named: list[Path]) -> Lineage:
    """What lies in the folders of the stages and in those `named` by the user, which must hold something."""
    lineage = Lineage()
    for folder in dict.fromkeys([*walk_folders(stages), *named]):
        lineage.look_into(folder, folder in named)
    if unknown := [folder for folder in named if not _holds_something(folder)]:
        raise MimidiarError(f"{unknown[0]}: neither a model nor features, posteriors or tuned.yaml in this folder")
    return lineage


def _hashes(score_dir: Path, document: dict[str, Any], lineage: Lineage, stages: list[Stage]) -> dict[str, Any]:
    """The record's `lineage`."""
    system = _system(score_dir)
    return {
        "score_sha256": sha256_file(score_dir / SCORE_FILE),
        "scored": {name: value for name, value in document.items() if value and name.endswith("_sha256")},
        "models": [*lineage.models, *system["models"]],
        "configurations": configurations_of(stages),
        "tuned": lineage.tuned,
        "features": lineage.features,
        "speech": lineage.speech,
        **({"packages": system["packages"]} if system["packages"] else {}),
    }


def _system(score_dir: Path) -> dict[str, list]:
    """Models and packages of a system that was run as its users run it; none where nothing is told of it."""
    path = score_dir.resolve().parent / SYSTEM_FILE
    about = read_json(path) if path.is_file() else {"weights_sha256": [], "packages": []}
    models = [{"sha256": digest, "configuration_sha256": None} for digest in about["weights_sha256"]]
    return {"models": models, "packages": about["packages"]}


def _with_code(stages: list[Stage], **values: Any) -> Record:
    """The record with the code behind it: dirty unless every stage and this process surely ran committed code."""
    record = Record(stages=stage_entries(stages), commit=code_commit(), dirty=False, **values)
    return replace(record, dirty=bool(record.unclean()))


def stage_entries(stages: Iterable[Stage]) -> list[dict[str, Any]]:
    """A record's `stages`."""
    return [
        {
            "folder": place(stage.folder.resolve()),
            "directory": place(stage.directory),
            "commands": [as_line(command) for command in stage.commands],
            "commits": stage.commits,
            "doubt": stage.doubt,
        }
        for stage in stages
    ]


def read_score(score_dir: Path) -> dict[str, Any]:
    """The score.json of a folder. Raises MimidiarError when it is missing, of no known kind or without protocol."""
    path = score_dir / SCORE_FILE
    document = read_json(path)
    if not isinstance(document, dict) or document.get("kind") not in KINDS:
        raise MimidiarError(f"{path}: its kind is none of {', '.join(KINDS)}; write it again with `mimidiar score -o`")
    if not isinstance(document.get("protocol"), dict):
        raise MimidiarError(f"{path}: says nothing of its protocol; write it again with `mimidiar score -o`")
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


def _speed(folders: Iterable[Path]) -> dict[str, dict[str, Any] | None]:
    """What each step cost that made features or posteriors in these folders; None where that of one is not known."""
    steps: dict[str, list[Path]] = {}
    for folder in dict.fromkeys(folders):
        if (folder / "feats.scp").is_file():
            about = _texts(folder / "meta.json", "encoder", "tap")
            steps.setdefault(f"features {about['encoder']} {about['tap']}", []).append(folder)
        for file, step in INFERENCE.items():
            if (folder / file).is_file():
                steps.setdefault(step, []).append(folder)
    return {step: _cost(made) for step, made in steps.items()}


def _cost(folders: Sequence[Path]) -> dict[str, Any] | None:
    """What was spent on these together; None where the cost of one is not known."""
    costs = [total_cost([folder]) for folder in folders]
    if None in costs or (cost := total_cost(folders)) is None:
        return None
    return asdict(cost) | {"real_time_factor": round(cost.real_time_factor, 6)}


def _configuration(folder: Path) -> str | None:
    """The hash of the configuration that a model folder keeps."""
    return next(
        (sha256_file(folder / name) for name in ("config.yaml", "train.json") if (folder / name).is_file()), None
    )


def _tuned_on(path: Path) -> str:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("tuned_on"), str):
        raise MimidiarError(f"{path}: does not name the set that it was tuned on; write it again with `mimidiar tune`")
    return values["tuned_on"]


def _texts(path: Path, *names: str) -> dict[str, str]:
    """These entries of a JSON file, as text."""
    document = read_json(path)
    if missing := [name for name in names if not isinstance(document, dict) or name not in document]:
        raise MimidiarError(f"{path}: does not say '{missing[0]}'; remove the folder and run its stage again")
    return {name: str(document[name]) for name in names}


def configurations_of(stages: list[Stage]) -> dict[str, str]:
    """The YAML files among the inputs of the stages, with their hashes."""
    return {place(path): digest for stage in stages for path, digest in stage.inputs.items() if path.suffix == ".yaml"}


def _holds_something(folder: Path) -> bool:
    return any((folder / name).is_file() for name in HOLDS)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _add(items: list, item: Any) -> None:
    if item not in items:
        items.append(item)
