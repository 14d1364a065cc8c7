"""One logger of the package, for all messages of a command beside its result; on standard error."""

import logging
import sys

log = logging.getLogger("mimidiar")


class _Plain(logging.Handler):
    """Plain lines; errors look like those that end a command. Progress bars are not broken."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        line = f"mimidiar: error: {text}" if record.levelno >= logging.ERROR else text
        if "tqdm" in sys.modules:
            sys.modules["tqdm"].tqdm.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr)


class WarningCount(logging.Handler):
    """Counts the warnings of `log` while it is open: `with WarningCount() as count`."""

    def __enter__(self) -> "WarningCount":
        self.number = 0
        log.addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        log.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.number += record.levelno == logging.WARNING


def log_to_stderr() -> None:
    """Have `log` write to standard error, from `info` on; once for a process."""
    if not any(isinstance(each, _Plain) for each in log.handlers):
        log.addHandler(_Plain())
        log.setLevel(logging.INFO)
        log.propagate = False
