"""Corpora to manifests. A new corpus is one file, here or in a folder of $MIMIDIAR_CORPORA, with a function
`prepare_<corpus>(work: Preparation)`, and `download_<corpus>` where stage 0 can fetch it.

Functions are found in the text of the files and imported on use, since lhotse and torch take seconds to import. The
settings of `--set KEY=VALUE` are a dataclass in the corpus' file; its origin and license are in ORIGINS there.
"""

import importlib
import re
from collections.abc import Callable
from typing import Any

from mimidiar.data.origins import corpus_files, corpus_folders
from mimidiar.errors import MimidiarError, meant

__path__[:] = map(str, corpus_folders())


def corpora(kind: str = "prepare") -> dict[str, str]:
    """Corpus -> the module with its function `kind`_<corpus>; `kind` is prepare or download."""
    pattern = re.compile(rf"^def {kind}_(\w+)\(", re.MULTILINE)
    return {name: path.stem for path in corpus_files() for name in pattern.findall(path.read_text(encoding="utf-8"))}


def corpus_function(kind: str, name: str) -> Callable[..., Any]:
    """The function that prepares or downloads a corpus. Raises MimidiarError with the nearest name, or all of them."""
    known = corpora(kind)
    if name not in known:
        raise MimidiarError(f"unknown corpus {name!r}; choose one of: {', '.join(known)}{meant(name, known)}")
    return getattr(importlib.import_module(f"mimidiar.corpora.{known[name]}"), f"{kind}_{name}")
