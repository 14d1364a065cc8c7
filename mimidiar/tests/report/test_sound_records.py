"""A reconstruction is kept among the results as a score is, under the conventions of its own kind."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.report.make_record import figures, publish, read_score
from mimidiar.report.record import read_record, write_record
from mimidiar.studies.codec_training.reconstruct import Reconstruction, sound_document, write_sound
from mimidiar.tests.report.records import LINEAGE, make, score_hash


def heard(folder: Path, system: str = "codec-x", **protocol) -> Path:
    """Score and record of a reconstruction, as stage 5 leaves them."""
    found = [Reconstruction("a", 4.0, -3.0, 70.0), Reconstruction("b", 6.0, 1.0, 90.0)]
    document = sound_document(found, [], None, {"num_codebooks": 8} | protocol)
    document["protocol"] |= protocol
    write_sound(folder, found, document)
    lineage = LINEAGE | {"score_sha256": score_hash(folder)}
    record = replace(make(system, protocol="quantized8"), kind="reconstruction", lineage=lineage)
    return write_record(folder, replace(record, **figures(folder, read_score(folder))))


def test_a_reconstruction_is_published_with_its_figures(tmp_path: Path) -> None:
    path = heard(tmp_path / "exp/quantized8")
    publish([tmp_path / "exp"], tmp_path / "results")
    record = read_record(tmp_path / "results" / path.name)
    assert (record.metrics["mel_db"], record.metrics["si_sdr_db"], record.metrics["stoi"]) == (5, -1, 80)
    assert record.intervals["stoi"]["level"] == 0.95


def test_one_of_other_conventions_is_not(tmp_path: Path) -> None:
    heard(tmp_path / "exp/quantized8", conventions=0)
    with pytest.raises(MimidiarError, match="scored under version 0 of the conventions of scoring"):
        publish([tmp_path / "exp"], tmp_path / "results")


def test_codecs_share_a_column_and_ways_to_score_do_not(tmp_path: Path) -> None:
    columns = [{"label": "mel", "set": "test", "protocol": "quantized8", "metric": "mel_db"}]
    rows = [{"label": name, "system": f"codec-{name}"} for name in ("x", "y")]
    path = tmp_path / "table.yaml"
    path.write_text(
        yaml.safe_dump({"records": [], "tables": [{"name": "t", "title": "T", "columns": columns, "rows": rows}]})
    )
    line = ["report", str(path), "--results", str(tmp_path / "exp")]
    heard(tmp_path / "exp/x", "codec-x", codec_sha256="a" * 64)
    heard(tmp_path / "exp/y", "codec-y", codec_sha256="b" * 64)
    done = CliRunner().invoke(cli, line)
    assert done.exit_code == 0, done.exception
    assert "5.00" in done.output and "codec aaaaaaaa" not in done.output
    heard(tmp_path / "exp/y", "codec-y", codec_sha256="b" * 64, most_sec=5)
    assert "differ in most_sec None and 5" in str(CliRunner().invoke(cli, line).exception)
