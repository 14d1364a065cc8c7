"""Speech to simulate with, and a stand-in for NeMo."""

from pathlib import Path

import pytest

from mimidiar.simulation import nemo_sets as sets
from mimidiar.tests.simulation.turn_taking import fake_session, write_train


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the set `train`."""
    return write_train(tmp_path_factory.mktemp("data"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "simulate_session", fake_session)
