"""The schema of records: what is written is read again, and what does not fit is refused by its key."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimidiar.errors import MimidiarError
from mimidiar.report.record import Record, find_records, read_record, write_record
from mimidiar.tests.report.records import COMMIT, LINEAGE, changed, make, make_verification, put

numbers = st.floats(0, 1e6, allow_nan=False)
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


@given(
    errors=st.lists(st.floats(0, 100), min_size=1, max_size=5),
    seed=st.integers(0, 10**9),
    extra=st.dictionaries(texts, numbers, max_size=3),
    conditions=st.dictionaries(texts, texts | numbers | st.booleans() | st.none(), max_size=4),
    warnings=st.lists(texts, max_size=2),
)
def test_what_is_written_is_read_again(tmp_path_factory, errors, seed, extra, conditions, warnings) -> None:
    folder = tmp_path_factory.mktemp("records")
    record = make(seed=seed, errors=tuple(errors), conditions=conditions, warnings=warnings)
    names = {"eer", "jer", "speaker_count_accuracy"}
    record = replace(record, metrics={k: v for k, v in extra.items() if k not in names} | record.metrics)
    path = write_record(folder, record)
    assert path.name == f"ours.test.collar0.seed{seed}.json"
    assert read_record(path) == record
    before = path.read_bytes()
    assert write_record(folder, record).read_bytes() == before


def test_a_file_has_a_line_for_each_recording(tmp_path: Path) -> None:
    lines = write_record(tmp_path, make()).read_text().splitlines()
    assert lines[1] == '  "version": 2,'
    assert '    "rec1": {"error_sec": 2.0, "reference_sec": 10.0},' in lines


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": -1}, "'seed' is -1, not a whole number from 0"),
        ({"seed": 1.0}, "'seed' is 1.0, not a whole number"),
        ({"seed": True}, "'seed' is True"),
        ({"version": 3}, "'version' is 3, not a whole number from 1 to 2"),
        ({"kind": "speed"}, "'kind' is 'speed', not diarization or verification or "),
        ({"system": "a.b"}, "'system' is 'a.b', not a name of letters"),
        ({"set": ""}, "'set' is ''"),
        ({"set": None}, "'set' is None"),
        ({"protocol": "a/b"}, "'protocol' is 'a/b'"),
        ({"metrics": {"der": "20"}}, "'metrics.der' is '20', not a number from 0"),
        ({"metrics": {"der": 20.0, "x": float("nan")}}, "'metrics.x' is nan, not a number"),
        ({"metrics": {"der": 20.0, "x": 10**400}}, "'metrics.x' is 1000"),
        ({"metrics": {"der": 20.0, "jer": 101}}, "'metrics.jer' is 101, not a number from 0 to 100"),
        ({"metrics": {}}, "'metrics.der' is missing"),
        ({"metrics": {"der": 19.0}}, "'metrics.der' is 19.0, but 'recordings' sum to 20.0000"),
        ({"metrics": []}, "'metrics' is [], not an object"),
        ({"intervals": {"der": {"low": 1, "high": 2}}}, "'intervals.der.level' is missing"),
        ({"intervals": {"der": {"low": 3, "high": 2, "level": 0.9}}}, "'intervals.der' goes from 3 down to 2"),
        ({"intervals": {"der": {"low": 1, "high": 2, "level": 95}}}, "'intervals.der.level' is 95"),
        ({"conditions": {"collar": [1]}}, "'conditions.collar' is [1]"),
        ({"recordings": {"a": {"error_sec": -1, "reference_sec": 1}}}, "'recordings.a.error_sec' is -1"),
        ({"recordings": {}}, "'recordings' holds no reference speech"),
        ({"tuned_on": "dev"}, "'tuned_on' is 'dev', not a list"),
        ({"trained_on": [1]}, "'trained_on[0]' is 1, not text"),
        ({"lineage": LINEAGE | {"score_sha256": "abc"}}, "'lineage.score_sha256' is 'abc', not a sha256"),
        (
            {"lineage": LINEAGE | {"models": [{"sha256": "3" * 64}]}},
            "'lineage.models[0].configuration_sha256' is missing",
        ),
        ({"lineage": {}}, "'lineage.score_sha256' is missing"),
        ({"commit": "1234"}, "'commit' is '1234', not a commit"),
        ({"dirty": "no"}, "'dirty' is 'no', not true or false"),
        ({"dirty": True}, f"'dirty' is true, but the code was committed: {COMMIT}"),
        ({"commit": "unknown"}, "'dirty' is false, but the code was the record itself"),
        ({"stages": ...}, "'stages' is missing"),
        ({"draws": {"eer": [1.0]}}, "'draws' is for kind verification or pairs, not diarization"),
        ({"draws": {"eer": [101]}}, "'draws.eer[0]' is 101, not a number from 0 to 100"),
        ({"draws": {"der": []}}, "'draws.der' is not a known key; known are eer"),
        ({"leaky": [""]}, "'leaky[0]' is '', not a reason"),
        ({"smoke": [1]}, "'smoke[0]' is 1, not a reason"),
        ({"mood": "good"}, "'mood' is not a known key; known are version, kind"),
        ({"seed": 2}, "by its contents this record is called ours.test.collar0.seed2.json"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, changes: dict, said: str) -> None:
    path = changed(write_record(tmp_path, make()), **changes)
    with pytest.raises(MimidiarError) as error:
        read_record(path)
    assert str(error.value).startswith(f"{path}: ") and said in str(error.value)


def test_records_of_version_1_are_read(tmp_path: Path) -> None:
    """They tell neither what was smoke nor the seconds of stages; the first of them no draws and nothing of leaks."""
    path = changed(write_record(tmp_path, make_verification()), version=1, smoke=...)
    assert read_record(path) == make_verification(version=1)
    assert read_record(changed(path, draws=..., leaky=...)) == make_verification(version=1)


def test_a_stage_by_uncommitted_code_makes_the_record_dirty(tmp_path: Path) -> None:
    stages = [
        {"folder": "exp/model", "directory": "", "commands": [], "commits": [COMMIT, f"{COMMIT}-dirty"], "doubt": None}
    ]
    with pytest.raises(MimidiarError, match="'dirty' is false, but the code was"):
        write_record(tmp_path, make(stages=stages))
    assert write_record(tmp_path, make(stages=stages, dirty=True)).exists()
    assert make(stages=stages, dirty=True).unclean() == ["exp/model"]


def test_a_stage_in_doubt_makes_the_record_dirty_and_says_why(tmp_path: Path) -> None:
    stages = [{"folder": "exp/model", "directory": "", "commands": [], "commits": [COMMIT], "doubt": "x is gone"}]
    with pytest.raises(MimidiarError, match="'dirty' is false, but the code was exp/model: x is gone"):
        write_record(tmp_path, make(stages=stages))
    assert read_record(write_record(tmp_path, make(stages=stages, dirty=True))).unclean() == ["exp/model: x is gone"]


def test_only_diarization_has_recordings(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match="'recordings' is for kind diarization, not verification"):
        write_record(tmp_path, make_verification(recordings=make().recordings))


def test_files_that_are_no_json_or_no_object_are_named(tmp_path: Path) -> None:
    path = tmp_path / make().file_name
    path.write_text("{")
    with pytest.raises(MimidiarError, match=f"{path.name}: not valid JSON"):
        read_record(path)
    path.write_text("[]")
    with pytest.raises(MimidiarError, match=r"the document is \[\], not an object"):
        read_record(path)


def test_records_are_found_by_their_names_alone(tmp_path: Path) -> None:
    put(tmp_path / "a/b", make())
    put(tmp_path, make("other"))
    (tmp_path / "a/score.json").write_text("{}")
    (tmp_path / "a/.x.y.z.seed1.json").write_text("{}")  # hidden: half-written
    assert [path.name for path in find_records([tmp_path, tmp_path / "a"])] == [
        "ours.test.collar0.seed1.json", "other.test.collar0.seed1.json"
    ]  # fmt: skip
    with pytest.raises(MimidiarError, match="no such folder of records"):
        find_records([tmp_path / "none"])


def test_the_cost_of_all_steps_is_one_factor() -> None:
    step = {"audio_sec": 10.0, "compute_sec": 1.0, "device": "cpu", "real_time_factor": 0.1}
    assert make(speed={"features": step, "inference": step}).real_time_factor == pytest.approx(0.2)
    assert make(speed={}).real_time_factor is None
    assert make(speed={"features": step, "inference": None}).real_time_factor is None


def test_the_schema_and_the_class_have_the_same_keys(tmp_path: Path) -> None:
    keys = set(json.loads(write_record(tmp_path, make()).read_text()))
    assert keys == set(Record.__dataclass_fields__)
