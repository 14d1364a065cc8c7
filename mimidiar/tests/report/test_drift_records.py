"""A drift is kept among the results as a score is, under the conventions of its own kind."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mimidiar.errors import MimidiarError
from mimidiar.report.make_record import figures, publish
from mimidiar.report.record import read_record, write_record
from mimidiar.studies.token_drift.score import Drift, drift_document, write_drift
from mimidiar.tests.report.records import LINEAGE, make, score_hash


def drifted(folder: Path, **protocol) -> Path:
    """Score and record of a drift, as stage 5 leaves them."""
    drifts = [Drift(name, 100, np.array([10, 20]), 25, 1.0, 50.0, None) for name in ("a", "b")]
    document = drift_document(drifts, [9, 9], None, {"num_codebooks": 2})
    document["protocol"] |= protocol
    write_drift(folder, drifts, [9, 9], document)
    lineage = LINEAGE | {"score_sha256": score_hash(folder)}
    record = replace(make("unfreeze-warm-x", protocol="drift"), kind="drift", lineage=lineage)
    return write_record(folder, replace(record, **figures(folder, document)))


def test_a_drift_is_published_with_its_figures(tmp_path: Path) -> None:
    path = drifted(tmp_path / "exp/drift")
    publish([tmp_path / "exp"], tmp_path / "results")
    record = read_record(tmp_path / "results" / path.name)
    assert record.metrics["token_drift"] == 15 and record.intervals["token_drift"]["level"] == 0.95


def test_one_of_other_conventions_is_not(tmp_path: Path) -> None:
    drifted(tmp_path / "exp/drift", conventions=0)
    with pytest.raises(MimidiarError, match="scored under version 0 of the conventions of scoring"):
        publish([tmp_path / "exp"], tmp_path / "results")
