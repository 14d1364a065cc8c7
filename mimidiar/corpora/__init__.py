"""Corpora to manifests. A new corpus is one file with a `prepare_<corpus>` function and one line in CORPORA."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError


def _prepare_mini(*args: Any, **options: Any) -> list[Path]:
    from mimidiar.corpora.mini import prepare_mini  # when it is called: lhotse and torch take seconds, --help must not

    return prepare_mini(*args, **options)


CORPORA: dict[str, Callable[..., list[Path]]] = {"mini": _prepare_mini}


def prepare_function(name: str) -> Callable[..., list[Path]]:
    """The `prepare` function of a corpus. Raises MimidiarError that lists the choices."""
    if name not in CORPORA:
        raise MimidiarError(f"unknown corpus {name!r}; choose one of: {', '.join(sorted(CORPORA))}")
    return CORPORA[name]
