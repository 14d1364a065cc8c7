"""The arguments of every `prepare_<corpus>`, and the search for the corpus on this machine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError

# The environment of the study that this project follows: where corpora lie, and where the project lies (data/ in it).
ROOT_VARIABLE = "DIARIZATION_ROOT"
PROJECT_VARIABLE = "ENCODER_MODIFICATION_ROOT"

Options = TypeVar("Options")


@dataclass
class Preparation:
    """The arguments of `mimidiar data prepare CORPUS`.

    `root`: the folder of the corpus; None: search for it. `out`: folder of the sets. `limit`: for quick trials, the
    highest number of speakers of a set. `downloads`: folder of stage 0. `settings`: KEY=VALUE of the corpus' own.
    """

    root: str | Path | None
    out: str | Path
    seed: int = 0
    limit: int | None = None
    downloads: str | Path = "downloads"
    settings: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.root = None if self.root is None else Path(self.root)
        self.out, self.downloads = Path(self.out), Path(self.downloads)

    def options(self, kind: type[Options]) -> Options:
        """The corpus' own settings. Raises MimidiarError for a key or value that does not fit the dataclass `kind`."""
        return load_config(kind, None, self.settings)

    def find_root(self, name: str) -> Path:
        """The folder of the corpus `name`: `root`, else `downloads`/name, else $DIARIZATION_ROOT/name, else
        $ENCODER_MODIFICATION_ROOT/data/name.

        Raises MimidiarError naming the searched places.
        """
        if self.root is not None:
            if not self.root.is_dir():
                raise MimidiarError(f"{self.root}: no such folder; --corpus names the folder that holds {name}")
            return self.root
        places = [self.downloads / name]
        if os.environ.get(ROOT_VARIABLE):
            places.append(Path(os.environ[ROOT_VARIABLE]) / name)
        if os.environ.get(PROJECT_VARIABLE):
            places.append(Path(os.environ[PROJECT_VARIABLE]) / "data" / name)
        found = next((place for place in places if place.is_dir()), None)
        if found is None:
            looked = " nor ".join(str(place) for place in places)
            raise MimidiarError(f"{name}: neither --corpus nor {looked}; run stage 0, or name the folder with --corpus")
        return found


def no_settings(corpus: str, settings: Sequence[str]) -> None:
    """Raise MimidiarError when a corpus that has no settings is given some."""
    if settings:
        raise MimidiarError(f"--set {settings[0]}: {corpus} has no settings; leave --set out")
