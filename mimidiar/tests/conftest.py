"""Settings of all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from mimidiar.tests.logged import logged

# A busy machine is no failure: tests are not timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The lines that are logged in a test."""
    with logged() as lines:
        yield lines
