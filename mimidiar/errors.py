"""The one error that a user is meant to read, names in its messages, and errors of the system in its form."""

import difflib
import os
from collections.abc import Iterable, Sequence

SHOWN = 10


class MimidiarError(ValueError):
    """Bad input. The message names the file, the record, the numbers that disagree and the remedy.

    Commands print it as one line and exit with 1; anything else that is raised is a bug and keeps its traceback.
    """


def listed(names: Sequence[str], between: str = ", ") -> str:
    """The first ten names, and how many more there are."""
    rest = f" ... and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + rest


def meant(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'NAME'?` with the nearest of the known names, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def os_error_text(error: OSError) -> str:
    """`file: what is wrong` in one line; where the system names no file, what the error itself says."""
    file = error.filename2 or error.filename  # of a rename, the name that was wanted
    if file is not None and error.strerror:
        return f"{os.fsdecode(file) if isinstance(file, bytes) else file}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
