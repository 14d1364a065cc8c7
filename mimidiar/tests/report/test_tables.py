"""Tables of records: refusals name their cell; means, marks and differences are computed by hand or from the raw."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.report.document import FORMATS, Report, brief, make_report, markdown
from mimidiar.report.record_index import Shelf
from mimidiar.report.table_file import read_table_file, record_folders
from mimidiar.score.bootstrap import ratio_interval
from mimidiar.score.diarization import CONVENTIONS
from mimidiar.tests.report.records import CONDITIONS, FEATURES, LINEAGE, dirty, make, make_verification, put

DER = {"label": "DER", "set": "test", "protocol": "collar0", "metric": "der"}
OURS = {"label": "ours", "system": "ours"}


def report(folder: Path, table: dict, allow_dirty: bool = False) -> Report:
    """The table, filled from the records in `folder`."""
    whole = {"title": "T", "records": ["."], "tables": [{"name": "one", "title": "One"} | table]}
    (folder / "table.yaml").write_text(yaml.safe_dump(whole))
    file = read_table_file(folder / "table.yaml")
    return make_report(file, Shelf(record_folders(file, folder / "table.yaml")), allow_dirty)


def cells(folder: Path, table: dict, **options: bool) -> dict[str, list[str]]:
    """Texts of the Markdown table by row."""
    lines = [line for line in markdown(report(folder, table, **options)).splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows}


# --- figures ---


def test_seeds_are_mean_and_standard_deviation(tmp_path: Path) -> None:
    put(tmp_path, make(seed=1), make(seed=2, errors=(2.0, 3.0, 4.0)), make("other", errors=(1.0, 1.0, 1.0)))
    found = cells(tmp_path, {"columns": [DER], "rows": [OURS, {"label": "other", "system": "other"}]})
    # 20 % and 30 %: mean 25, deviation sqrt((5^2 + 5^2) / 1).
    assert found["system"] == ["seeds", "DER"]
    assert found["ours"] == ["2", "25.00 ± 7.07"] and found["other"] == ["1", "10.00"]


def test_intervals_are_of_recordings(tmp_path: Path) -> None:
    put(tmp_path, make(seed=1, errors=(1.0, 2.0, 6.0)), make("single", errors=(1.0, 2.0, 6.0)))
    column = DER | {"interval": True, "decimals": 3}
    found = cells(tmp_path, {"columns": [column], "rows": [OURS, {"label": "single", "system": "single"}]})
    assert found["single"] == ["30.000 [29.000, 31.000]"]  # what score.json says
    put(tmp_path, make(seed=2, errors=(3.0, 2.0, 0.0)))
    raw = ratio_interval([200.0, 200.0, 300.0], [10.0] * 3)
    found = cells(tmp_path, {"columns": [column], "rows": [OURS]})
    assert found["ours"][1].endswith(f" [{raw.low:.3f}, {raw.high:.3f}]")


def test_a_difference_is_the_bootstrap_of_the_raw_seconds(tmp_path: Path) -> None:
    ours, base = [(1.0, 2.0, 6.0, 1.0), (2.0, 2.0, 4.0, 2.0)], (3.0, 2.0, 5.0, 4.0)
    put(tmp_path, *(make(seed=n, errors=errors) for n, errors in enumerate(ours)), make("base", errors=base))
    table = {"columns": [DER | {"versus": "base", "decimals": 3}], "rows": [OURS, {"label": "base", "system": "base"}]}
    mean = [sum(pair) / 2 for pair in zip(*ours, strict=True)]
    raw = ratio_interval([100 * e - 100 * b for e, b in zip(mean, base, strict=True)], [10.0] * 4)
    found = cells(tmp_path, table)
    assert found["ours"] == [f"{raw.value:+.3f} [{raw.low:+.3f}, {raw.high:+.3f}]"] and found["base"] == [""]


def test_of_the_floors_above_the_least_favourable_counts(tmp_path: Path) -> None:
    put(tmp_path, make("weak", errors=(9.0, 9.0)), make("hard", errors=(3.0, 3.0)), make(errors=(2.0, 2.0)))
    floors = [{"label": name, "system": name, "role": "floor"} for name in ("weak", "hard")]
    found = cells(tmp_path, {"columns": [DER | {"versus": "floors", "decimals": 1}], "rows": [*floors, OURS]})
    assert found["weak"] == [""]
    assert found["hard"] == ["-60.0 [-60.0, -60.0]"] and found["ours"] == ["-10.0 [-10.0, -10.0]"]


def test_only_comparable_rows_are_bold(tmp_path: Path) -> None:
    put(tmp_path, make("floor", errors=(0.0,)), make("leak", errors=(0.1,), trained_on=["test"]))
    put(tmp_path, make("a", errors=(2.0,)), make("b", errors=(1.0,)))
    rows = [{"label": name, "system": name} for name in ("a", "b", "gone")]
    rows += [
        {"label": "floor", "system": "floor", "role": "floor"},
        {"label": "leak", "system": "leak", "role": "leaky"},
    ]
    quoted = [{"label": "they", "source": "s", "protocol": "p", "values": {"DER": 0.5}}]
    low = DER | {"best": "low"}
    found = cells(tmp_path, {"columns": [low], "rows": rows, "published": quoted})
    assert (found["a"], found["b"]) == (["20.00"], ["**10.00**"])
    assert (found["floor"], found["leak [1]"], found["gone"]) == (["0.00"], ["1.00"], ["not run"])
    assert found["*they [2]*"] == ["*0.5*"]
    assert cells(tmp_path, {"columns": [DER | {"best": "high"}], "rows": rows})["a"] == ["**20.00**"]
    assert cells(tmp_path, {"columns": [DER], "rows": rows})["b"] == ["10.00"]
    # One alone is compared with nothing; two that are equal are both the best.
    assert cells(tmp_path, {"columns": [low], "rows": rows[1:]})["b"] == ["10.00"]
    put(tmp_path, make("gone", errors=(1.0,)))
    assert cells(tmp_path, {"columns": [low], "rows": rows})["gone"] == ["**10.00**"]
    # Equal as printed is equal.
    put(tmp_path, make("gone", errors=(1.0004,)))
    assert cells(tmp_path, {"columns": [low], "rows": rows})["gone"] == ["**10.00**"]


def test_the_ancestors_metric_is_shown_and_never_bold(tmp_path: Path) -> None:
    values = {"kind": "ancestor", "protocol": "ancestor", "tuned_on": ["test"], "recordings": {}, "intervals": {}}
    for name, confusion in (("a", 30.0), ("b", 40.0)):
        put(tmp_path, make(name, metrics={"ancestor_confusion": confusion}, **values))
    column = {"label": "conf", "set": "test", "protocol": "ancestor", "metric": "ancestor_confusion", "best": "low"}
    rows = [{"label": name, "system": name} for name in "ab"]
    assert cells(tmp_path, {"columns": [column], "rows": rows})["a"] == ["30.00"]


def test_the_real_time_factor_is_a_figure(tmp_path: Path) -> None:
    put(tmp_path, make())
    column = DER | {"metric": "real_time_factor", "decimals": 3}
    assert cells(tmp_path, {"columns": [column], "rows": [OURS]})["ours"] == ["0.050"]


# --- rows and columns ---


def test_not_run_says_why(tmp_path: Path) -> None:
    rows = [
        OURS | {"not_run": "no weights"},
        {"label": "b", "system": "b"},
        {"label": "c", "system": "c", "not_run": "no weights"},
    ]
    text = markdown(report(tmp_path, {"columns": [DER, DER | {"label": "D", "versus": "b"}], "rows": rows}))
    assert "| ours   | not run [1] |     |" in text and "| b      | not run     |     |" in text
    assert text.count("- [1] no weights") == 1 and "[2]" not in text


def test_a_row_may_have_figures_in_some_columns_alone(tmp_path: Path) -> None:
    put(tmp_path, make(), make(set="more"))
    columns = [DER, DER | {"label": "DER on more", "set": "more"}]
    rows = [OURS | {"columns": ["DER on more"]}, {"label": "other", "system": "other", "columns": ["DER"]}]
    found = cells(tmp_path, {"columns": columns, "rows": rows})
    assert found["ours"][0] == "" and float(found["ours"][1]) > 0
    assert found["other"] == ["not run", ""]
    with pytest.raises(MimidiarError, match="table 'one', row 'ours': no column is called 'JER'"):
        report(tmp_path, {"columns": columns, "rows": [OURS | {"columns": ["JER"]}]})


def test_a_brief_report_has_no_lines_on_protocols_and_code(tmp_path: Path) -> None:
    put(tmp_path, make())
    whole = report(tmp_path, {"columns": [DER], "rows": [OURS], "note": "A note."})
    assert "collar" in markdown(whole) and "Code: " in markdown(whole)
    short = markdown(brief(whole))
    assert (
        short.startswith("## One\n\n| system")
        and short.endswith("\n\nA note.\n")
        and "- " not in short.replace("---", "")
    )


def test_each_set_has_a_table_and_a_pattern_finds_sets(tmp_path: Path) -> None:
    put(tmp_path, make(), make(set="ami_a"), make(set="ami_b"), make(set="other"))
    column = {"label": "DER on {set}", "protocol": "collar0", "metric": "der"}
    table = {
        "title": "Set {set}",
        "each": ["test", "ami_*", "ami_a"],
        "columns": [column],
        "rows": [OURS],
        "note": "On {set}.",
    }
    found = report(tmp_path, table).tables
    assert [one.title for one in found] == ["Set test", "Set ami_a", "Set ami_b"]
    assert found[1].columns[0].label == "DER on ami_a" and found[1].note == "On ami_a."
    wide = {"columns": [column | {"set": "ami_*"}, column | {"set": "none_*", "label": "{set}"}], "rows": [OURS]}
    found = [one.label for one in report(tmp_path, wide).tables[0].columns]
    assert found == ["DER on ami_a", "DER on ami_b", "(no set)"]
    assert report(tmp_path, table | {"each": ["none_*"]}).tables == []


def test_a_tag_stands_for_the_systems_that_no_row_names(tmp_path: Path) -> None:
    put(tmp_path, *(make(f"adapter-{name}") for name in ("b", "a", "mimi")), make("probe-x"))
    rows = [{"label": "tag {tag}", "system": "adapter-{tag}"}, {"label": "this", "system": "adapter-mimi"}]
    assert list(cells(tmp_path, {"columns": [DER], "rows": rows}))[2:] == ["tag a", "tag b", "this"]


# --- what is refused ---


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [dirty(make())],
            r"ours\.test\.collar0\.seed1\.json was made by code that is in no commit \(the record itself\)",
        ),
        ([make(tuned_on=["dev", "test"])], r"seed1\.json was tuned on test, the set that it is scored on"),
        ([make(trained_on=["test"])], r"seed1\.json was trained on test, .* by `role: leaky`"),
        (
            [make(trained_on=["dev", "unknown"])],
            r"seed1\.json is of a model without a training stage, which may contain test",
        ),
        ([make(metrics={"der": 20.0})], r"has no 'miss'; it has der"),
        (
            [make(), make(seed=2, lineage=LINEAGE | {"configurations": {"x.yaml": "9" * 64}})],
            r"seed1\.json and .*seed2\.json are no seeds of one system: they differ in their configurations",
        ),
        (
            [make(), make(seed=2, lineage=LINEAGE | {"features": [FEATURES | {"weights_sha256": "x"}]})],
            r"seed1\.json and .*seed2\.json are no seeds of one system: they differ in their features",
        ),
        (
            [make(), make(seed=2, conditions=CONDITIONS | {"reference_sha256": "8" * 64})],
            r"seed2\.json and .*seed1\.json differ in reference_sha256 '666.* '888.*measured in one way",
        ),
        (
            [make("a"), make(conditions=CONDITIONS | {"collar": 0.25})],
            r"ours\.test.* and .*a\.test.* differ in collar 0\.0 and 0\.25",
        ),
    ],
)
def test_a_refusal_names_the_cell(tmp_path: Path, records: list, said: str) -> None:
    put(tmp_path, *records)
    rows = [{"label": "first", "system": "a"}, {"label": "second", "system": "ours"}]
    with pytest.raises(MimidiarError, match=r"table 'one', row 'second', column 'MISS' \(test, collar0\): .*" + said):
        report(tmp_path, {"columns": [DER | {"label": "MISS", "metric": "miss"}], "rows": rows})


def test_a_column_may_name_its_reference(tmp_path: Path) -> None:
    put(tmp_path, make(), make_verification("trials"))
    ours = {"columns": [DER | {"reference": "66666666"}], "rows": [OURS]}
    assert cells(tmp_path, ours)["ours"] == ["20.00"]
    eer = {"label": "EER", "set": "trials", "protocol": "trials", "metric": "eer", "reference": "7" * 64}
    rows = [{"label": "t", "system": "trials"}]
    assert cells(tmp_path, {"columns": [eer], "rows": rows})["t"] == ["10.00"]
    with pytest.raises(
        MimidiarError, match=r"column 'DER'.*seed1\.json was scored against another reference \(66666666"
    ):
        report(tmp_path, {"columns": [DER | {"reference": "77777777"}], "rows": [OURS]})


def test_seeds_may_keep_their_configuration_in_other_folders(tmp_path: Path) -> None:
    moved = LINEAGE | {"configurations": {"elsewhere/train.yaml": "4" * 64}}
    put(tmp_path, make(), make(seed=2, lineage=moved))
    assert cells(tmp_path, {"columns": [DER], "rows": [OURS]})["ours"] == ["2", "20.00 ± 0.00"]


def test_what_may_have_been_seen_is_shown_as_leaky(tmp_path: Path) -> None:
    put(tmp_path, make(trained_on=["unknown"]))
    assert cells(tmp_path, {"columns": [DER], "rows": [OURS | {"role": "leaky"}]})["ours [1]"] == ["20.00"]


def test_two_records_of_one_seed_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / name, make())
    with pytest.raises(MimidiarError, match=r"column 'DER'.*two records of seed 1: .*/a/ours.*/b/ours"):
        report(tmp_path, {"columns": [DER], "rows": [OURS]})


def test_a_difference_needs_the_same_recordings_and_is_of_the_der(tmp_path: Path) -> None:
    put(tmp_path, make(), make("short", errors=(1.0, 2.0)), make_verification(), make_verification("short"))
    rows = [OURS, {"label": "short", "system": "short"}]
    with pytest.raises(MimidiarError, match=r"row 'ours', column 'DER'.*1 recordings are in only one of the scores"):
        report(tmp_path, {"columns": [DER | {"versus": "short"}], "rows": rows})
    column = {"label": "EER", "set": "trials", "protocol": "trials", "metric": "eer", "versus": "short"}
    with pytest.raises(MimidiarError, match="a paired difference is of the metric der, not of eer"):
        report(tmp_path, {"columns": [column], "rows": rows})


def test_dirty_records_make_a_draft(tmp_path: Path) -> None:
    put(tmp_path, dirty(make()), make("other"))
    table = {"columns": [DER], "rows": [OURS, {"label": "other", "system": "other"}]}
    for name, style in FORMATS.items():
        text = style(report(tmp_path, table, allow_dirty=True))
        assert "Draft, from uncommitted code: 1 of 2 records" in text, name
    assert "Draft" not in markdown(report(tmp_path, table | {"rows": table["rows"][1:]}, allow_dirty=True))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": [DER | {"best": "lowest"}]}, "column 'DER': best is 'lowest'; it may be low, high or left out"),
        ({"columns": [DER | {"versus": "nobody"}]}, "column 'DER': no row has the system 'nobody'"),
        ({"columns": [DER | {"decimals": 99}]}, "column 'DER': decimals is 99, not 0 to 9"),
        ({"each": [["test"]]}, "each: ['test'] is no name or pattern"),
        (
            {"columns": [DER | {"reference": "666"}]},
            "column 'DER': reference is '666', not the first hexadecimal digits (at least 8)",
        ),
        ({"columns": [DER, DER]}, "two columns are called 'DER'"),
        ({"columns": [DER | {"set": "{set}"}]}, "column 'DER': names no set, and the table has no `each`"),
        ({"columns": [DER | {"colour": "red"}]}, "colour"),
        ({"rows": [OURS | {"role": "king"}]}, "row 'ours': role is 'king'; it may be floor, leaky"),
        (
            {"published": [{"label": "x", "source": " ", "protocol": "p"}]},
            "row 'x': a published figure needs its source",
        ),
        ({"published": [{"label": "x", "source": "s", "protocol": ""}]}, "needs its source and its protocol"),
        ({"published": [{"label": "x", "source": "s"}]}, "protocol"),
        (
            {"published": [{"label": "x", "source": "s", "protocol": "p", "values": {"EER": 1}}]},
            "row 'x': no column 'EER' of a named set; there are DER",
        ),
    ],
)
def test_a_wrong_table_file_is_refused(tmp_path: Path, changes: dict, said: str) -> None:
    with pytest.raises(MimidiarError, match=r"table\.yaml") as error:
        report(tmp_path, {"columns": [DER], "rows": [OURS]} | changes)
    assert said in str(error.value)


# --- formats ---


@pytest.fixture
def full(tmp_path: Path) -> Report:
    put(tmp_path, make("a_b", errors=(2.0,)), make("a_b", seed=2, errors=(3.0,)), make("c", errors=(2.0,)))
    rows = [{"label": "50 % of_a | {x}", "system": "a_b"}, {"label": "c", "system": "c"}]
    rows.append({"label": "d", "system": "d", "not_run": "R&D"})
    quoted = [{"label": "they", "source": "a & b", "protocol": "collar 0", "values": {"DER %": "about 30"}}]
    column = DER | {"label": "DER %", "best": "low"}
    return report(tmp_path, {"columns": [column], "rows": rows, "published": quoted, "note": "A *note*."})


def test_markdown(full: Report) -> None:
    assert markdown(full).splitlines() == [
        "# T",
        "",
        "- Speech: recorded",
        "- logmel (mel): none; weights log-mel",
        "- Code: aaaaaaaa",
        "- Made with Python 3.11.7, torch 2.9.1 on x",
        "",
        "## One",
        "",
        "| system                                             | seeds | DER %        |",
        "| -------------------------------------------------- | ----: | -----------: |",
        r"| 50 % of_a \| {x}                                   | 2     | 25.00 ± 7.07 |",
        "| c                                                  | 1     | **20.00**    |",
        "| d                                                  |       | not run [1]  |",
        "| *published by others, each under its own protocol* |       |              |",
        "| *they [2]*                                         |       | *about 30*   |",
        "",
        f"- test, collar0: collar 0; conventions {CONVENTIONS}; reference 66666666; skip overlap no",
        "",
        "- [1] R&D",
        "- [2] published: a & b; collar 0",
        "",
        "A *note*.",
    ]


def test_latex(full: Report) -> None:
    text = FORMATS["latex"](full)
    body = text[text.index(r"\begin") :].splitlines()
    assert body[:9] == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"system & seeds & DER \% \\",
        r"\midrule",
        r"50 \% of\_a | \{x\} & 2 & 25.00 $\pm$ 7.07 \\",
        r"c & 1 & \textbf{20.00} \\",
        r"d &  & not run [1] \\",
        r"\midrule",
        r"\multicolumn{3}{l}{\emph{published by others, each under its own protocol}} \\",
    ]
    assert r"\emph{they [2]} &  & \emph{about 30} \\" in body and r"\par{\footnotesize [1] R\&D}" in body
    # What the figures stand on is text, so that it is printed with them.
    assert text.splitlines()[-4:-2] == [r"\par{\footnotesize Speech: recorded}",
                                        r"\par{\footnotesize logmel (mel): none; weights log-mel}"]  # fmt: skip
    assert all(line.startswith("%") for line in text[: text.index(r"\begin")].splitlines() if line)


def test_csv_and_json_have_full_figures(full: Report) -> None:
    import csv

    rows = list(csv.DictReader(FORMATS["csv"](full).splitlines()))
    assert [row["status"] for row in rows] == ["figure", "figure", "not run", "published"]
    assert (rows[0]["row"], rows[0]["value"], rows[0]["seeds"]) == ("50 % of_a | {x}", "25.0", "2")
    assert float(rows[0]["deviation"]) == pytest.approx(50**0.5) and rows[2]["value"] == "" and rows[2]["note"] == "R&D"
    steps = json.loads(FORMATS["json"](full))["steps"]
    assert [step["label"] for step in steps] == ["50 % of_a | {x}", "c", "d", "they"]
    assert steps[1]["value"] == 20.0 and steps[1]["metric"] == "der" and steps[2]["value"] is None


def test_the_same_records_in_another_place_and_order_give_the_same_text(tmp_path: Path) -> None:
    records = [make(seed=n, errors=(float(n), 2.0)) for n in (3, 1, 2)] + [make("b", errors=(2.0, 2.0))]
    table = {"columns": [DER, DER | {"label": "D", "versus": "b"}], "rows": [OURS, {"label": "b", "system": "b"}]}
    put(tmp_path / "x", *records)
    for record in reversed(records):
        put(tmp_path / "y" / str(record.seed) / record.system, record)
    for style in FORMATS.values():
        assert style(report(tmp_path / "x", table)) == style(report(tmp_path / "y", table))


# --- the command ---


def test_the_command_writes_checks_and_inserts(tmp_path: Path) -> None:
    put(tmp_path / "results", make())
    (tmp_path / "exp").mkdir()
    table = {"name": "one", "title": "One", "columns": [DER], "rows": [OURS]}
    (tmp_path / "table.yaml").write_text(yaml.safe_dump({"title": "T", "records": ["results*"], "tables": [table]}))
    (tmp_path / "README.md").write_text("a\n<!-- results: begin -->\nold\n<!-- results: end -->\nz\n")

    def call(*options: str):
        return CliRunner().invoke(cli, ["report", str(tmp_path / "table.yaml"), *options])

    shown = call("--only", "one").output
    assert "| ours   | 20.00 |" in shown
    assert "not run" in call("--results", str(tmp_path / "exp")).output
    odd = tmp_path / "odd.yaml"
    odd.write_text(yaml.safe_dump({"records": ["results", "reslts*"], "tables": [table]}))
    assert CliRunner().invoke(cli, ["report", str(odd)]).stderr == f"{odd}: no folder of records like reslts* yet\n"
    assert call("-o", str(tmp_path / "OUT.md"), "--into", str(tmp_path / "README.md")).exit_code == 0
    assert (tmp_path / "OUT.md").read_text() == shown
    lower = "\n".join("##" + line if line.startswith("#") else line for line in shown.splitlines()) + "\n"
    wanted = f"a\n<!-- results: begin -->\n{lower}<!-- results: end -->\nz\n"
    assert (tmp_path / "README.md").read_text() == wanted
    checked = ("--check", "-o", str(tmp_path / "OUT.md"), "--into", str(tmp_path / "README.md"))
    assert call(*checked).exit_code == 0
    put(tmp_path / "results", make(seed=2, errors=(9.0, 9.0, 9.0)))
    assert "OUT.md: differs from what its records give, first in line" in str(call(*checked).exception)
    assert (tmp_path / "OUT.md").read_text() == shown and (tmp_path / "README.md").read_text() == wanted
    assert "no table 'two'" in str(call("--only", "two").exception)
    assert "takes Markdown" in str(call("--into", str(tmp_path / "README.md"), "--format", "csv").exception)
    assert "needs one line" in str(call("--into", str(tmp_path / "OUT.md")).exception)
