"""The command line: every command has a help, help loads nothing heavy, errors are one line."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from mimidiar.cli import COMMANDS, cli, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output and len(result.output.splitlines()) > 5


def test_help_of_all_commands_loads_no_heavy_library() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from mimidiar.cli import COMMANDS, cli\n"
        "for name in COMMANDS: CliRunner().invoke(cli, [name, '--help'])\n"
        "print(*sorted({'torch', 'lhotse', 'numpy', 'scipy', 'pyannote'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_unknown_command_is_an_error() -> None:
    result = CliRunner().invoke(cli, ["scroe"])
    assert result.exit_code == 2 and "scroe" in result.output


def test_bad_input_is_one_line_without_traceback(tmp_path) -> None:
    command = [sys.executable, "-m", "mimidiar.cli", "verify", str(tmp_path / "none"), str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("mimidiar: error: ") and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (PermissionError(13, "Permission denied", "/out/score.json"), "/out/score.json: Permission denied"),
        (IsADirectoryError(21, "Is a directory", b"/out"), "/out: Is a directory"),
        (OSError(18, "Invalid cross-device link", "a", None, "b"), "b: Invalid cross-device link"),
        (TimeoutError("no answer\nafter 9 s"), "no answer after 9 s"),
        (OSError(), "OSError"),
    ],
)
def test_errors_of_the_system_are_one_line(monkeypatch, capsys, raised: OSError, line: str) -> None:
    def fails() -> None:
        raise raised

    monkeypatch.setattr("mimidiar.cli.cli", fails)
    with pytest.raises(SystemExit) as left:
        main()
    assert (left.value.code, capsys.readouterr().err) == (1, f"mimidiar: error: {line}\n")


def test_a_folder_in_place_of_a_file_is_one_line(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mimidiar.cli", "figure", "bars", str(tmp_path), "-o", str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, f"mimidiar: error: {tmp_path}: Is a directory\n")
