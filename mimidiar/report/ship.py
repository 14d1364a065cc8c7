"""Weights into the package, with the record of how they were made and a model card that is generated from it.

`<name>.json`, written by `mimidiar model ship` alone: `sha256`, `bytes`, `values` and `types` of `<name>.safetensors`,
and its `header` (format, size, configuration, seed); `stages` on the way to it from the data, with every command and
commit, as in the record of a score (report/record.py), and the `command` that shipped it; hashes of `configurations`;
the `sets` behind it, by corpus, with licenses, those it was `trained_on` and what was `tuned`, what the `speech` is,
and the `features` of others' weights; `figures` of the records that name these weights, and `beside` them those of
others; `environment`; `dirty`, where code had a part in it that no commit names.

`<name>.md`, the card: a hand-written text on use and limits, and all else from the record.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimidiar.commit import code_commit, describe_environment
from mimidiar.errors import MimidiarError, listed
from mimidiar.files import atomic_path, make_folder, sha256_file, write_json, write_text
from mimidiar.report.lineage import Lineage, of_output
from mimidiar.report.make_record import stage_entries
from mimidiar.report.record import Record, find_records, read_record, unclean_code
from mimidiar.report.stage_state import as_line
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.shipped import CARD, RECORD, WEIGHTS
from mimidiar.weight_files import inspect_weight_file

MOST_BYTES = 12_000_000
SHORT = 8  # digits of a hash
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Shipment:
    """A file of weights, its name, a text on use and limits, folders of records that may be of
    these weights, and of others to stand beside them.
    """

    weights: Path
    name: str
    card: Path
    results: Sequence[Path] = ()
    beside: Sequence[Path] = ()


def ship(shipment: Shipment, folder: Path, command: Sequence[str], allow_dirty: bool = False) -> Path:
    """Put the weights, their record and their card into `folder`; returns where the weights are.

    MimidiarError for a file above MOST_BYTES or of others' making, for results none of which is of these weights, and,
    unless `allow_dirty`, for weights that code had a part in which is in no commit.
    """
    weights = shipment.weights
    about = inspect_weight_file(weights)
    if (size := weights.stat().st_size) > MOST_BYTES:
        raise MimidiarError(f"{weights}: {size} bytes, and at most {MOST_BYTES} are shipped; export it in 16 bits")
    if not NAME.fullmatch(shipment.name):
        raise MimidiarError(f"'{shipment.name}' cannot name weights; use small letters, digits and single dashes")
    text = _written_by_people(shipment.card)
    found, _ = of_output(weights, command)
    stages, commit = stage_entries(found), code_commit()
    odd = unclean_code(stages, commit) if stages else ["no stage of a recipe made it"]
    if odd and not allow_dirty:
        raise MimidiarError(
            f"{weights}: code that is in no commit had a part in it ({listed(odd, '; ')}); commit and make it again, "
            "or give --allow-dirty, which its record will contain"
        )
    record = {"name": shipment.name, "sha256": sha256_file(weights), "bytes": size, **about._asdict()}
    record |= {"stages": stages, "commit": commit, "dirty": bool(odd), "command": as_line(command)}
    record |= {**_material(found), "environment": describe_environment()}
    parts = about.header.get("sha256")  # of the files that this one was made from, by name
    identities = {record["sha256"], *(parts.values() if isinstance(parts, dict) else ())}
    record["figures"] = _figures(_of_these(shipment.results, identities))
    record["beside"] = _figures(map(read_record, find_records(shipment.beside)))
    if shipment.results and not record["figures"]:
        folders = listed([*map(str, shipment.results)])
        raise MimidiarError(f"{folders}: no record of {weights} in it; score this very file, or leave out --results")
    return _put(weights, record, text, folder)


def _put(weights: Path, record: dict[str, Any], text: str, folder: Path) -> Path:
    """The weights last: interrupted, they are not there, or their sha256 is not that of the record."""
    make_folder(folder)
    write_json(folder / f"{record['name']}{RECORD}", record)
    write_text(folder / f"{record['name']}{CARD}", write_card(record, text))
    out = folder / f"{record['name']}{WEIGHTS}"
    with atomic_path(out) as partial:
        partial.write_bytes(weights.read_bytes())
    return out


def _written_by_people(card: Path) -> str:
    try:
        text = card.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MimidiarError(f"{card}: cannot be read ({error}); name the text on use and limits") from None
    if not text:
        raise MimidiarError(f"{card}: is empty; write what these weights are for, and what they cannot do")
    return text


def _material(found: Lineage) -> dict[str, Any]:
    """Configurations, sets and others' weights behind the file."""
    sets = {"sets": found.sets, "trained_on": sorted({s["set"] for m in found.models for s in m["trained_on"]})}
    names = ("configurations", "tuned", "features", "speech", "leaky", "smoke")
    return sets | {name: getattr(found, name) for name in names}


def _of_these(results: Sequence[Path], identities: set[str]) -> Iterator[Record]:
    """The records in which one of these hashes stands as that of a model, or of what features or sound were made by."""
    for path in find_records(results):
        record = read_record(path)
        features, models = record.lineage["features"], record.lineage["models"]
        named = {*record.lineage["scored"].values(), *map(str, record.conditions.values())}
        named |= {each["weights_sha256"] for each in features} | {each["sha256"] for each in models}
        if identities & named:
            yield record


def _figures(records: Iterable[Record]) -> list[dict[str, Any]]:
    keys = ("kind", "system", "set", "protocol", "seed", "metrics", "intervals", "dirty")
    return [{key: getattr(record, key) for key in keys} for record in records]


def write_card(record: dict[str, Any], text: str) -> str:
    """The card in Markdown: `text`, then figures, training data with licences, and how the weights were made."""
    parts = [f"# {record['name']}", text, *_card_figures(record), *_card_data(record), *_card_making(record)]
    return "\n\n".join(parts) + "\n"


def _card_figures(record: dict[str, Any]) -> Iterator[str]:
    yield "## Figures"
    if not record["figures"]:
        yield "None were recorded when these weights were shipped."
    else:
        yield _table(["system", "set", "protocol", "seed", "figures [95 % interval]"], map(_row, record["figures"]))
    if record["beside"]:
        yield "Beside them, of other weights:"
        yield _table(["system", "set", "protocol", "seed", "figures [95 % interval]"], map(_row, record["beside"]))


def _row(figure: dict[str, Any]) -> list[str]:
    shown = []
    for name in SCORE_KINDS[figure["kind"]].shown:
        if name in figure["metrics"]:
            interval = figure["intervals"].get(name)
            ends = f" [{interval['low']:.2f}, {interval['high']:.2f}]" if interval else ""
            shown.append(f"{name} {figure['metrics'][name]:.2f}{ends}")
    draft = " (draft)" if figure["dirty"] else ""
    return [figure["system"] + draft, figure["set"], figure["protocol"], str(figure["seed"]), ", ".join(shown)]


def _card_data(record: dict[str, Any]) -> Iterator[str]:
    yield "## Training data"
    rows = [
        [each["set"], f"{each['hours']:.2f}", str(corpus["speakers"]), corpus["origin"], corpus["licence"]]
        for each in record["sets"]
        for corpus in each["corpora"]
    ]
    if not rows:
        yield "Not known: no stage of a recipe made these weights."
    else:
        yield _table(["set", "hours of the set", "speakers", "corpus", "licence"], rows)
    if record["features"]:
        others = (f"{f['encoder']} ({f['weights']}, {f['weights_sha256'][:SHORT]})" for f in record["features"])
        yield f"Others' weights that had a part in it: {'; '.join(others)}."


def _card_making(record: dict[str, Any]) -> Iterator[str]:
    yield "## How it was made"
    about = {key: value for key, value in record["header"].items() if isinstance(value, str | int | float | dict)}
    commits = dict.fromkeys(commit for stage in record["stages"] for commit in stage["commits"])
    versions = sorted(record["environment"].items())
    lines = [
        f"sha256 {record['sha256']}",
        f"{record['bytes'] / 1e6:.1f} MB, {record['values']} values, {', '.join(record['types'])}",
        f"code: {', '.join(commits) or 'unknown'}" + (", not all of it in a commit" if record["dirty"] else ""),
        "made with " + ", ".join(f"{name} {version}" for name, version in versions if version),
    ]
    yield "\n".join(f"- {line}" for line in lines)
    yield "Commands, from the data on, with the time that they took, on a machine that may have had other work:"
    commands = [line for stage in record["stages"] for line in _timed(stage)]
    yield "\n".join(["```", *commands, record["command"], "```"])
    yield "Header of the file:"
    yield "\n".join(["```", json.dumps(about, indent=1, sort_keys=True), "```"])


def _timed(stage: dict[str, Any]) -> list[str]:
    """The commands of a stage, with their duration after the last one, if known."""
    *before, last = stage["commands"]
    seconds = stage["seconds"]
    if seconds is None:
        return [*before, last]
    took = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    with_others = f", with the {len(before)} before it" if before else ""
    return [*before, f"{last}  # {took}{with_others}"]


def _table(head: list[str], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
