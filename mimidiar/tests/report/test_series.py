"""Rows that stand for every tag, each tag a series of its own: in the table, in the data of figures, in sentences."""

import json
from pathlib import Path

from mimidiar.figures.documents import parse_steps
from mimidiar.report.document import FORMATS, make_report
from mimidiar.report.record import write_record
from mimidiar.report.record_index import Shelf
from mimidiar.report.table_file import read_table_file
from mimidiar.tests.report.records import make

TABLE = """
title: t
records: [records]
tables:
  - name: taps
    title: depth
    columns: [{label: DER, set: test, protocol: collar0, metric: der}]
    rows:
      - {label: seanet, system: "taps-seanet-{tag}", series: "{tag}"}
      - {label: latent, system: "taps-latent-{tag}", series: "{tag}"}
    comparisons: [{system: "taps-latent-{tag}", versus: "taps-seanet-{tag}", column: DER}]
"""


def test_each_tag_is_a_series(tmp_path: Path) -> None:
    (tmp_path / "table.yaml").write_text(TABLE)
    for tap, error in (("seanet", 1.0), ("latent", 2.0)):
        for tag in ("mimi", "logmel"):
            write_record(tmp_path / "records", make(f"taps-{tap}-{tag}", errors=(error,) * 20))
    report = make_report(read_table_file(tmp_path / "table.yaml"), Shelf([tmp_path / "records"]))
    steps, _ = parse_steps(json.loads(FORMATS["json"](report)), "x")
    found = {(step.label, step.series): step.value for step in steps}
    assert found == {(t, s): v for s in ("mimi", "logmel") for t, v in (("seanet", 10.0), ("latent", 20.0))}
    assert "| mimi: seanet " in FORMATS["md"](report)
    said = [compared.sentence() for compared in report.tables[0].comparisons]
    assert sorted(line.partition(",")[0] for line in said) == [
        "latent (logmel): worse than seanet (logmel)",
        "latent (mimi): worse than seanet (mimi)",
    ]
