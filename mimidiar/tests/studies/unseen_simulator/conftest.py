"""Speech to simulate with."""

from mimidiar.tests.simulation.conftest import data

__all__ = ["data"]
