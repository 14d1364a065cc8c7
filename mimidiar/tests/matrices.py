"""A small matrix store for tests, written in one go."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mimidiar.features.store import ShardWriter, write_scp


def write_matrix_store(
    folder: str | Path, name: str, matrices: Iterable[tuple[str, np.ndarray]], compress: bool = False
) -> None:
    """Write `<name>.1.ark` and `<name>.scp`."""
    with ShardWriter(folder, name, 0, compress) as shard:
        for key, matrix in matrices:
            shard.write({key: matrix})
    write_scp(folder, name, 1)
