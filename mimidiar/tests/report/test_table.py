"""Tables hold what the score files hold."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.report.table import insert, spread

SPEC = """
title: "Mini {encoder}"
facts:
  - {label: Weights, file: "{encoder}.json", key: weights}
  - {label: Speech, file: none.json, key: origin}
tables:
  - name: der
    title: "Set {set}"
    each: "floors/*"
    columns:
      - {label: DER, score: c0, metric: der}
      - {label: above, score: c0, metric: der, versus: floors}
    rows:
      - {label: floor, folder: "floors/{set}/one", floor: true}
      - {label: "ours on {encoder}", folder: "ours/seed*/{set}"}
      - {label: other, folder: "other/{set}"}
      - {label: "tag {tag}", folder: "tags/{tag}/{set}"}
      - {label: "this one", folder: "tags/a/{set}"}
"""
PROTOCOL = {"collar": 0.0, "reference_sha256": "x"}


def write_score(folder: Path, errors: list[float], reference: float = 10.0) -> None:
    folder.mkdir(parents=True)
    der = 100 * sum(errors) / (reference * len(errors))
    (folder / "score.json").write_text(json.dumps({"der": der, "protocol": PROTOCOL}))
    rows = [f"r{i},{reference},{error},0,0" for i, error in enumerate(errors)]
    head = "recording,reference_sec,missed_sec,false_alarm_sec,confusion_sec"
    (folder / "per_recording.csv").write_text("\n".join([head, *rows]) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "table.yaml").write_text(SPEC)
    (tmp_path / "mimi.json").write_text('{"weights": "untrained"}')
    write_score(tmp_path / "floors/sim/one/c0", [6.0, 5.0, 7.0])
    write_score(tmp_path / "ours/seed1/sim/c0", [2.0, 1.0, 3.0])
    write_score(tmp_path / "ours/seed2/sim/c0", [3.0, 2.0, 4.0])
    for tag in ("a", "b"):
        write_score(tmp_path / f"tags/{tag}/sim/c0", [1.0, 1.0, 1.0])
    (tmp_path / "tags/c").mkdir()
    return tmp_path


def report(root: Path, *options: str):
    command = ["report", str(root / "table.yaml"), "--root", str(root), "--set", "encoder=mimi", *options]
    return CliRunner().invoke(cli, command)


def test_seeds_are_averaged_and_compared_with_the_floor(root: Path) -> None:
    lines = report(root).output.splitlines()
    assert lines[:3] == ["# Mini mimi", "", "- Weights: untrained"] and "## Set sim" in lines
    cells = {
        line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]] for line in lines if line[0:1] == "|"
    }
    assert cells["floor"] == ["60.00", ""]
    # Means of 20 and 30 %; each recording is 3.5 s of 10 better than the floor, so the interval has no width.
    assert cells["ours on mimi"] == ["25.00 ± 7.07", "-35.0 [-35.0, -35.0]"]
    assert cells["other"] == ["not run", "not run"]
    assert list(cells)[-2:] == ["tag b", "this one"] and cells["tag b"] == cells["this one"]


def test_only_out_and_into(root: Path) -> None:
    (root / "README.md").write_text("a\n<!-- results: begin -->\nold\n<!-- results: end -->\nz\n")
    result = report(root, "--only", "der", "-o", str(root / "OUT.md"), "--into", str(root / "README.md"))
    assert result.exit_code == 0, result.output
    assert (root / "OUT.md").read_text() == result.output
    lower = result.output.replace("# Mini", "### Mini").replace("## Set", "#### Set")
    assert (root / "README.md").read_text() == f"a\n<!-- results: begin -->\n{lower}<!-- results: end -->\nz\n"
    assert "no table 'dre'" in str(report(root, "--only", "dre").exception)


def test_marks_must_be_there() -> None:
    with pytest.raises(ValueError, match="needs one line"):
        insert("x", "no marks", "README.md")


def test_an_unknown_figure_is_named(root: Path) -> None:
    (root / "table.yaml").write_text(SPEC.replace("metric: der}", "metric: dre}"))
    assert "no figure 'dre'" in str(report(root).exception)


def test_a_name_without_a_value_is_named(root: Path) -> None:
    (root / "table.yaml").write_text(SPEC.replace("ours on {encoder}", "ours on {coder}"))
    assert "'coder'" in str(report(root).exception)


def test_spread() -> None:
    assert spread([1.0]) == "1.00" and spread([1.0, 3.0]) == "2.00 ± 1.41"
