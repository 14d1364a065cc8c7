"""Corpora to manifests. A new corpus is one file with a `prepare_<corpus>` function and one line in CORPORA.

Functions of both tables take the settings of `--set KEY=VALUE` last; what a corpus knows is a dataclass in its file.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError


def _late(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that is imported when it is called: lhotse and torch take seconds, --help must not."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(f"mimidiar.corpora.{module}"), name)(*args, **options)

    return call


CORPORA: dict[str, Callable[..., list[Path]]] = {
    "ami": _late("ami", "prepare_ami"),
    "librispeech": _late("librispeech", "prepare_librispeech"),
    "mini": _late("mini", "prepare_mini"),
    "musan": _late("musan", "prepare_musan"),
    "rirs": _late("rirs", "prepare_rirs"),
    "texts": _late("texts", "prepare_texts"),
    "voxceleb1": _late("voxceleb", "prepare_voxceleb1"),
    "voxconverse": _late("voxconverse", "prepare_voxconverse"),
}
DOWNLOADS: dict[str, Callable[..., Path]] = {
    "ami": _late("ami", "download_ami"),
    "librispeech": _late("librispeech", "download_librispeech"),
    "mini_librispeech": _late("librispeech", "download_mini_librispeech"),
    "musan": _late("musan", "download_musan"),
    "rirs": _late("rirs", "download_rirs"),
    "voxceleb1": _late("voxceleb_download", "download_voxceleb1"),
    "voxconverse": _late("voxconverse", "download_voxconverse"),
}


def no_settings(corpus: str, settings: Sequence[str]) -> None:
    """Raise MimidiarError when a corpus that has no settings is given some."""
    if settings:
        raise MimidiarError(f"--set {settings[0]}: {corpus} has no settings; leave --set out")


def prepare_function(name: str) -> Callable[..., list[Path]]:
    """The `prepare` function of a corpus. Raises MimidiarError that lists the choices."""
    if name not in CORPORA:
        raise MimidiarError(f"unknown corpus {name!r}; choose one of: {', '.join(sorted(CORPORA))}")
    return CORPORA[name]
