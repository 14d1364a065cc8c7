"""tools/install.sh in a made-up repository, with a `uv` that only notes how it was called."""

import shutil
import sys
from pathlib import Path

import pytest

from mimidiar.tests.utils.conftest import ROOT, wait_for

VERSION = "{}.{}.{}".format(*sys.version_info)

UV = """#!/bin/bash
echo "$*" >> "$NOTES"
if [[ $1 == venv ]]; then
  venv="${@: -1}"
  mkdir -p "$venv/bin" && ln -sf "$REAL_PYTHON" "$venv/bin/python" && echo "version_info = 3" > "$venv/pyvenv.cfg"
elif [[ -f "$NOTES.fail" && "$*" == *" -r "* ]]; then
  echo "Downloading torch (858 MiB)"; cat "$NOTES.fail"; exit 2
elif [[ "$*" == *" -r "* ]]; then
  while [[ -f $NOTES.slow ]]; do sleep 0.05; done
fi
"""


class House:
    """A repository with the installer, and a folder of stand-in programs at the head of PATH."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.root, self.programs, self.env, self.notes = folder / "repo", folder / "programs", env, folder / "notes"
        (self.root / "tools").mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "tools/install.sh", self.root / "tools")
        (self.root / "tools/requirements.lock").write_text("a==1\n")
        (self.root / "setup.py").write_text("")
        self.env.pop("PYTHON", None)
        real = getattr(sys, "_base_executable", sys.executable)
        self.env.update(PATH=f"{self.programs}:{env['PATH']}", NOTES=str(self.notes), REAL_PYTHON=real)
        self.program("uv", UV)
        self.program("df", "#!/bin/sh\necho Filesystem Blocks Used Available\necho disk 99999 0 50000\n")
        for name in ("python3.12", "python3.11"):
            self.program(name, "#!/bin/sh\nexit 127\n")
        self.program("python3", f'#!/bin/sh\nexec {real} "$@"\n')

    def program(self, name: str | Path, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    @property
    def script(self) -> Path:
        return self.root / "tools/install.sh"

    def calls(self) -> list[str]:
        """What uv was asked to do since the last time."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines


@pytest.fixture
def house(tmp_path, env):
    return House(tmp_path, env)


def test_first_call_installs_and_the_second_does_nothing(house, call):
    first = call(house.script)
    assert first.returncode == 0, first.stderr
    assert f"Python {VERSION} into tools/venv: about 9 GB on disk" in first.stderr and "is ready after" in first.stderr
    venv, lock, project = house.calls()
    assert venv.startswith("venv ") and lock.endswith("-r " + str(house.root / "tools/requirements.lock"))
    assert "--no-deps" in lock and project.endswith(f"-e {house.root}")
    venv_python = house.root / "tools/venv/bin/python"
    venv_python.unlink()
    for program in (venv_python, *map(house.programs.joinpath, ("uv", "df", "python3"))):
        house.program(program, '#!/bin/sh\necho "$0 $*" >> "$NOTES"\nexit 1\n')  # what takes time is not even begun
    second = call(house.script)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert house.calls() == []


@pytest.mark.parametrize("name", ["tools/requirements.lock", "setup.py"])
def test_changed_requirements_are_installed(house, call, name):
    call(house.script)
    house.calls()
    (house.root / name).write_text("# other\n")
    assert call(house.script).returncode == 0
    lock, project = house.calls()
    assert lock.startswith("pip install") and project.startswith("pip install")


def test_python_of_another_version_is_one_clear_line(house, call):
    house.program("python3", "#!/bin/sh\necho 3.13.0\n")
    done = call(house.script)
    line = "needs Python 3.12, or 3.11 from 3.11.4 on, found python3, which is 3.13.0; set PYTHON=/path/to/python3.11\n"
    assert (done.returncode, done.stderr) == (1, f"tools/install.sh: error: {line}")
    assert "found PYTHON=python3, which is 3.13.0" in call(house.script, PYTHON="python3").stderr
    house.program("python3", "#!/bin/sh\necho 3.11.2\n")
    assert "found python3, which is 3.11.2; set" in call(house.script).stderr
    house.program("python3", "#!/bin/sh\nexit 127\n")
    assert "3.11.4 on, found none that runs; set" in call(house.script).stderr
    assert not (house.root / "tools/venv").exists()


def test_python_that_differs_from_the_environments(house, call):
    call(house.script)
    (house.root / "setup.py").write_text("# other\n")
    other = "3.12.9" if VERSION.startswith("3.11") else "3.11.9"
    house.program("mypython", f"#!/bin/sh\necho {other}\n")
    done = call(house.script, PYTHON="mypython")
    assert done.returncode == 1
    assert f"tools/venv has Python {VERSION}, PYTHON is {other}: remove tools/venv first" in done.stderr


def test_full_disk_is_said_before_anything_is_written(house, call):
    house.program("df", "#!/bin/sh\necho Filesystem Blocks Used Available\necho disk 9000 8000 1000\n")
    done = call(house.script)
    assert done.returncode == 1
    assert "still needs 8850 MB and 1000 MB are free on its disk" in done.stderr
    assert not (house.root / "tools/venv").exists()


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("error: Failed to fetch: `some address`\n  Caused by: dns error", "the package index cannot be reached"),
        ("error: failed to write: No space left on device (os error 28)", "no space left: tools/venv takes"),
        ("error: something else", "failed at: "),
    ],
)
def test_failed_download_is_one_clear_line_and_the_next_call_goes_on(house, call, message, line):
    Path(f"{house.notes}.fail").write_text(message + "\n")
    failed = call(house.script)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(f"tools/install.sh: error: {line}")
    assert "Downloading torch" in failed.stderr and ("Caused by" not in failed.stderr)
    Path(f"{house.notes}.fail").unlink()
    house.calls()
    assert call(house.script).returncode == 0
    assert [line.split()[0] for line in house.calls()] == ["venv", "pip", "pip"]
    assert call(house.script).stderr == ""


def test_environment_that_worked_is_kept_when_the_network_is_gone(house, call):
    call(house.script)
    (house.root / "setup.py").write_text("# other\n")
    Path(f"{house.notes}.fail").write_text("error: Failed to fetch: `some address`\n")
    assert call(house.script).returncode == 1
    house.calls()
    Path(f"{house.notes}.fail").unlink()
    assert call(house.script).returncode == 0
    assert [line.split()[0] for line in house.calls()] == ["pip", "pip"]


def test_killed_install_goes_on(house, call, launch):
    Path(f"{house.notes}.slow").touch()
    first = launch(house.script)
    wait_for(lambda: house.notes.exists() and " -r " in house.notes.read_text())
    first.kill()
    first.wait()
    # Its uv is still laying files: the lock lives as long as that does.
    second = launch(house.script)
    assert "another one is at work, waiting" in second.stderr.readline()
    Path(f"{house.notes}.slow").unlink()
    assert second.wait(timeout=60) == 0
    # What was being laid may be half there: the environment is made again, from uv's cache.
    assert [line.split()[0] for line in house.calls()] == ["venv", "pip", "venv", "pip", "pip"]
    assert call(house.script).stderr == ""


def test_second_of_two_at_once_waits(house, launch):
    Path(f"{house.notes}.slow").touch()
    first = launch(house.script)
    wait_for(lambda: house.notes.exists() and " -r " in house.notes.read_text())
    second = launch(house.script)
    assert "another one is at work, waiting" in second.stderr.readline()
    Path(f"{house.notes}.slow").unlink()
    assert (first.wait(timeout=60), second.wait(timeout=60)) == (0, 0)
    assert len(house.calls()) == 3 and second.stderr.read() == ""


def test_moved_repository_gets_its_environment_anew(house, call):
    call(house.script)
    house.calls()
    house.root = house.root.rename(house.root.with_name("moved"))
    done = call(house.script)
    assert done.returncode == 0 and "tools/venv was made in another folder" in done.stderr
    assert house.calls()[0].startswith("venv ")


def test_environment_may_be_a_link_to_another_disk(house, call, tmp_path):
    (tmp_path / "big").mkdir()
    (house.root / "tools/venv").symlink_to(tmp_path / "big")
    assert call(house.script).returncode == 0
    assert (tmp_path / "big/.installed").exists() and (house.root / "tools/venv").is_symlink()


def test_linked_environment_of_another_checkout_is_left_alone(house, call, tmp_path):
    theirs = tmp_path / "theirs" / "tools" / "venv"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin" / "python").symlink_to(house.env["REAL_PYTHON"])
    (theirs / "pyvenv.cfg").write_text("version_info = 3")
    (theirs / ".installed").write_text(f"some-hash {tmp_path / 'theirs'}\n")
    (house.root / "tools" / "venv").symlink_to(theirs)
    done = call(house.script)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"tools/venv is a link to the environment of {tmp_path / 'theirs'}: remove the link" in done.stderr
    assert (theirs / "bin" / "python").exists() and house.calls() == []
