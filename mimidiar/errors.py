"""The one error that a user is meant to read."""


class MimidiarError(ValueError):
    """Bad input. The message names the file, the record, the numbers that disagree and the remedy.

    Commands print it as one line and exit with 1; anything else that is raised is a bug and keeps its traceback.
    """
