"""A kind of score is one entry of SCORE_KINDS: records, tables and cards go by it, and import no study."""

import json
from pathlib import Path

import pytest

from mimidiar.errors import MimidiarError
from mimidiar.report.make_record import Place, make_record, publish
from mimidiar.report.record import read_record, write_record
from mimidiar.report.ship import write_card
from mimidiar.score import kinds
from mimidiar.score.kinds import SCORE_KINDS, ScoreKind
from mimidiar.tests.report.records import LINEAGE, make, score_hash


def test_a_new_kind_is_recorded_and_shown_by_its_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = {"kind": "loudness", "lufs": -23.5, "other": 1.0, "protocol": {"conventions": 3}, "intervals": {}}
    (tmp_path / "score.json").write_text(json.dumps(score))
    with pytest.raises(MimidiarError, match="its kind is none of diarization"):
        make_record(tmp_path, "loud", Place("a", "test"))
    monkeypatch.setitem(SCORE_KINDS, "loudness", ScoreKind(conventions=3, shown=("lufs",)))
    record = read_record(write_record(tmp_path, make_record(tmp_path, "loud", Place("a", "test"))))
    assert record.kind == "loudness" and record.metrics["lufs"] == -23.5 and not record.recordings
    figure = {
        "kind": "loudness",
        "system": "a",
        "set": "b",
        "protocol": "c",
        "seed": 1,
        "intervals": {},
        "dirty": False,
    }
    about = {"name": "x", "figures": [figure | {"metrics": record.metrics}], "beside": [], "sets": [], "features": []}
    about |= {"header": {}, "stages": [], "sha256": "", "bytes": 0, "values": 0, "types": [], "dirty": False}
    card = write_card(about | {"environment": {}, "command": ""}, "text")
    assert "| a | b | c | 1 | lufs -23.50 |" in card


def test_one_of_other_conventions_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = {"kind": "loudness", "lufs": -23.5, "protocol": {"conventions": 2}}
    (tmp_path / "score.json").write_text(json.dumps(score))
    monkeypatch.setitem(SCORE_KINDS, "loudness", ScoreKind(conventions=3, shown=("lufs",)))
    values = {"metrics": {"lufs": -23.5}, "intervals": {}, "conditions": {"conventions": 2}, "recordings": {}}
    lineage = LINEAGE | {"score_sha256": score_hash(tmp_path)}
    write_record(tmp_path, make(kind="loudness", lineage=lineage, **values))
    with pytest.raises(
        MimidiarError, match="under version 2 of the conventions of scoring, and this code has version 3"
    ):
        publish([tmp_path], tmp_path / "results")


def test_what_a_record_keeps_goes_with_what_is_drawn() -> None:
    assert {kind: kinds.keeps(kind) for kind in SCORE_KINDS if kinds.keeps(kind)} == {
        "diarization": "recordings",
        "verification": "draws",
        "pairs": "draws",
    }
