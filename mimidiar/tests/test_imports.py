"""The rules of who may import whom, read from the source of every module."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]

# A module may import from its own layer and from layers below it; nobody imports `studies` or `cli` but `cli`, which
# names the commands of studies in a table.
LAYERS = [
    {"errors"},
    {"files", "commit", "hub", "shipped", "job_option", "log"},
    {"config", "torch_setup", "nemo_import", "weight_files"},
    {"audio", "annotation"},
    {"data", "score"},
    {"encoders"},
    {"features"},
    {"models"},
    {"diarize", "report", "figures"},
    {"corpora", "simulation", "evaluation"},
    {"training"},
    {"studies"},
    {"live"},
    {"cli"},
]
# Arrows that still point up; none may be added.
TO_MEND: set[str] = set()
# library -> the only modules that may import it
ONLY_IN = {
    "moshi": ["encoders/mimi"],
    "nemo": ["simulation/nemo.py", "encoders/speaker/titanet.py", "nemo_import.py"],
    "silero_vad": [],
    "espeakng_loader": ["corpora/espeak.py"],
    "kaldiio": ["features/store.py"],
}
# What must be light: these packages and all that they import at module level.
LIGHT = [
    "annotation",
    "score",
    "report",
    "figures",
    "studies/bench",
    "config.py",
    "files.py",
    "errors.py",
    "shipped.py",
]
HEAVY = {"torch", "lhotse", "nemo", "moshi", "lightning"}


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "tests" not in path.relative_to(PACKAGE).parts]


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """Dotted names that a module imports; with `top_level_only` those that run when it is imported."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):  # what stands there for type checkers alone is never run
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    nodes = tree.body if top_level_only else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def graph() -> dict[str, set[str]]:
    """Module -> the modules of this package that it imports, anywhere in its source but for type checkers alone."""
    known = {dotted(path): path for path in modules()}
    return {name: {each for each in imports(path) if each in known} - {name} for name, path in known.items()}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def room(name: str) -> str:
    """The folder right below the package that a module is in; of a module that is in none, its own name."""
    return ".".join(name.split(".")[1:2])


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Some names that lead to each other and back; none where there are no such."""
    left = {name: set(others) for name, others in arrows.items()}
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def is_module(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def layer(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_and_libraries_stay_in_their_place(path: Path) -> None:
    here = path.relative_to(PACKAGE)
    for name in imports(path):
        top, *rest = name.split(".")
        ours = top == "mimidiar" and rest and here.parts[0] != "__init__.py" and str(here) not in TO_MEND
        if ours and is_module(rest[0]):
            assert layer(rest[0]) <= layer(here.parts[0].removesuffix(".py")), (
                f"{here} imports {name}, which is above it"
            )
        if top in ONLY_IN:
            assert str(here).startswith(tuple(ONLY_IN[top])), (
                f"{here} imports {top}; only {', '.join(ONLY_IN[top])} may"
            )


def test_imports_make_no_circle() -> None:
    """Neither of modules nor of rooms."""
    arrows, mend = graph(), {dotted(PACKAGE / path) for path in TO_MEND}
    assert circle(arrows) == []
    rooms: dict[str, set[str]] = {}
    for name in arrows.keys() - mend:
        rooms.setdefault(room(name), set()).update(room(each) for each in arrows[name])
    assert circle({name: others - {name, ""} for name, others in rooms.items()}) == []


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_studies_stand_alone_and_diarizing_needs_neither_corpora_nor_training() -> None:
    """A study is imported by its own modules alone, and named in the table of commands."""
    mend = {dotted(PACKAGE / path) for path in TO_MEND}
    for name, others in graph().items():
        for each in others if name not in mend else ():
            own = name.split(".")[:3] == each.split(".")[:3]
            assert room(each) != "studies" or own, f"{name} imports {each}"
            assert room(name) != "diarize" or room(each) not in ("corpora", "training"), f"{name} imports {each}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nemo_is_never_imported_at_module_level(path: Path) -> None:
    assert not {name for name in imports(path, top_level_only=True) if name.split(".")[0] == "nemo"}


@pytest.mark.parametrize("name", LIGHT)
def test_light_modules_load_neither_torch_nor_lhotse(name: str) -> None:
    root = PACKAGE / name
    files = [root] if root.suffix else sorted(root.glob("*.py"))
    dotted = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files]
    program = "import sys, importlib\n" + "\n".join(f"importlib.import_module({module!r})" for module in dotted)
    program += f"\nprint(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_module_is_within_the_budget() -> None:
    """Files to 500 lines, functions to 75: the wall. The aim is 300 and 40."""
    for path in modules():
        text = path.read_text()
        assert len(text.splitlines()) <= 500, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 75, f"{path}: {node.name}"
