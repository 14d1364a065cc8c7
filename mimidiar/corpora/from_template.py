"""The skeleton of a new dataset: its corpus' file, a test, and a recipe, which run as they are."""

import os
import re
from pathlib import Path

from mimidiar.corpora import corpora
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

TEMPLATE = Path(__file__).parent / "template"
CHECKOUT = Path(__file__).parents[2]
# File of the template -> its place in the checkout; @ stands for the dataset's name.
PLACES = {
    "corpus.py": "mimidiar/corpora/@.py",
    "test_corpus.py": "mimidiar/tests/corpora/test_@.py",
    "run.sh": "egs/@/adapter/run.sh",
    "corpus.sh": "egs/@/local/corpus.sh",
    "options.sh": "egs/@/local/options.sh",
    "table.yaml": "egs/@/conf/table.yaml",
}
COPIED = (
    "train.yaml",
    "smoke.yaml",
)  # of egs/ami/adapter/conf: the adapter of full size, and one that is hardly trained
LINKED = ("path.sh", "cmd.sh")


def write_dataset(name: str, checkout: Path) -> list[Path]:
    """Write the files of the dataset `name` below `checkout` and return them.

    Raises MimidiarError for a name that cannot be one, a folder that is no checkout, and files that are there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise MimidiarError(f"{name!r} is no name of a dataset: lower-case letters, digits and _, a letter first")
    if not (checkout / "egs").is_dir() or not (checkout / "utils" / "path.sh").is_file():
        raise MimidiarError(f"{checkout}: no checkout of mimidiar, it lacks egs or utils; name one with --into FOLDER")
    places = {kind: checkout / place.replace("@", name) for kind, place in PLACES.items()}
    recipe = places["run.sh"].parent
    there = [path for path in (*places.values(), recipe.parent) if path.exists()]
    if name in corpora() or there:
        where = there[0] if there else f"mimidiar/corpora/{corpora()[name]}.py"
        raise MimidiarError(f"{where}: the dataset {name} is there; nothing is overwritten, choose another NAME")
    for kind, path in places.items():
        text = (TEMPLATE / f"{kind}.txt").read_text(encoding="utf-8")
        write_text(path, text.replace("@name@", name).replace("@Name@", name.title().replace("_", "")))
    places["run.sh"].chmod(0o755)
    for file in COPIED:
        source = CHECKOUT / "egs/ami/adapter/conf" / file
        write_text(recipe / "conf" / file, source.read_text(encoding="utf-8"))
    for file in LINKED:
        os.symlink(f"../../../utils/{file}", recipe / file)
    return [*places.values(), *(recipe / "conf" / file for file in COPIED), *(recipe / file for file in LINKED)]
