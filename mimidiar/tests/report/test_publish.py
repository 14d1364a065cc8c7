"""Only clean records of unchanged scores are published, all or none."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.report.publish import publish
from mimidiar.report.record import Record, write_record
from mimidiar.tests.report.records import COMMIT, LINEAGE, dirty, make, score_hash, write_score


def scored(folder: Path, record: Record) -> Path:
    """The record beside its score.json, as stage 5 leaves it."""
    write_score(folder)
    return write_record(folder, replace(record, lineage=LINEAGE | {"score_sha256": score_hash(folder)}))


def test_records_are_copied_as_they_are(tmp_path: Path) -> None:
    first = scored(tmp_path / "exp/a/collar0", make("a"))
    second = scored(tmp_path / "exp/b/collar0", make("b"))
    done = CliRunner().invoke(cli, ["publish", str(tmp_path / "exp"), "-o", str(tmp_path / "results")])
    assert done.exit_code == 0 and "published: 2 records" in done.output
    for path in (first, second):
        assert (tmp_path / "results" / path.name).read_bytes() == path.read_bytes()
    # Again, after a new score: the old record is replaced.
    changed = scored(tmp_path / "exp/a/collar0", make("a", errors=(2.0, 2.0)))
    publish([tmp_path / "exp"], tmp_path / "results")
    assert (tmp_path / "results" / first.name).read_bytes() == changed.read_bytes()


def test_one_that_must_not_be_published_stops_all(tmp_path: Path) -> None:
    def refused(said: str) -> None:
        with pytest.raises(MimidiarError, match=said):
            publish([tmp_path / "exp"], tmp_path / "results")
        assert not (tmp_path / "results").exists()

    (tmp_path / "exp").mkdir()
    refused("no record below .*exp; `mimidiar record` writes them")
    scored(tmp_path / "exp/a", make("a"))
    bad = scored(tmp_path / "exp/b", dirty(make("b")))
    refused(r"b\.test\.collar0\.seed1\.json: made by code that is in no commit \(the record itself\); commit")
    stages = [{"folder": "exp/model", "directory": "", "commands": [], "commits": ["unknown", COMMIT]}]
    bad.unlink()
    bad = scored(tmp_path / "exp/b", make("b", stages=stages, dirty=True))
    refused(r"in no commit \(exp/model\)")
    bad.unlink()
    scored(tmp_path / "exp/b", make("b"))
    write_score(tmp_path / "exp/b", der=1.0)
    refused(r"b/score\.json: changed since b\.test\.collar0\.seed1\.json was written")
    (tmp_path / "exp/b/score.json").unlink()
    refused(r"its score\.json is gone")
    scored(tmp_path / "exp/b", make("b"))
    scored(tmp_path / "exp/c", make("a"))
    refused("exp/c/.* and .*exp/a/.*: two records of one figure")
