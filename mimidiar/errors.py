"""The one error that a user is meant to read, and lists of names in its messages."""

from collections.abc import Sequence

SHOWN = 10


class MimidiarError(ValueError):
    """Bad input. The message names the file, the record, the numbers that disagree and the remedy.

    Commands print it as one line and exit with 1; anything else that is raised is a bug and keeps its traceback.
    """


def listed(names: Sequence[str], between: str = ", ") -> str:
    """The first ten names, and how many more there are."""
    rest = f" ... and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + rest
