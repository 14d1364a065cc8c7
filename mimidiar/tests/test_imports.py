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
    {"config", "torch_setup"},
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
TO_MEND = {"report/publish.py"}
# library -> the only modules that may import it
ONLY_IN = {
    "moshi": ["encoders/mimi"],
    "nemo": ["simulation/nemo.py", "encoders/speaker/titanet.py"],
    "silero_vad": ["encoders/vad.py"],
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
    nodes = tree.body if top_level_only else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


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
