"""Manifests as gzipped JSON lines, without lhotse. lhotse and torch take seconds to import: a finished extraction must
report so at once.
"""

import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

RECORDINGS, SUPERVISIONS = "recordings.jsonl.gz", "supervisions.jsonl.gz"
REMEDY = "delete the folder and prepare it again"


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a manifest. Raises MimidiarError naming the file that is missing, or the line before a broken one."""
    rows: list[dict[str, Any]] = []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            rows.extend(json.loads(line) for line in stream if line.strip())
    except FileNotFoundError:
        raise MimidiarError(
            f"{path}: no such manifest; run stage 1 (`mimidiar data prepare`) first, or check the folder's name"
        ) from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise MimidiarError(f"{path}: broken after line {len(rows)} ({error}); {REMEDY}") from None
    return rows


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as gzipped JSON lines with no time stamp and no name inside, so that equal rows give equal bytes."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with atomic_path(path) as partial:
        partial.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))
