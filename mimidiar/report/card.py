"""A model card: a hand-written text on use and limits, and all else from the record of the weights."""

import json
from collections.abc import Iterator
from typing import Any

from mimidiar.score.kinds import SCORE_KINDS

SHORT = 8  # digits of a hash


def write_card(record: dict[str, Any], text: str) -> str:
    """The card in Markdown: `text`, then figures, training data with licences, and how the weights were made."""
    parts = [f"# {record['name']}", text, *_figures(record), *_data(record), *_making(record)]
    return "\n\n".join(parts) + "\n"


def _figures(record: dict[str, Any]) -> Iterator[str]:
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


def _data(record: dict[str, Any]) -> Iterator[str]:
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


def _making(record: dict[str, Any]) -> Iterator[str]:
    yield "## How it was made"
    about = {key: value for key, value in record["header"].items() if isinstance(value, str | int | float | dict)}
    commits = dict.fromkeys(commit for stage in record["stages"] for commit in stage["commits"])
    lines = [
        f"sha256 {record['sha256']}",
        f"{record['bytes'] / 1e6:.1f} MB, {record['values']} values, {', '.join(record['types'])}",
        f"code: {', '.join(commits) or 'unknown'}" + (", not all of it in a commit" if record["dirty"] else ""),
        "made with " + ", ".join(f"{name} {version}" for name, version in record["environment"].items() if version),
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
