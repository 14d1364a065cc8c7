"""Sentences of comparison: the verdict is that of the paired interval, computed here from the raw figures."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from mimidiar.errors import MimidiarError
from mimidiar.report.document import FORMATS, as_json, make_report, markdown
from mimidiar.report.record import Record
from mimidiar.report.record_index import Shelf
from mimidiar.report.table_file import read_table_file, tag_in
from mimidiar.score.bootstrap import ratio_interval
from mimidiar.tests.report.records import make, make_verification, put

DER = {"label": "DER", "set": "test", "protocol": "collar0", "metric": "der", "decimals": 1}
EER = {"label": "EER", "set": "trials", "protocol": "trials", "metric": "eer", "interval": True, "decimals": 3}
A_TO_B = {"system": "a", "versus": "b", "column": "DER"}
EASY, HARD = tuple(range(1, 25)), tuple(range(2, 26))  # seconds of error in 24 recordings


def sentences(folder: Path, table: dict, comparisons: list[dict]) -> list[str]:
    """Those of one table on the records in `folder`, as LaTeX and CSV show them: without emphasis."""
    report = _report(folder, table | {"comparisons": comparisons})
    return [compared.sentence() for compared in report.tables[0].comparisons]


def _report(folder: Path, table: dict):
    whole = {"title": "T", "records": ["."], "tables": [{"name": "one", "title": "One"} | table]}
    (folder / "table.yaml").write_text(yaml.safe_dump(whole))
    return make_report(read_table_file(folder / "table.yaml"), Shelf([folder]))


def rows(*names: str, **changes: str) -> list[dict]:
    return [{"label": name.upper(), "system": name} | changes for name in names]


def with_draws(system: str, seed: int, eer: float, draws: list, **changes) -> Record:
    metrics = {"eer": eer, "n_speakers": 40, "n_target": 5, "n_nontarget": 5}
    return make_verification(system, seed, metrics=metrics, draws={"eer": draws}, **changes)


def test_better_worse_and_not_distinguishable(tmp_path: Path) -> None:
    mixed = tuple(error + (2 if place % 2 else -1) * (place > 0) for place, error in enumerate(EASY))
    put(tmp_path, make("a", errors=EASY), make("b", errors=HARD), make("c", errors=mixed))
    asked = [{"system": x, "versus": y, "column": "DER"} for x, y in ("ab", "ba", "ca")]
    better, worse, alike = sentences(tmp_path, {"columns": [DER], "rows": rows("a", "b", "c")}, asked)
    # Each recording of 10 s has just one second more or less: -10 points in every draw.
    assert better == "A: better than B, DER: -10.0 points [-10.0, -10.0], paired over 24 recordings."
    assert worse == "B: worse than A, DER: +10.0 points [+10.0, +10.0], paired over 24 recordings."
    by_name = sorted(range(24), key=lambda n: f"rec{n}")
    raw = ratio_interval([100.0 * mixed[n] - 100.0 * EASY[n] for n in by_name], [10.0] * 24)
    assert raw.low < 0 < raw.high
    assert alike == (
        f"C: not distinguishable at 95 % from A, DER: {raw.value:+.1f} points [{raw.low:+.1f}, {raw.high:+.1f}], "
        "paired over 24 recordings."
    )


def test_seeds_are_averaged_and_few_recordings_said(tmp_path: Path) -> None:
    put(tmp_path, *(make("a", seed, (seed, 2.0, 3.0)) for seed in (1, 3)), make("b", 1, (9.0, 9.0, 9.0)))
    (said,) = sentences(tmp_path, {"columns": [DER], "rows": rows("a", "b")}, [A_TO_B])
    assert said.startswith("A: better than B, DER: -66.7 points [")
    assert said.endswith("paired over 3 recordings, mean of 2 seeds and of 1; rough, with so few recordings.")


def test_equal_error_rates_are_paired_draw_by_draw(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(20, 5, 200).round(3)  # what makes the drawn speakers hard is hard for both
    draws = {("a", 1): hard - 1, ("a", 2): hard - 3, ("b", 1): hard}
    for (system, seed), values in draws.items():
        put(tmp_path, with_draws(system, seed, 20.0 - 2 * (system == "a"), [None, *values.tolist()]))
    report = _report(
        tmp_path,
        {"columns": [EER], "rows": rows("a", "b"), "comparisons": [{"system": "a", "versus": "b", "column": "EER"}]},
    )
    (compared,) = report.tables[0].comparisons
    # Apart, the intervals overlap nearly wholly; the difference is 2 points in every draw.
    assert (compared.verdict, compared.found.value) == ("better", -2.0)
    assert (compared.found.low, compared.found.high) == (pytest.approx(-2), pytest.approx(-2))
    assert compared.about == "paired over 40 speakers, mean of 2 seeds and of 1"
    low, high = np.percentile(hard - 2, [2.5, 97.5])
    text = markdown(report)
    assert f"18.000 ± 0.000 [{low:.3f}, {high:.3f}]" in text
    assert "- A: **better** than B, EER: -2.000 points [-2.000, -2.000], paired over 40 speakers" in text
    assert "A: better than B, EER" in FORMATS["latex"](report) and '"verdict": "better"' in as_json(report)


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    put(
        tmp_path,
        make_verification("old"),
        with_draws("new", 1, 10.0, [9.0, 11.0]),
        make("x", errors=(1.0,)),
        make("y", errors=(2.0,)),
    )
    table = {"columns": [EER, DER], "rows": rows("old", "new", "x", "y", "gone", "lost")}
    asked = [("old", "new", "EER"), ("new", "gone", "EER"), ("x", "y", "DER"), ("gone", "lost", "DER")]
    said = sentences(tmp_path, table, [dict(zip(("system", "versus", "column"), each, strict=True)) for each in asked])
    assert said == [
        "OLD: not compared with NEW, EER: scores without the draws of their bootstrap; score them again.",
        "NEW: not compared with GONE, EER: no record of GONE.",
        "X: not compared with Y, DER: 1 of recordings has no interval.",
    ]


def test_a_tag_and_a_set_pattern_give_a_sentence_each(tmp_path: Path) -> None:
    put(tmp_path, *(make(name, errors=EASY, set=s) for name in ("m-a", "m-b", "n-a", "n-b") for s in ("t_x", "t_y")))
    table = {"columns": [DER | {"label": "DER, {set}", "set": "t_*"}]}
    table["rows"] = [{"label": "the {tag}", "system": "m-{tag}"}, {"label": "not {tag}", "system": "n-{tag}"}]
    said = sentences(tmp_path, table, [{"system": "m-{tag}", "versus": "n-{tag}", "column": "DER, {set}"}])
    assert [each.split(":")[0] for each in said] == ["the a", "the b"] * 2
    assert ["from not a, DER, t_x" in said[0], "from not b, DER, t_y" in said[3]] == [True, True]
    said = sentences(tmp_path, table, [{"system": "m-{tag}", "versus": "m-a", "column": "DER, {set}"}])
    assert [each.split(":")[0] for each in said] == ["the b"] * 2  # with itself it is not compared


def test_tags_are_read_off_the_systems() -> None:
    assert [tag_in("a-{tag}-z", name) for name in ("a-x-z", "a--z", "b-x-z", "a-z")] == ["x", None, None, None]
    assert [tag_in("plain", name) for name in ("plain", "other")] == ["", None]


def test_different_recordings_are_refused(tmp_path: Path) -> None:
    put(tmp_path, make("a"), make("b", errors=(1.0, 2.0)))
    with pytest.raises(MimidiarError, match=r"table 'one', 'A' against 'B': 1 recordings are in only one"):
        sentences(tmp_path, {"columns": [DER], "rows": rows("a", "b")}, [A_TO_B])


@pytest.mark.parametrize(
    ("comparison", "said"),
    [
        ({"column": "JER"}, "a comparison in a column 'JER' that is not there; it has DER, miss"),
        ({"column": "miss"}, "column 'miss': miss has no paired difference; compare by der or eer"),
        ({"versus": "c"}, "a comparison of 'c', which no row is about"),
        ({"metric": "der"}, "metric"),
    ],
)
def test_a_wrong_comparison_is_refused(tmp_path: Path, comparison: dict, said: str) -> None:
    asked = [{"system": "a", "versus": "b", "column": "DER"} | comparison]
    columns = [DER, DER | {"label": "miss", "metric": "miss"}]
    with pytest.raises(MimidiarError, match=r"table\.yaml") as error:
        sentences(tmp_path, {"columns": columns, "rows": rows("a", "b")}, asked)
    assert said in str(error.value)


# --- leaky ---

STAMP = "leaky: for comparison only (split so)"


def test_a_leaky_record_is_stamped_whatever_the_table_says(tmp_path: Path) -> None:
    put(tmp_path, make("a", errors=EASY, leaky=[STAMP]), make("b", errors=HARD), make("c", errors=HARD))
    table = {"columns": [DER | {"best": "low"}], "rows": rows("a", "b", "c")}
    asked = [A_TO_B]
    report = _report(tmp_path, table | {"comparisons": asked})
    text = markdown(report)
    assert "| A [1]  | 125.0     |" in text and f"- [1] {STAMP}" in text
    assert "| B      | **135.0** |" in text  # the best of those that can be compared
    assert report.tables[0].comparisons[0].about.endswith("; leaky, for comparison only: A")
    assert f",leaky,DER,test,collar0,der,,125.0,,1,,,figure,{STAMP}," in FORMATS["csv"](report)


def test_a_row_that_is_called_leaky_says_what_it_has_seen(tmp_path: Path) -> None:
    put(tmp_path, make("a", trained_on=["test"]), make("b", trained_on=["unknown"]))
    text = markdown(_report(tmp_path, {"columns": [DER], "rows": rows("a", "b", "gone", role="leaky")}))
    assert "- [1] leaky: for comparison only (trained on test)" in text
    assert "- [2] leaky: for comparison only (it may have seen what it is scored on)" in text
    assert "| GONE   | not run |" in text
