"""The command line: every command has a help, help loads nothing heavy, errors are one line."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from mimidiar.cli import GROUPS, OLD_NAMES, USERS, cli, main

COMMANDS = [[name] for name in (*USERS, *GROUPS)] + [[group, name] for group in GROUPS for name in GROUPS[group][1]]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words: list[str]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output and len(result.output.splitlines()) > 5


def test_help_of_all_commands_loads_no_heavy_library() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from mimidiar.cli import cli\n"
        f"for words in {COMMANDS}: CliRunner().invoke(cli, [*words, '--help'])\n"
        "print(*sorted({'torch', 'lhotse', 'numpy', 'scipy', 'pyannote'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_unknown_command_is_an_error() -> None:
    result = CliRunner().invoke(cli, ["scroe"])
    assert result.exit_code == 2 and "no such command 'scroe'; did you mean 'score'?" in result.output
    result = CliRunner().invoke(cli, ["eval", "clutser"])
    assert result.exit_code == 2 and "did you mean 'cluster'?" in result.output


def test_the_nearest_encoder_is_suggested(tmp_path) -> None:
    result = CliRunner().invoke(cli, ["feats", "extract", str(tmp_path), "x", "--encoder", "mimi-mnii"])
    assert result.exit_code == 2 and result.output.rstrip().endswith("vad; did you mean 'mimi-mini'?")


def test_help_has_at_most_16_entries_and_no_group_the_name_of_a_command() -> None:
    assert len(USERS) + len(GROUPS) <= 16
    names = [name for _, table in GROUPS.values() for name in table]
    assert len(set(names)) == len(names) and not set(GROUPS) & {*names, *USERS} and not set(USERS) & set(names)


@pytest.mark.parametrize("old", [*OLD_NAMES, "extract", "probe", "record"])
def test_commands_are_found_by_the_names_that_records_have(old: str) -> None:
    group = next(group for group, (_, table) in GROUPS.items() if OLD_NAMES.get(old, old) in table)
    by_old, by_new = (
        CliRunner().invoke(cli, [*words, "--help"]) for words in ([old], [group, OLD_NAMES.get(old, old)])
    )
    assert by_old.exit_code == 0 and by_old.output.split("\n", 1)[1] == by_new.output.split("\n", 1)[1]
    assert old not in CliRunner().invoke(cli, ["--help"]).output.split()


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
