"""The paper's tables, from made-up records of all three data sets, whose recipes have sets and systems of one name."""

import re
from pathlib import Path
from typing import Any

import pytest

from mimidiar.commit import ROOT
from mimidiar.errors import MimidiarError
from mimidiar.report.cells import Figure, NotRun
from mimidiar.report.document import BEGIN, END, Report, make_report
from mimidiar.report.fill import FilledTable
from mimidiar.report.record import Record
from mimidiar.report.record_index import Shelf
from mimidiar.report.table_file import read_table_file
from mimidiar.tests.report.records import COMMIT, CONDITIONS, make, make_verification, put

EGS = ROOT / "egs"
TABLES = sorted((EGS / "paper/conf").glob("*.yaml"))
ANCESTOR = dict.fromkeys(["ancestor_false_alarm", "ancestor_miss", "ancestor_confusion"], 9.0)


def made_in(dataset: str, **changes: Any) -> dict[str, Any]:
    """What a record has of a stage that a recipe of this data set ran."""
    stage = {
        "folder": "exp/a",
        "directory": f"egs/{dataset}/adapter",
        "commands": [],
        "commits": [COMMIT],
        "doubt": None,
    }
    return {"stages": [stage], **changes}


def scored(dataset: str, system: str, set_name: str, der: float, reference: str) -> list[Record]:
    """A DER, and what the ancestor's metric says of the same system; the reference is known by its first digit."""
    conditions = CONDITIONS | {"reference_sha256": reference + "0" * (64 - len(reference))}
    own = made_in(dataset, set=set_name, conditions=conditions)
    ancestor = own | {"kind": "ancestor", "protocol": "ancestor", "tuned_on": [set_name], "recordings": {}}
    ancestor |= {"intervals": {}, "metrics": ANCESTOR | {"ancestor_der": der + 30}}
    errors = (der / 10 - 1, der / 10 + 1)
    return [make(system, errors=errors, **own), make(system, **ancestor)]


def verified(dataset: str, set_name: str, eer: float, trials: str) -> Record:
    conditions = {"trials_sha256": trials + "0" * (64 - len(trials))}
    return make_verification("baseline-all-mimi", eer=eer, **made_in(dataset, set=set_name, conditions=conditions))


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Records of every data set in their places; each figure tells where it is from."""
    for dataset, found in {
        "mini": [*scored("mini", "adapter-mimi", "sim_test", 21, "1"), verified("mini", "trials_dev", 11, "20a3ab1a")],
        "voxceleb": [
            *scored("voxceleb", "adapter-mimi", "sim_test", 22, "2"),
            verified("voxceleb", "trials_dev", 12, "b"),
            verified("voxceleb", "trials_o_cleaned", 13, "3c46150e"),
        ],
        "ami": [
            *scored("ami", "adapter-mimi", "sim_test_two", 23, "3"),
            *scored("ami", "adapter-mimi", "ami_mix_test", 24, "4"),
            *scored("ami", "fusion-concat-mimi", "ami_mix_test", 25, "4"),
        ],
    }.items():
        put(tmp_path / "egs" / dataset / "adapter/results", *found)
    return tmp_path


def fill(name: str, records: Path) -> Report:
    return make_report(read_table_file(EGS / f"paper/conf/{name}.yaml"), Shelf([records]))


def row(table: FilledTable, label: str) -> dict[str, float]:
    """Its figures by column."""
    cells = next(row.cells for row in table.rows if row.label == label)
    labels = [column.label for column in table.columns]
    return {name: cell.mean for name, cell in zip(labels, cells, strict=True) if isinstance(cell, Figure)}


def test_table_1_takes_the_records_of_every_data_set_to_its_columns(records: Path) -> None:
    tables = {table.name: table for table in fill("table1", records).tables}
    assert row(tables["verification"], "Mimi: Exp 1") == {
        "EER %, VoxCeleb1-O": 13, "EER %, speechocean762, 40 speakers": 11
    }  # fmt: skip
    ours = {"FA": 9, "miss": 9, '"confusion"': 9}
    assert row(tables["diarization"], "Mimi: Exp 2") == ours | {'"DER"': 51, "DER %, simulated": 21}
    assert row(tables["full_size"], "Mimi: Exp 2") == ours | {
        '"DER"': 53,
        "DER %, simulated, two speakers": 23,
        '"DER", AMI Mix-Headset': 54,
        "DER %, AMI Mix-Headset": 24,
        "DER %, mixtures of VoxCeleb1": 22,
    }
    assert row(tables["full_size"], "Mimi + TitaNet: Exp 3") == {
        '"DER", AMI Mix-Headset': 55, "DER %, AMI Mix-Headset": 25
    }  # fmt: skip
    assert not row(tables["ancestor_data"], "Mimi: Exp 2")


def test_what_was_not_run_at_full_size_says_why(tmp_path: Path) -> None:
    full = next(table for table in fill("table1", tmp_path).tables if table.name == "full_size")
    assert {cell for row in full.rows for cell in row.cells} == {NotRun(1)}
    assert full.notes[0] == "weights and corpora not available on the build machine"


def test_the_other_paper_tables_mix_no_data_sets_either(records: Path) -> None:
    steps = fill("progression", records).tables
    assert row(steps[1], "Exp 2") == {"DER %, simulated conversations": 21}
    published = {table.name: table for table in fill("published", records).tables}
    assert row(published["diarization"], "adapter on Mimi") == {"AMI Mix-Headset": 24}
    assert row(published["verification"], "Mimi, mean of its frames") == {"VoxCeleb1-O": 13}


def test_another_reference_or_protocol_in_a_column_is_refused(records: Path) -> None:
    results = records / "egs/ami/adapter/results"
    put(results, *scored("ami", "unfreeze-scratch-mimi", "ami_mix_test", 30, "5"))
    with pytest.raises(MimidiarError, match=r"table 'full_size'.*ami_mix_test of egs/ami.* differ in reference_sha256"):
        fill("table1", records)
    collar = CONDITIONS | {"collar": 0.25, "reference_sha256": "4" + "0" * 63}
    (results / "unfreeze-scratch-mimi.ami_mix_test.ancestor.seed1.json").unlink()
    put(results, make("unfreeze-scratch-mimi", **made_in("ami", set="ami_mix_test", conditions=collar)))
    with pytest.raises(MimidiarError, match=r"DER %, AMI Mix-Headset.* differ in collar"):
        fill("table1", records)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_set_that_several_data_sets_have_is_told_apart(path: Path) -> None:
    """Every column names a data set that has recipes, unless no recipe makes its set."""
    for table in read_table_file(path).tables:
        for column in table.columns:
            assert column.dataset in {run.parents[1].name for run in EGS.glob("*/*/run.sh")} or column.not_run


def test_figures_in_the_readmes_text_stand_in_its_table() -> None:
    """What is typed there is what a record gives: a table that changes has this fail."""
    text = (ROOT / "README.md").read_text()
    found, table = text.partition("## What was found")[2].split(BEGIN)
    figures = re.findall(r"(\d+\.\d+) %", found)
    shown = set(re.findall(r"\d+\.\d+", "".join(re.sub(r"\[.*?\]", "", table.partition(END)[0]))))
    assert len(figures) >= 3 and set(figures) <= shown
    assert len(text.splitlines()) <= 130
