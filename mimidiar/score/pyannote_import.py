"""pyannote.metrics without its slow luggage: what a first score in under two seconds needs.

pyannote imports pandas for data frames, scipy.stats for one confidence interval and matplotlib for notebooks, and none
of them is used here; together they are two thirds of its import time (1.0 of 1.5 s of processor time, with bytecode
compiled). While it is imported, stand-ins take their places; afterwards they are gone, and the first use of one
by pyannote imports the real library.
"""

import importlib
import importlib.metadata
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace


class _StandIn(ModuleType):
    """A module that is imported when somebody first asks it for something."""

    importing = True

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.importing:
            return object  # signatures such as `-> pd.DataFrame | None` only need some type
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _stand_ins() -> Iterator[None]:
    # None makes `import matplotlib` an ImportError, which pyannote.core is ready for.
    wanted = {"pandas": _StandIn("pandas"), "scipy.stats": _StandIn("scipy.stats"), "matplotlib": None}
    placed = {name: module for name, module in wanted.items() if name not in sys.modules}
    sys.modules.update(placed)
    try:
        yield
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
            if module is not None:
                module.importing = False


@cache
def load_measures() -> SimpleNamespace:
    """The classes of pyannote by their names, and the `scorer` in words."""
    with _stand_ins():
        from pyannote.core import Annotation, Segment, Timeline
        from pyannote.metrics.identification import IdentificationErrorRate
    return SimpleNamespace(
        Annotation=Annotation,
        Segment=Segment,
        Timeline=Timeline,
        IdentificationErrorRate=IdentificationErrorRate,
        # The pairing of speakers, JER and detection are this package's own: `diarization.CONVENTIONS` is their version.
        scorer=f"pyannote.metrics {importlib.metadata.version('pyannote.metrics')} (error times), mimidiar (the rest)",
    )
