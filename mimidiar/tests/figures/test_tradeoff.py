"""DER against token drift: the right pairs of figures, at the right places, and what is left out."""

import json

import pytest
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.figures.tradeoff import draw_tradeoff, parse_points
from mimidiar.tests.figures.canvas import texts, texts_outside


def step(label: str, metric: str, value: float | None, name: str = "test", **more) -> dict:
    return {"label": label, "metric": metric, "value": value, "set": name, "column": metric} | more


STEPS = [
    step("floor", "der", 60.0, role="floor"),
    step("frozen", "der", 40.0),
    step("frozen", "token_drift", None),
    step("trained", "der", 35.0, low=33.0, high=38.0),
    step("trained", "der", -5.0, versus="floors"),
    step("trained", "miss", 9.0),
    step("trained", "token_drift", 20.0),
    step("trained", "der", 50.0, "meetings"),
    step("trained", "token_drift", 25.0, "meetings"),
]


def test_each_system_stands_at_its_drift_and_its_der() -> None:
    points, _ = parse_points({"steps": STEPS}, "here")
    assert [(p.panel, p.label, p.cost, p.gain.value) for p in points] == [
        ("test", "frozen", None, 40.0),
        ("test", "trained", 20.0, 35.0),
        ("meetings", "trained", 25.0, 50.0),
    ]
    figure = draw_tradeoff(points, "a title")
    test, meetings = figure.axes
    drawn = [tuple(zip(*line.get_data(), strict=True)) for line in test.lines]
    assert ((20.0, 35.0),) in drawn and ((20.0, 33.0), (20.0, 38.0)) in drawn
    assert next(line.get_ydata()[0] for line in test.lines if len(line.get_xdata()) == 2) == 40.0
    assert {"test", "meetings", "frozen", "trained", "token drift (%)", "DER (%)", "a title"} <= set(texts(figure))
    assert "floor" not in texts(figure) and texts_outside(figure) == []
    assert len(meetings.lines) == 1


def test_long_names_and_equal_systems_stay_on_the_canvas() -> None:
    many = [
        step(f"system {n} " + "of a name without end " * 4, m, 30.0) for n in range(9) for m in ("der", "token_drift")
    ]
    assert texts_outside(draw_tradeoff(*parse_points({"steps": many}, "here"))) == []


@pytest.mark.parametrize("document", [{"steps": STEPS[:3]}, {"steps": []}, {}, [], {"steps": [3]}])
def test_without_any_drift_there_is_nothing_to_draw(document) -> None:
    with pytest.raises(MimidiarError, match="here: no step has a token_drift"):
        parse_points(document, "here")


def test_from_the_command_line(tmp_path) -> None:
    (tmp_path / "steps.json").write_text(json.dumps({"steps": STEPS, "draft": "made by uncommitted code"}))
    for name in ("a", "b"):
        done = CliRunner().invoke(cli, ["figure", "tradeoff", f"{tmp_path}/steps.json", "-o", f"{tmp_path}/{name}.svg"])
        assert done.exit_code == 0, done.output
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
