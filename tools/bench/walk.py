#!/usr/bin/env python3
"""How much of the package one reads: lines, functions, docstrings, circles, and the files that a call of diarize walks.

  tools/bench/walk.py                        this checkout
  tools/bench/walk.py --before OTHER         another checkout (a worktree of an earlier commit) beside it
  tools/bench/walk.py --audio FILE           also counts the files of the package of which a function runs in
                                             `mimidiar diarize FILE --model mini-fusion`, and their lines

Lines are those of Python and shell outside of tests, in mimidiar, egs, tools and utils. A function's length is that from
`def` to its last line. Circles are those between modules that import each other when they are imported.
"""

import argparse
import ast
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("mimidiar", "egs", "tools", "utils")
# Run in the checkout: prints the files of the package of which a function ran, as JSON in the last line.
WALK = """
import json, sys
from pathlib import Path
seen, optimized = set(), 1
def profile(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_flags & optimized and code.co_name not in {"<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"}:
        seen.add(code.co_filename)
sys.setprofile(profile)
from mimidiar.cli import cli
cli(sys.argv[1:], standalone_mode=False)
sys.setprofile(None)
root = Path("mimidiar").resolve()
print(json.dumps(sorted(str(Path(each).resolve().relative_to(root)) for each in seen if Path(each).resolve().is_relative_to(root))))
"""


def main() -> int:
    options = parse()
    roots = [Path(each).resolve() for each in ([options.before] if options.before else []) + [options.root]]
    counts = [count(root, options) for root in roots]
    for key in counts[-1]:
        print(f"{key:45s}" + "".join(f"{each.get(key, '-')!s:>12}" for each in counts))
    if options.files and options.audio:
        print(*walk(roots[-1], options.audio, options.model), sep="\n")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", default=ROOT, help="the checkout (this one)")
    parser.add_argument("--before", help="another checkout, counted beside it")
    parser.add_argument("--audio", type=Path, help="an audio file to diarize")
    parser.add_argument("--model", default="mini-fusion", help="(%(default)s)")
    parser.add_argument("--files", action="store_true", help="also list the files that the call walks")
    return parser.parse_args()


def count(root: Path, options: argparse.Namespace) -> dict[str, object]:
    """All figures of a checkout."""
    files = sources(root)
    package = [file for file in files if file.suffix == ".py" and file.is_relative_to(root / "mimidiar")]
    found: dict[str, object] = {"lines of Python and shell": sum(map(lines, files))}
    found |= {
        f"lines in {part}": sum(lines(file) for file in files if file.is_relative_to(root / part)) for part in PARTS
    }
    for folder in sorted(
        {file.relative_to(root / "mimidiar").parts[0] for file in package if file.parent.name != "mimidiar"}
    ):
        own = [file for file in package if file.is_relative_to(root / "mimidiar" / folder)]
        found[f"lines in mimidiar/{folder}"] = sum(map(lines, own))
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in package}
    found |= {"files of the package": len(package), "longest file": max(map(lines, package))}
    found |= functions(trees) | {"circles of imports": len(circles(root, trees))}
    if options.audio:
        walked = walk(root, options.audio, options.model)
        sizes = [lines(root / "mimidiar" / file) for file in walked]
        found |= {"diarize: files": len(walked), "diarize: their lines": sum(sizes), "diarize: longest": max(sizes)}
    return found


def sources(root: Path) -> list[Path]:
    """Python and shell outside of tests that git knows."""
    listed = subprocess.run(["git", "ls-files", *PARTS], cwd=root, capture_output=True, text=True, check=True).stdout
    files = [root / line for line in listed.splitlines()]
    return [
        file
        for file in files
        if file.suffix in (".py", ".sh")
        and "tests" not in file.relative_to(root).parts
        and file.is_file()
        and not file.is_symlink()
    ]


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def functions(trees: dict[Path, ast.Module]) -> dict[str, object]:
    """Lengths of functions, and the share of docstrings in all lines and in public functions and classes."""
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    defined = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = sorted(node.end_lineno - node.lineno + 1 for node in defined)
    public = [
        node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    documented = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)]
    texts = [node.body[0] for node in documented if ast.get_docstring(node) is not None]
    total = sum(map(lines, trees))
    return {
        "functions": len(lengths),
        "function length, median": statistics.median(lengths),
        "function length, p90": lengths[int(0.9 * len(lengths))],
        "function length, longest": lengths[-1],
        "docstrings, % of lines": round(100 * sum(text.end_lineno - text.lineno + 1 for text in texts) / total, 1),
        "documented public names, %": round(
            100 * sum(ast.get_docstring(node) is not None for node in public) / len(public)
        ),
    }


def circles(root: Path, trees: dict[Path, ast.Module]) -> list[list[str]]:
    """Groups of modules that reach each other by imports at module level."""
    names = {file: ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for file in trees}
    known = set(names.values())
    arrows = {
        names[file]: {name for name in imported(tree) if name in known} - {names[file]} for file, tree in trees.items()
    }
    reach = {name: reachable(name, arrows) for name in known}
    groups = {
        frozenset(other for other in reach[name] if name in reach[other]) for name in known if name in reach[name]
    }
    return [sorted(group) for group in groups]


def imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reachable(name: str, arrows: dict[str, set[str]]) -> set[str]:
    """All that a module imports, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in arrows[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def walk(root: Path, audio: Path, model: str) -> list[str]:
    """The files of the package, in the checkout `root`, of which a function runs in a call of `mimidiar diarize`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-c",
            WALK,
            "diarize",
            str(audio.resolve()),
            "--model",
            model,
            "--device",
            "cpu",
            "-o",
            folder,
        ]
        done = subprocess.run(command, cwd=root, env=environment(root), capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def environment(root: Path) -> dict[str, str]:
    import os

    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": str(root)}


if __name__ == "__main__":
    sys.exit(main())
