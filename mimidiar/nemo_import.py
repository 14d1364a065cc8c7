"""How NeMo is imported: where it is used alone, since it takes 20 s, and in silence."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def importing_nemo(level: int) -> Iterator[None]:
    """Import from `nemo` inside of it. What NeMo has to say is dropped, and from then on whatever is below `level`."""
    logging.disable(logging.CRITICAL)
    try:
        with quiet():
            yield
            from nemo.utils import logging as nemo_logging

            nemo_logging.setLevel(level)
    finally:
        logging.disable(logging.NOTSET)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """NeMo's progress bars, warnings and notes go nowhere; an exception still comes through."""
    sink = io.StringIO()
    with contextlib.redirect_stderr(sink), contextlib.redirect_stdout(sink), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
