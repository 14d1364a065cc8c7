"""A probe as a projection: fewer dimensions with the same angles."""

import numpy as np

from mimidiar.models.projection import Projection


def test_fewer_dimensions_keep_all_products() -> None:
    rng = np.random.default_rng(0)
    whole = Projection(rng.standard_normal((50, 12)).astype("f4"), rng.standard_normal(12), np.full(12, 2.0), "all")
    frames = rng.standard_normal((30, 12))
    compact = whole.compact()
    assert compact(frames).shape == (30, 12) and compact.compact() is compact
    assert np.allclose(whole(frames) @ whole(frames).T, compact(frames) @ compact(frames).T, rtol=1e-4, atol=1e-3)
