"""tools/bench/fuzz.py: what it takes for a failure, and a tenth of its cases."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from mimidiar.errors import MimidiarError

SCRIPT = Path(__file__).parents[2] / "tools" / "bench" / "fuzz.py"


def fuzz(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "cases"), [("audio", 400), ("labels", 600)])
def test_no_damaged_file_gives_a_traceback_or_an_error_that_is_no_help(kind, cases):
    done = fuzz(kind, "--cases", cases, "--seed", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{cases} cases: ") and done.stdout.endswith(" 0 failures\n")


@pytest.fixture
def script():
    """The script as a module."""
    spec = spec_from_file_location("fuzz", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (None, "result"),
        (MimidiarError("x.txt, line 1: no label"), "error"),
        (MimidiarError("x.txt: two\nlines"), "does not begin"),
        (MimidiarError("no label"), "does not begin"),
        (MimidiarError("x.txt: " + "x" * 1000), "too long"),
        (ValueError("bad"), "Traceback"),
        (RecursionError("deep"), "Traceback"),
    ],
)
def test_only_one_line_that_begins_with_the_file_is_no_failure(script, error, end):
    def read(path: Path) -> None:
        if error:
            raise error

    found = script.ended(read, Path("x.txt"))
    assert found == end if end in ("result", "error") else end in found


def test_a_process_that_ends_is_a_failure_of_its_case_alone(tmp_path, script):
    """A kind of its own, in a copy of the script: case 1 ends its process, case 2 hangs.

    The limit is short, yet far beyond what the other cases take on a machine that does other work.
    """
    (tmp_path / "tools" / "bench").mkdir(parents=True)
    (tmp_path / "tools" / "bench" / "fuzz_odd.py").write_text(
        "import itertools, os\n"
        "made = itertools.count()\n"
        "def make(chance):\n    return f'x{chance.random()}', b''\n"
        "def read(path):\n"
        '    names = [f\'x{__import__("random").Random(f"odd 0 {n}").random()}\' for n in (1, 2)]\n'
        "    if path.name == names[0]:\n        os._exit(7)\n"
        "    while path.name == names[1]:\n        pass\n"
    )
    text = SCRIPT.read_text().replace("KINDS = {", 'KINDS = {"odd": "fuzz_odd", ')
    copy = tmp_path / "tools" / "bench" / "fuzz.py"
    copy.write_text(text.replace("LIMIT_SEC = 60", "LIMIT_SEC = 5"))
    done = subprocess.run([sys.executable, copy, "odd", "--cases", "5"], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "case 1 of odd, seed 0: its process ended with 7" in done.stdout
    assert "case 2 of odd, seed 0: its process ended with 1\nTimeout (0:00:05)!" in done.stdout
    assert done.stdout.endswith("5 cases: 3 results, 0 errors in one line, 2 failures\n")
