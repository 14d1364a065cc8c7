"""Training curves of one run or several, from the `log.jsonl` of their model folders."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError
from mimidiar.figures.documents import finite
from mimidiar.figures.style import INK, new_figure, run_colors, set_title, shown_labels, styled

Epochs = Sequence[Mapping[str, Any]]

_NOT_DRAWN = {"epoch", "step", "best_epoch"}
_PANEL_NAMES = {"loss": "loss", "der": "frame DER (%)", "learning_rate": "learning rate"}


def read_training_log(path: str | Path) -> list[dict[str, Any]]:
    """The lines of log.jsonl, each a dict with `epoch`. Raises MimidiarError naming file and line."""
    path = Path(path)
    if path.is_dir():
        path = path / "log.jsonl"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise MimidiarError(f"{path}: cannot be read ({error.strerror})") from None
    epochs = []
    for number, line in enumerate(lines, start=1):
        try:
            epochs.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise MimidiarError(f"{path}, line {number}: not JSON ({error})") from None
        if not isinstance(epochs[-1], dict) or finite(epochs[-1].get("epoch")) is None:
            raise MimidiarError(f"{path}, line {number}: no object with an `epoch` number; this is no training log")
    if not epochs:
        raise MimidiarError(f"{path}: no epoch in this log yet")
    return epochs


def run_names(logs: Sequence[str | Path]) -> list[str]:
    """Short names that distinguish the model folders of several logs; for one log, the last two folders of its path.

    Raises MimidiarError for the same log twice.
    """
    paths = [Path(log).absolute() for log in logs]
    folders = [path.parent if path.suffix == ".jsonl" else path for path in paths]
    folders = [folder.parent if folder.name == "model" else folder for folder in folders]
    if doubled := {folder for folder in folders if folders.count(folder) > 1}:
        raise MimidiarError(f"{doubled.pop()}: two logs of this folder; give each once")
    shared = Path(os.path.commonpath(folders)) if len(folders) > 1 else folders[0].parent.parent
    return [str(folder.relative_to(shared)) if folder != shared else folder.name for folder in folders]


@styled
def draw_training(runs: Mapping[str, Epochs], title: str = ""):
    """A Figure with a panel for each quantity (train and validation share one) and a color for each run.

    Raises MimidiarError where the logs hold nothing to draw.
    """
    panels = _panels(runs)
    if not panels:
        raise MimidiarError(f"the training logs of {', '.join(runs)} hold no numbers besides the epoch")
    figure = new_figure(0.9 + 1.9 * len(panels) + 0.22 * math.ceil(len(runs) / 3), width=7.5)
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    colors = run_colors(len(runs))
    for axes, (quantity, keys) in zip(all_axes, panels.items(), strict=True):
        for epochs, color in zip(runs.values(), colors, strict=True):
            for key in keys:
                _draw_curve(axes, epochs, key, color)
        _set_axes(axes, quantity)
    last = max(finite(entry["epoch"]) for epochs in runs.values() for entry in epochs)
    all_axes[-1].set_xlim(-0.02 * last - 0.3, 1.02 * last + 0.3)
    all_axes[-1].set_xlabel("epoch (from 0)")
    figure.align_ylabels()
    _add_legend(figure, dict(zip(runs, colors, strict=True)))
    set_title(figure, title)
    return figure


def _panels(runs: Mapping[str, Epochs]) -> dict[str, list[str]]:
    """Quantity -> its keys in the logs: train_x and val_x are both x; the learning rate comes last."""
    keys = {
        k for epochs in runs.values() for e in epochs for k, value in e.items() if finite(value) is not None
    } - _NOT_DRAWN
    panels: dict[str, list[str]] = {}
    for key in sorted(keys):
        panels.setdefault(key.removeprefix("train_").removeprefix("val_"), []).append(key)
    order = {"loss": 0, "der": 1, "learning_rate": 3}
    return dict(sorted(panels.items(), key=lambda item: (order.get(item[0], 2), item[0])))


def _draw_curve(axes, epochs: Epochs, key: str, color: str) -> None:
    """One line; a value that is missing or no number leaves a gap."""
    found = [finite(entry.get(key)) for entry in epochs]
    values = [math.nan if value is None else value for value in found]
    is_training = key.startswith("train_")
    line = "--" if is_training else "-"
    marker = "." if len(epochs) < 30 else ""
    x = [finite(entry["epoch"]) for entry in epochs]
    axes.plot(x, values, linestyle=line, color=color, linewidth=1.2 if is_training else 1.6, marker=marker, gid=key)
    best = epochs[-1].get("best_epoch")
    if key.startswith("val_") and best in x and math.isfinite(values[x.index(best)]):
        axes.plot(best, values[x.index(best)], "o", color=color, markersize=6, markeredgecolor=INK, gid=f"best {key}")


def _set_axes(axes, quantity: str) -> None:
    axes.set_ylabel(_PANEL_NAMES.get(quantity, quantity.replace("_", " ")))
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.yaxis.get_major_locator().set_params(nbins=5)
    axes.grid(True, axis="y")


def _add_legend(figure, colors: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=INK, label="validation"),
        Line2D([], [], color=INK, linestyle="--", label="training"),
        Line2D([], [], color=INK, marker="o", linestyle="", label="best epoch"),
    ]
    named = zip(shown_labels(list(colors)), colors.values(), strict=True)
    handles += [Line2D([], [], color=color, linewidth=3, label=name) for name, color in named]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
