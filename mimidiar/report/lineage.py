"""The lineage of a stage's files and folders: written by each stage into its `.stage.json`, for later stages.

When a stage begins, utils/stage.py merges the lineages of its inputs; when it ends, its outputs are described beside
them. A later stage, a record or a model card reads this file alone. No lineage is guessed from times of files, names of
folders or texts of commands.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mimidiar import shipped
from mimidiar.data.jsonl import RECORDINGS, SUPERVISIONS
from mimidiar.data.recordings import recording_ids
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import total_cost
from mimidiar.files import read_json, sha256_file
from mimidiar.report.folder_contents import configuration_sha256, describe_set, ids_hash, texts, tuned_on
from mimidiar.report.stage_state import STATE, VERSION, State, owner_of, place

MODEL, TUNED = "model.safetensors", "tuned.yaml"
MADE_ONCE = {MODEL, TUNED, "codebooks.safetensors"}  # and not for each recording anew
HASHED = re.compile(r".*\.safetensors|tuned\.yaml|score\.json")
COSTS = {"posteriors.scp": "inference", "local.scp": "inference of windows"}  # which are then clustered
DEEPEST = 3  # folders below that of a stage
SYNTHETIC = "synthetic"  # how the origin of speech begins that nobody spoke
# In a command: not the whole experiment. Not every corpus.json says what skip_missing left out, so that a run with
# it may have seen half a corpus.
SMALL = re.compile(r"--limit-speakers[ =](?!0( |$))|\S*smoke\S*\.yaml|(any_trials|skip_missing)=(?i:true|yes|on)")


@dataclass
class Lineage:
    """All that a file or folder depends on, earlier things first, without duplicates; all of it JSON.

    `stages`: as `State.entry` gives them. `configurations`: YAML files with their hashes. `models`: sha256,
    configuration_sha256 and the sets `trained_on` (set, path, recordings_sha256; none: not known). `tuned`: sha256 and
    tuned_on. `features`: encoder, tap, weights, weights_sha256. `speech`: origins of corpora. `leaky`: reasons why a
    figure is for comparison only. `smoke`: why it shows that the code runs, and nothing more. `sets`: set, hours and
    corpora. `costs`: step, folder and cost (None: not known) of the way from the audio, as a new recording takes it:
    without what a model, tuned post-processing or codebooks were made from. `seen`: names of the sets that this stage
    reads and that share recordings with a set that a model was trained on.
    """

    stages: list[dict[str, Any]] = field(default_factory=list)
    configurations: dict[str, str] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)
    tuned: list[dict[str, str]] = field(default_factory=list)
    features: list[dict[str, str]] = field(default_factory=list)
    speech: list[str] = field(default_factory=list)
    leaky: list[str] = field(default_factory=list)
    smoke: list[str] = field(default_factory=list)
    sets: list[dict[str, Any]] = field(default_factory=list)
    costs: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def add(self, other: "Lineage") -> None:
        """Take over all that `other` has and this has not."""
        for path, digest in other.configurations.items():
            name = path if self.configurations.get(path, digest) == digest else f"{path} ({digest[:8]})"
            self.configurations[name] = digest
        for name in (each.name for each in fields(self) if each.name != "configurations"):
            own = getattr(self, name)
            own += [item for item in getattr(other, name) if item not in own]

    def to_json(self) -> dict[str, Any]:
        """The fields that hold anything."""
        return {name: value for name, value in asdict(self).items() if value}


def behind(paths: Iterable[Path], out: Path) -> tuple[Lineage, list[dict[str, str]], str | None]:
    """For a stage from the inputs `paths` to `out`: its lineage, the sets that it reads, and a doubt, if any.

    Raises MimidiarError, naming the file, for an input with a missing entry.
    """
    found, reads = Lineage(), []
    for path in paths:
        of_it = lineage_of(path, out)
        if path.is_file() and path.suffix == ".yaml":
            of_it.configurations[place(Path(os.path.abspath(path)))] = sha256_file(path)
        if (path / RECORDINGS).is_file():
            reads.append({"set": path.resolve().name, "path": str(path.resolve()), "recordings_sha256": ids_hash(path)})
        found.add(of_it)
    makings = Counter(stage["made"][0] for stage in found.stages if "made" in stage)
    doubts = [f"made from {number} makings of {place(folder)}" for folder, number in makings.items() if number > 1]
    found.seen, gone = shared_sets(found.models, reads)
    return found, reads, "; ".join(doubts + gone) or None


def lineage_of(path: Path, out: Path | None = None, is_named: bool = False) -> Lineage:
    """The lineage of a file or folder: from the stage that made it, unless that is the one of `out`; from the record of
    shipped weights; else from the folder's contents (`is_named`: weights in it are a model).
    """
    owner = _maker(path)
    if owner is None or (out is not None and owner[0] == out.resolve()):
        if path.is_file():
            return _shipped(path)
        return hold(path, is_named or configuration_sha256(path) is not None) if path.is_dir() else Lineage()
    folder, state = owner
    inside = path.resolve().relative_to(folder)
    # What a download brings is not made by our code.
    found = Lineage() if "download" in state.command[:3] else of_stage(folder, state)
    for relative, made in state.made.items():
        held = Lineage(**made["holds"])
        if not inside.is_relative_to(relative):
            held.sets = []  # only those that were named
        if inside.is_relative_to(relative) or Path(relative).is_relative_to(inside):
            found.add(held)
    if any(MADE_ONCE & made["files"].keys() for made in state.made.values()):
        found.costs = []
    found.seen = []
    return found


def _maker(path: Path) -> tuple[Path, State] | None:
    """`owner_of`. Raises MimidiarError for a stage without a lineage."""
    owner = owner_of(path)
    if owner is not None and owner[1].version != VERSION:
        raise MimidiarError(f"{path}: made before {STATE} kept a lineage; run its stage again with --force")
    return owner


def of_stage(folder: Path, state: State) -> Lineage:
    """What is behind a stage, and the stage itself."""
    found = Lineage()
    found.add(Lineage(**state.behind))
    found.stages.append(state.entry(folder))
    if small := SMALL.search(" ".join(state.command)):
        found.smoke.append(f"a small run ({small[0].strip()})")
    return found


def of_output(file: Path, command: Sequence[str]) -> tuple[Lineage, State | None]:
    """The lineage of a file in the folder of a stage, with all outputs of the stage; and the stage's state.

    A stage that runs `command` itself is unfinished. The lineage is in doubt if the stage has not finished, or if the
    file has changed since.
    """
    owner = _maker(file.parent)
    if owner is None:
        return Lineage(), None
    folder, state = owner
    left = state.made.get(str(file.parent.resolve().relative_to(folder)), {"files": {}})["files"]
    if list(command) in state.commands():
        state.made = describe(folder, state)
    elif state.finished is None:
        state.doubt = "it has not finished"
    elif left.get(file.name) != sha256_file(file):
        state.doubt = f"{file.name} was written after it had finished"
    found = of_stage(folder, state)
    for made in state.made.values():
        found.add(Lineage(**made["holds"]))
    return found, state


def describe(folder: Path, state: State) -> dict[str, dict[str, Any]]:
    """By relative path, the outputs of a stage in its folder and below: {"holds", "files"}.

    A model is trained on the sets that the stage reads; where it reads none, on those of the models that it was made
    of. Folders of other stages are left out.
    """
    made, of_models = {}, Lineage(**state.behind).models
    trained_on = state.reads or list({each["set"]: each for own in of_models for each in own["trained_on"]}.values())
    for each in _own_folders(folder, folder):
        files = {path.name: sha256_file(path) for path in sorted(each.iterdir()) if HASHED.fullmatch(path.name)}
        holds = hold(each, True, trained_on).to_json()
        if files or holds:
            made[str(each.relative_to(folder))] = {"holds": holds, "files": files}
    return made


def _own_folders(top: Path, folder: Path) -> Iterator[Path]:
    yield folder
    if len(folder.relative_to(top).parts) < DEEPEST:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink() and not (path / STATE).is_file():
                yield from _own_folders(top, path)


def hold(folder: Path, has_model: bool, trained_on: Sequence[dict[str, str]] = ()) -> Lineage:
    """The contents of this folder itself: a model trained on these sets (not the weights of an encoder), features,
    posteriors, tuned post-processing, a set, the origin of a corpus.

    Raises MimidiarError, naming the file, where an entry is missing.
    """
    found = Lineage()
    if has_model and (path := folder / MODEL).is_file():
        found.models = [_model(sha256_file(path), configuration_sha256(folder), trained_on)]
    if (path := folder / TUNED).is_file():
        found.tuned = [{"sha256": sha256_file(path), "tuned_on": tuned_on(path)}]
    if (folder / "feats.scp").is_file():
        about = texts(folder / "meta.json", "encoder", "tap", "weights", "weights_sha256")
        found.features = [about]
        found.costs.append(_cost(folder, f"features {about['encoder']} {about['tap']}"))
    found.costs += [_cost(folder, step) for file, step in COSTS.items() if (folder / file).is_file()]
    if (path := folder / "corpus.json").is_file():
        origin = texts(path, "origin")["origin"]
        found.speech, found.smoke = [origin], ["synthetic voices"] if origin.startswith(SYNTHETIC) else []
        found.leaky = [str(read_json(path)["leaky"])] if "leaky" in read_json(path) else []
    if (folder / RECORDINGS).is_file() and (folder / SUPERVISIONS).is_file():
        found.sets = [describe_set(folder)]
    return found


def _model(sha256: str, configuration: str | None, trained_on: Iterable[dict[str, str]]) -> dict[str, Any]:
    return {"sha256": sha256, "configuration_sha256": configuration, "trained_on": list(trained_on)}


def _shipped(path: Path) -> Lineage:
    """The lineage in the record of shipped weights; an empty one for any other file.

    Raises MimidiarError for other bytes than those of the record.
    """
    path = path.resolve()
    if path.parent != shipped.ASSETS.resolve() or path.suffix != shipped.WEIGHTS:
        return Lineage()
    shipped.shipped_file(path.stem)
    record = read_json(path.with_suffix(shipped.RECORD))
    found = Lineage(**{each.name: record[each.name] for each in fields(Lineage) if each.name in record})
    if record["dirty"] and not any(stage["doubt"] for stage in found.stages):
        found.stages = [stage | {"doubt": f"{path.name} was shipped dirty"} for stage in found.stages]
    sets = [{"set": Path(each["set"]).name} for each in found.sets]
    names = [{"set": name} for name in record["trained_on"]] if "trained_on" in record else sets
    parts = record["header"].get("sha256")
    if isinstance(parts, dict):  # a diarizer, put together from a model, perhaps a probe, and what was tuned
        found.models = [_model(parts[name], None, names) for name in ("model", "probe") if name in parts]
        chosen_on = {} if found.tuned else record["header"].get("tuned_on", {})
        found.tuned += [{"sha256": parts[name], "tuned_on": chosen_on[name]} for name in chosen_on]
    return found


def shared_sets(models: Iterable[dict[str, Any]], reads: Sequence[dict[str, str]]) -> tuple[list[str], list[str]]:
    """Names of the sets in `reads` that share recordings with a training set of a model; and doubts, if that training
    set has changed since.
    """
    trained = [each for model in models for each in model["trained_on"] if "path" in each]
    shared, doubts = {}, {}
    for each, own in ((each, own) for each in trained for own in reads if each["set"] != own["set"]):
        path = Path(each["path"])
        if each["recordings_sha256"] == own["recordings_sha256"]:
            shared[own["set"]] = None
        elif not (path / RECORDINGS).is_file() or ids_hash(path) != each["recordings_sha256"]:
            doubts[f"the set {place(path)}, which a model was trained on, is gone or changed"] = None
        elif not recording_ids(path).isdisjoint(recording_ids(Path(own["path"]))):
            shared[own["set"]] = None
    return list(shared), list(doubts)


def _cost(folder: Path, step: str) -> dict[str, Any]:
    cost = total_cost([folder])
    return {"step": step, "folder": str(folder.resolve()), "cost": None if cost is None else asdict(cost)}
