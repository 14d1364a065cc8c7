"""The figure over depth: lines that join what belongs together, the same bytes, bad data in a line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.figures.depth import draw_depth
from mimidiar.figures.documents import MOST_OF_DEPTH, Step, parse_steps

TAPS = ["seanet", "transformer.0", "latent", "quantized.1", "quantized.8", "mix"]


def steps(series: str, taps: list[str], panel: str = "EER (%)", first: float = 40.0) -> list[Step]:
    return [Step(tap, first - k, first - k - 2, first - k + 2, panel, series) for k, tap in enumerate(taps)]


def test_layers_and_codebooks_are_lines_and_the_sum_stands_apart() -> None:
    figure = draw_depth([*steps("logmel", ["mel"], first=15.0), *steps("mimi", TAPS)])
    (axes,) = figure.axes
    curves = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines if line.get_marker() == "o"]
    assert curves == [([0, 1, 2], [40.0, 39.0, 38.0]), ([3, 4], [37.0, 36.0]), ([5], [35.0])]
    assert [label.get_text() for label in axes.get_xticklabels()] == TAPS
    across = [line for line in axes.lines if list(line.get_ydata()) == [15.0, 15.0]]
    assert len(across) == 1 and axes.get_ylim()[0] == 0


def test_two_encoders_share_the_places_and_panels_keep_their_order() -> None:
    rows = [
        Step("floor", None, panel="A"),
        *steps("a", TAPS[:3], "B"),
        *steps("b", TAPS[:2], "B"),
        *steps("a", TAPS, "A"),
    ]
    figure = draw_depth([*rows, Step("seanet", None, panel="C", series="a")])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["A", "B"]
    places = [line.get_xdata() for line in figure.axes[1].lines if line.get_marker() == "o"]
    assert all(0 < abs(one - other) < 0.5 for one, other in zip(*places, strict=False))


def test_the_command_writes_the_same_bytes_twice(tmp_path: Path) -> None:
    rows = [{"label": tap, "value": 30 + k, "column": "EER", "series": "s"} for k, tap in enumerate(TAPS)]
    (tmp_path / "data.json").write_text(json.dumps({"steps": rows, "title": "t"}))
    for name in ("a.png", "b.png"):
        done = CliRunner().invoke(cli, ["figure", "depth", str(tmp_path / "data.json"), "-o", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert min(image.size) > 300


def test_more_points_than_a_bar_figure_shows() -> None:
    rows = [{"label": f"{k}", "value": 1, "column": f"{p}"} for p in range(13) for k in range(17)]
    with pytest.raises(MimidiarError, match="221 steps; a figure shows up to 200"):
        parse_steps({"steps": rows}, "x")
    assert len(parse_steps({"steps": rows}, "x", MOST_OF_DEPTH)[0]) == 221


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(MimidiarError, match="no step has a value"):
        draw_depth([Step("seanet", None)])
