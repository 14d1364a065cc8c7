"""The corpus files, found without a list, and the origin and license of each corpus for model cards.

A corpus is a file in mimidiar/corpora, or in a folder of $MIMIDIAR_CORPORA. Files are read as text, since importing
them would take seconds.
"""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FOLDERS_VARIABLE = "MIMIDIAR_CORPORA"
MARKER = "ORIGINS"  # of a corpus' file: {name in manifests: (origin, license)}
UNKNOWN = ("not known to mimidiar", "see whoever gave the corpus")


def corpus_folders() -> list[Path]:
    """The package's folder of corpora, and those of $MIMIDIAR_CORPORA, separated by colons."""
    named = os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)
    return [Path(__file__).parents[1] / "corpora", *(Path(folder).absolute() for folder in named if folder)]


def corpus_files() -> Iterator[Path]:
    """The modules in these folders; the first one of each name."""
    files = {path.stem: path for folder in reversed(corpus_folders()) for path in folder.glob("*.py")}
    return (files[name] for name in sorted(files))


def corpus_of_speaker(speaker: str, folder: str) -> str:
    """'ls-1034' -> 'ls': folders that share speaker names are parts of one corpus. Without a prefix, the folder."""
    prefix, dash, _ = speaker.rpartition("-")
    return prefix.split("-")[0] if dash else folder


def describe_corpus(name: str) -> tuple[str, str]:
    """Origin and license, by the name that manifests call a corpus by: `corpus` of a supervision, or what stands
    before its speaker's dash."""
    origins: dict[str, tuple[str, str]] = {}
    for path in corpus_files():
        origins |= _origins(path)
    return origins.get(name, UNKNOWN)


@cache
def _origins(path: Path) -> dict[str, tuple[str, str]]:
    """The marker of a corpus' file; empty where it has none."""
    text = path.read_text(encoding="utf-8")
    if f"\n{MARKER} = " not in text:
        return {}
    assigned = (node for node in ast.parse(text).body if isinstance(node, ast.Assign))
    return next(ast.literal_eval(node.value) for node in assigned if ast.unparse(node.targets[0]) == MARKER)
