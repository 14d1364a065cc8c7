"""Settings of all tests."""

from hypothesis import settings

# A busy machine is no failure: tests are not timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
