"""Corpora to manifests. A new corpus is one file with a `prepare_<corpus>` function and one line in CORPORA.

Functions of both tables take the settings of `--set KEY=VALUE` last; what a corpus knows is a dataclass in its file.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError


def _prepare_mini(*args: Any, **options: Any) -> list[Path]:
    from mimidiar.corpora.mini import prepare_mini  # when it is called: lhotse and torch take seconds, --help must not

    return prepare_mini(*args, **options)


def _download_mini_librispeech(downloads: str, say: Callable[[str], None], settings: Sequence[str] = ()) -> None:
    from mimidiar.corpora.librispeech import download_mini_librispeech

    no_settings("mini_librispeech", settings)
    download_mini_librispeech(downloads, say)


CORPORA: dict[str, Callable[..., list[Path]]] = {
    "mini": _prepare_mini,
}
DOWNLOADS: dict[str, Callable[..., Any]] = {
    "mini_librispeech": _download_mini_librispeech,
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
