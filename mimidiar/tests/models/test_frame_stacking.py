"""Frames are stacked, never dropped."""

import numpy as np
import pytest

from mimidiar.errors import MimidiarError
from mimidiar.models.frame_stacking import stack_frames, stacking_factor


def test_pairs_side_by_side_and_nothing_lost() -> None:
    x = np.arange(10.0).reshape(5, 2)
    assert stack_frames(x, 2).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 8, 9]]
    assert stack_frames(x, 1).tolist() == x.tolist()


def test_factors() -> None:
    assert (stacking_factor(12.5), stacking_factor(25.0)) == (1, 2)
    with pytest.raises(MimidiarError, match=r"10\.0 Hz"):
        stacking_factor(10.0)
