"""Only clean records of unchanged scores are published, all or none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.report.make_record import publish
from mimidiar.report.record import Record, write_record
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.tests.report.records import (
    COMMIT,
    CONDITIONS,
    LINEAGE,
    dirty,
    make,
    make_verification,
    score_hash,
    write_score,
)

ERRORS = (1.0, 2.0, 3.0)


def scored(folder: Path, record: Record, errors: tuple[float, ...] = ERRORS) -> Path:
    """The record beside its score.json, as stage 5 leaves it."""
    write_score(folder, errors, protocol=record.conditions)
    return write_record(folder, replace(record, lineage=record.lineage | {"score_sha256": score_hash(folder)}))


def test_records_are_copied_as_they_are(tmp_path: Path) -> None:
    first = scored(tmp_path / "exp/a/collar0", make("a"))
    second = scored(tmp_path / "exp/b/collar0", make("b"))
    done = CliRunner().invoke(cli, ["publish", str(tmp_path / "exp"), "-o", str(tmp_path / "results")])
    assert done.exit_code == 0 and "published: 2 records" in done.output
    for path in (first, second):
        assert (tmp_path / "results" / path.name).read_bytes() == path.read_bytes()
    # Again, after a new score: the old record is replaced.
    changed = scored(tmp_path / "exp/a/collar0", make("a", errors=(2.0, 2.0)), (2.0, 2.0))
    publish([tmp_path / "exp"], tmp_path / "results")
    assert (tmp_path / "results" / first.name).read_bytes() == changed.read_bytes()


def test_one_that_must_not_be_published_stops_all(tmp_path: Path) -> None:
    def refused(said: str) -> None:
        with pytest.raises(MimidiarError, match=said):
            publish([tmp_path / "exp"], tmp_path / "results")
        assert not (tmp_path / "results").exists()

    (tmp_path / "exp").mkdir()
    refused("no record below .*exp; `mimidiar table record` writes them")
    scored(tmp_path / "exp/a", make("a"))
    bad = scored(tmp_path / "exp/b", dirty(make("b")))
    refused(r"b\.test\.collar0\.seed1\.json: made by code that is in no commit \(the record itself\); commit")
    stages = [{"folder": "exp/model", "directory": "", "commands": [], "commits": ["unknown", COMMIT], "doubt": None}]
    bad.unlink()
    bad = scored(tmp_path / "exp/b", make("b", stages=stages, dirty=True))
    refused(r"in no commit \(exp/model\)")
    bad.unlink()
    scored(tmp_path / "exp/b", make("b"))
    write_score(tmp_path / "exp/b", der=1.0)
    refused(r"b\.test\.collar0\.seed1\.json: \S*b/score\.json changed since it was written")
    (tmp_path / "exp/b/score.json").unlink()
    refused(r"its score\.json is gone")
    scored(tmp_path / "exp/b", make("b"))
    scored(tmp_path / "exp/c", make("a"))
    refused("exp/c/.* and .*exp/a/.*: two records of one figure")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (make(smoke=["synthetic voices"]), "no result, but synthetic voices; run it whole"),
        (make(smoke=["synthetic voices", "a small run (x)"]), r"no result, but synthetic voices, a small run \(x\)"),
        (make(lineage=LINEAGE | {"speech": []}), "of speech without a corpus.json"),
        (make(version=1), "written by an older mimidiar"),
        (make(conditions=CONDITIONS | {"conventions": 1}), "under version 1 of the conventions .* has version"),
        (make(conditions={"collar": 0.0}), "under version None of the conventions"),
        (make(metrics={"der": 20.0, "miss": 1.0}), "its metrics are not those of"),
        (make(intervals={}), "its intervals are not those of"),
        (make(errors=(3.0, 2.0, 1.0)), "its recordings are not those of"),
    ],
)
def test_what_is_no_result_is_not_published(tmp_path: Path, record: Record, said: str) -> None:
    scored(tmp_path / "exp", record)
    with pytest.raises(MimidiarError, match=rf"ours\.test\.collar0\.seed1\.json: .*{said}"):
        publish([tmp_path / "exp"], tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_trials_have_conventions_of_their_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(SCORE_KINDS, "verification", replace(SCORE_KINDS["verification"], conventions=7))
    record = make_verification(conditions={"conventions": 7})
    folder = tmp_path / "exp"
    folder.mkdir()
    score = {"kind": "verification", "eer": 10.0, "protocol": record.conditions}
    (folder / "score.json").write_text(json.dumps(score))
    write_record(folder, replace(record, lineage=LINEAGE | {"score_sha256": score_hash(folder)}))
    assert len(publish([folder], tmp_path / "results")) == 1
    monkeypatch.setitem(SCORE_KINDS, "verification", replace(SCORE_KINDS["verification"], conventions=8))
    with pytest.raises(
        MimidiarError, match="under version 7 of the conventions of scoring, and this code has version 8"
    ):
        publish([folder], tmp_path / "results")


def test_older_seeds_of_the_same_cell_are_named(tmp_path: Path) -> None:
    for seed in (1, 2):
        scored(tmp_path / f"old/{seed}", make(seed=seed))
    scored(tmp_path / "old/other", make("other", seed=5))
    publish([tmp_path / "old"], tmp_path / "results")
    scored(tmp_path / "new", make(seed=1))
    with pytest.raises(MimidiarError, match=r"^\S*results/ours\.test\.collar0\.seed2\.json: older seeds of what is"):
        publish([tmp_path / "new"], tmp_path / "results")
    (tmp_path / "results/ours.test.collar0.seed2.json").unlink()
    publish([tmp_path / "new"], tmp_path / "results")
    assert [path.name for path in sorted((tmp_path / "results").iterdir())] == [
        "other.test.collar0.seed5.json", "ours.test.collar0.seed1.json"
    ]  # fmt: skip
