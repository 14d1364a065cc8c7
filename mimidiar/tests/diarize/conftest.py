"""A made-up diarizer, and the command that runs it in an empty folder."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mimidiar.cli import cli
from mimidiar.tests.diarizers import hear_what_is_loud, write_diarizer


@pytest.fixture(scope="package")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_diarizer(tmp_path_factory.mktemp("diarizer"))


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty working directory, in which what is loud is speech."""
    hear_what_is_loud(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def diarize(here, model):
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, ["diarize", *map(str, arguments), "--model", str(model), "--device", "cpu"])

    return run
