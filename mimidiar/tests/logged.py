"""The lines that the package logs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mimidiar.log import log


@contextmanager
def logged() -> Iterator[list[str]]:
    """A list that gets the text of every line logged meanwhile, from `info` on."""
    lines: list[str] = []
    handler, level = logging.Handler(), log.level
    handler.emit = lambda record: lines.append(record.getMessage())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
