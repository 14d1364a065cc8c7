"""Where a corpus lies on this machine."""

import os
from pathlib import Path

from mimidiar.errors import MimidiarError

# The environment of the study that this project follows: where corpora lie, and where the project lies (data/ in it).
ROOT_VARIABLE = "DIARIZATION_ROOT"
PROJECT_VARIABLE = "ENCODER_MODIFICATION_ROOT"


def find_root(root: str | Path | None, downloads: str | Path, name: str) -> Path:
    """The folder of the corpus `name`: `root`, else `downloads`/name, else $DIARIZATION_ROOT/name, else
    $ENCODER_MODIFICATION_ROOT/data/name.

    Raises MimidiarError naming the places that were looked at.
    """
    if root is not None:
        if not Path(root).is_dir():
            raise MimidiarError(f"{root}: no such folder; --corpus names the folder that holds {name}")
        return Path(root)
    places = [Path(downloads) / name]
    if os.environ.get(ROOT_VARIABLE):
        places.append(Path(os.environ[ROOT_VARIABLE]) / name)
    if os.environ.get(PROJECT_VARIABLE):
        places.append(Path(os.environ[PROJECT_VARIABLE]) / "data" / name)
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        looked = " nor ".join(str(place) for place in places)
        raise MimidiarError(f"{name}: neither --corpus nor {looked}; run stage 0, or name the folder with --corpus")
    return found
