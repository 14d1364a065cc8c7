"""What each figure shows: its labels on the canvas, its marks where the data are; extreme data included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.figures.bars import draw_bars, draw_progression, value_text
from mimidiar.figures.documents import parse_bars, parse_steps
from mimidiar.figures.style import shown_label, shown_labels
from mimidiar.figures.timeline import ERROR_COLORS, Posteriors, clock, draw_timeline, step_sec
from mimidiar.figures.training import draw_training
from mimidiar.figures.verification import draw_det, draw_histogram
from mimidiar.score.error_regions import find_errors
from mimidiar.score.verification import operating_points
from mimidiar.tests.figures.canvas import texts, texts_outside

LONG = "a_corpus_whose_names_never_come_to_an_end_" * 3


def errors_of(reference, hypothesis, regions, name="r"):
    turns = [[Turn(name, start, end, speaker) for start, end, speaker in side] for side in (reference, hypothesis)]
    return find_errors(name, *turns, regions)


def trials(count=400, distance=2.0, seed=0):
    random = np.random.default_rng(seed)
    target = np.arange(count) % 2 == 0
    return random.normal(distance * target, 1), target


def bars(figure, gid):
    """(start, end) in seconds of the bars of this kind."""
    found = [c for axes in figure.axes for c in axes.collections if c.get_gid() == gid]
    return sorted((p.get_extents().x0, p.get_extents().x1) for c in found for p in c.get_paths())


def test_timeline_shows_every_turn_and_every_error():
    errors = errors_of([(0, 4, "ann"), (4, 6, "bob")], [(1, 5, "x"), (7, 8, "x")], [(0, 7.5)])
    figure = draw_timeline(errors)
    assert bars(figure, "reference missed") == [(0, 1), (5, 6)]
    assert bars(figure, "reference correct") == bars(figure, "hypothesis correct") == [(1, 4)]
    assert bars(figure, "reference confusion") == bars(figure, "hypothesis confusion") == [(4, 5)]
    assert bars(figure, "hypothesis false alarm") == [(7, 7.5)]
    assert bars(figure, "hypothesis not scored") == [(7.5, 8)]
    said = texts(figure)
    assert {"ann", "bob", "x", "–", "reference", "hypothesis", "time (s)"} <= set(said)
    assert "missed 2.0 s (33.3 %)" in said and "confusion 1.0 s (16.7 %)" in said
    assert any("DER 58.3 % (no collar, overlap scored)" in line for line in said)
    assert texts_outside(figure) == []


def test_timeline_of_errors_agrees_with_the_strip_below():
    errors = errors_of([(0, 40, "a"), (30, 60, "b")], [(0, 33, "x"), (35, 70, "y")], [(0, 70)])
    strip = draw_timeline(errors).axes[-1]
    for kind, stairs in zip(ERROR_COLORS, strip.patches, strict=True):
        values, edges, baseline = stairs.get_data()
        assert ((values - baseline) * np.diff(edges)).sum() == pytest.approx(errors.error_sec(kind))


def test_timeline_heat_map_in_the_order_of_the_lanes_and_in_the_window():
    errors = errors_of([(0, 30, "a"), (30, 60, "b")], [(0, 30, "spk1"), (30, 60, "spk0")], [(0, 60)])
    matrix = np.zeros((600, 3))
    matrix[:300, 1] = matrix[300:, 0] = 1
    figure = draw_timeline(errors, 20, 40, Posteriors(matrix, 10.0, ["spk0", "spk1", "spk2"]))
    heat = figure.axes[0]
    assert [label.get_text() for label in heat.get_yticklabels()] == ["spk1", "spk0", "spk2"]
    image = heat.images[0]
    assert image.get_extent() == [20, 40, 2.5, -0.5]
    assert np.array_equal(image.get_array()[0], np.arange(200) < 100)
    assert all(axes.get_xlim() == (20, 40) for axes in figure.axes[:3])
    assert texts_outside(figure) == []


def test_timeline_of_an_hour_shows_turns_thinner_than_a_pixel():
    errors = errors_of(
        [(60 * k + 7.3 * (k % 8), 60 * k + 7.3 * (k % 8) + 0.5, "a") for k in range(60)], [], [(0, 3600)]
    )
    figure = draw_timeline(errors)
    figure.canvas.draw()
    lanes = figure.axes[0]
    (left, y), (right, _) = lanes.transData.transform([(0, -0.2), (3600, -0.2)])
    pixels = np.asarray(figure.canvas.buffer_rgba())[-int(y), int(left) + 3 : int(right), :3]
    dark = (pixels < 250).any(axis=1)
    assert (np.diff(dark.astype(int)) == 1).sum() >= 58


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [
        pytest.param([(0, 1, "a")], [], id="empty hypothesis"),
        pytest.param([], [(0, 1, "a")], id="empty reference"),
        pytest.param(
            [(60 * k, 60 * k + 90, f"{LONG}{k}") for k in range(40)],
            [(60 * k, 60 * k + 80, f"{k}{LONG}") for k in range(40)],
            id="40 long names",
        ),
    ],
)
def test_timeline_of_the_extreme(reference, hypothesis):
    errors = errors_of(reference, hypothesis, [(0, 2400)], name=LONG)
    figure = draw_timeline(errors)
    assert texts_outside(figure) == []
    labels = [text for text in texts(figure) if "never" in text or "corpus" in text]
    assert len(labels) == len(set(labels))


def test_timeline_of_nothing_is_refused():
    errors = errors_of([(0, 1, "a")], [], [(0, 5)])
    for window in ((6, 9), (3, 2), (-1, 3)):
        with pytest.raises(MimidiarError, match="nothing to draw"):
            draw_timeline(errors, *window)
    with pytest.raises(MimidiarError, match="nothing to draw"):
        draw_timeline(errors_of([], [], []))
    with pytest.raises(MimidiarError, match="200 speakers"):
        draw_timeline(errors_of([(k, k + 1, str(k)) for k in range(200)], [], [(0, 200)]))


def test_det_is_straight_for_gaussians_and_marks_the_eer():
    from scipy.special import ndtri

    scores = np.concatenate([ndtri((np.arange(20000) + 0.5) / 20000) + shift for shift in (0.0, 2.0)])
    figure = draw_det({"gauss": operating_points(scores, np.arange(40000) >= 20000)}, title="two Gaussians")
    _, curve, mark = figure.axes[0].lines
    x, y = curve.get_data()
    inner = slice(1, -1)  # the ends lie on the edge of the figure
    assert np.allclose(x[inner] + y[inner], -2, atol=0.01)
    assert np.allclose([*mark.get_data()], -1, atol=0.01)
    said = texts(figure)
    assert {"gauss: EER 15.87 %", "false acceptance rate (%)", "miss rate (%)", "two Gaussians", "10"} <= set(said)
    assert texts_outside(figure) == []


@pytest.mark.parametrize(
    "systems",
    [
        {"perfect": ([3, 2, 1, 0], [1, 1, 0, 0]), "reversed": ([0, 1, 2, 3], [1, 1, 0, 0])},
        {f"{LONG}{number}": trials(60, number, number) for number in range(6)},
    ],
    ids=["perfect and reversed", "six long names"],
)
def test_det_of_the_extreme(systems):
    figure = draw_det({name: operating_points(*data) for name, data in systems.items()})
    assert texts_outside(figure) == []
    legend = [text for text in texts(figure) if "EER" in text]
    assert len(set(legend)) == len(systems)


def test_histogram_counts_every_trial():
    scores, target = trials()
    figure = draw_histogram(scores, target)
    shares = [patch.get_data().values.sum() for patch in figure.axes[0].patches]
    assert shares == pytest.approx([100] * 4)
    assert any(text.startswith("EER") for text in texts(figure))
    assert {"score", "trials of each kind (%)"} <= set(texts(figure))
    assert texts_outside(figure) == []


def test_histogram_with_far_or_equal_scores_is_still_seen():
    scores, target = trials()
    far = draw_histogram(np.append(scores, [1e9]), np.append(target, [True]))
    assert far.axes[0].get_xlim()[1] < 20
    assert "score (1 trials lie off the axis)" in texts(far)
    same = draw_histogram([0.5] * 4, [1, 1, 0, 0])
    assert any("EER 50.00 %" in text for text in texts(same))


def epochs(count, offset=0.0):
    return [
        {
            "epoch": e,
            "best_epoch": count // 2,
            "train_loss": 1 / (e + 1),
            "val_loss": offset + 1 / (e + 1),
            "val_der": 40,
        }
        | {"learning_rate": 1e-4, "step": e}
        for e in range(count)
    ]


def test_training_has_a_panel_for_each_quantity():
    figure = draw_training({"one": epochs(6), "two": epochs(3, offset=0.5)}, title="two runs")
    loss, der, rate = figure.axes
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "frame DER (%)", "learning rate"]
    drawn = {line.get_gid(): line.get_ydata() for line in loss.lines[:3]}  # of the first run
    assert np.allclose(drawn["val_loss"], 1 / np.arange(1, 7))
    assert drawn["best val_loss"] == pytest.approx([1 / 4])
    assert len(der.lines) == 4 and len(rate.lines) == 2
    assert {"one", "two", "training", "validation", "best epoch", "two runs"} <= set(texts(figure))
    assert texts_outside(figure) == []


def test_training_with_gaps_and_a_single_epoch():
    gap = [{"epoch": 0, "val_loss": 1.0}, {"epoch": 1, "val_loss": float("nan")}, {"epoch": 2, "val_loss": 10**400}]
    (line,) = draw_training({"gap": gap}).axes[0].lines
    assert np.isnan(line.get_ydata()).tolist() == [False, True, True]
    assert texts_outside(draw_training({LONG: epochs(1)})) == []
    with pytest.raises(MimidiarError, match="no numbers"):
        draw_training({"none": [{"epoch": 0}]})


def bar(label, value, low=None, high=None, **more):
    return {"label": label, "value": value, "low": low, "high": high, **more}


def test_bars_stand_or_lie_and_say_their_values():
    few = {"bars": [bar("2 speakers", 41.5, 40, 43), bar("mixed", None)], "ylabel": "confusion (%)", "title": "why"}
    figure = draw_bars(*parse_bars(few, "x"))
    assert [patch.get_height() for patch in figure.axes[0].patches] == [41.5, 0]
    assert {"2 speakers", "mixed", "41.5", "not run", "confusion (%)", "why"} <= set(texts(figure))
    assert texts_outside(figure) == []
    many = {"bars": [bar(f"{LONG}{k}", k - 20, k - 22, k - 19) for k in range(40)], "ylabel": LONG, "title": LONG}
    figure = draw_bars(*parse_bars(many, "x"))
    assert [patch.get_width() for patch in figure.axes[0].patches] == list(range(-20, 20))
    assert texts_outside(figure) == []


def test_progression_has_a_panel_for_each_metric():
    steps = [
        bar("Exp 1", 35.0, 34, 36, metric="eer"),
        bar("Exp 1.5", 20.5, 20, 21, metric="eer"),
        bar("Exp 2", 36.0, metric="der"),
        bar("Exp 2.5", None, metric="der"),
        bar("Exp 3", "60.93", metric="der", status="published"),
    ]
    figure = draw_progression(*parse_steps({"steps": steps, "title": "on", "draft": True, "facts": []}, "x"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["EER (%)", "DER (%)"]
    ticks = [[label.get_text() for label in axes.get_xticklabels()] for axes in figure.axes]
    assert ticks == [["Exp 1", "Exp 1.5"], ["Exp 2", "Exp 2.5", "Exp 3"]]
    assert np.allclose(figure.axes[0].lines[0].get_ydata(), [35, 20.5])
    ours, _, theirs = (line.get_ydata() for line in figure.axes[1].lines[:3])
    assert np.isnan(ours).tolist() == [False, True, True] and np.isnan(theirs).tolist() == [True, True, False]
    assert {"35.0", "20.5", "36.0", "60.9", "not run", "published by others"} <= set(texts(figure))
    assert any("draft" in text for text in texts(figure))
    assert texts_outside(figure) == []


def test_progression_of_a_table_leaves_out_what_belongs_to_another_column():
    cells = [("Exp 1", "EER %", 35.0), ("Exp 1", "DER %", None), ("Exp 2", "EER %", None), ("Exp 2", "DER %", 36.0)]
    steps = [bar(label, value, column=column, metric="m") for label, column, value in cells]
    figure = draw_progression(*parse_steps({"steps": steps}, "x"))
    ticks = [[label.get_text() for label in axes.get_xticklabels()] for axes in figure.axes]
    assert ticks == [["Exp 1"], ["Exp 2"]]
    assert "not run" not in texts(figure)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "no object with a list 'steps'"),
        ({"steps": []}, "of one entry or more"),
        ({"steps": [3]}, "step 1: no object with `label` and `value`"),
        ({"steps": [bar("a", "many")]}, "step 1: value is 'many', not a number"),
        ({"steps": [bar("a", float("nan"))]}, "not a number"),
        ({"steps": [bar("a", 1, low=2, high=1)]}, "low 2.0 and high 1.0 are no interval"),
        ({"steps": [bar("a", 1, low=0)]}, "give both"),
        ({"steps": [bar(["a"], 1)]}, "label is .*, not a text"),
        ({"steps": [bar("a", 1), bar("a", 2)]}, "step 2: there is 'a' already"),
        ({"steps": [bar("a", 1)] * 201}, "201 steps"),
    ],
)
def test_data_that_make_no_figure(document, says):
    with pytest.raises(MimidiarError, match=f"data.json: .*{says}|data.json: {says}"):
        parse_steps(document, "data.json")


def test_figures_without_a_value_are_refused():
    with pytest.raises(MimidiarError, match="none of the 1 bars"):
        draw_bars(*parse_bars({"bars": [bar("a", None)]}, "x"))
    with pytest.raises(MimidiarError, match="none of the 1 steps"):
        draw_progression(*parse_steps({"steps": [bar("a", None)]}, "x"))


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=5, unique=True))
def test_labels_are_short_and_printable(names):
    for label in (*shown_labels(names), *map(shown_label, names)):
        assert len(label) <= 28 and label.isprintable() and label.strip()


def test_labels_of_different_names_differ():
    names = [f"{LONG}{k}{LONG}" for k in range(3)]
    assert len({*shown_labels(names)}) == 3


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 1e8), st.integers(2, 300))
def test_steps_of_time_are_round_and_few(duration, most):
    step = step_sec(duration, most)
    assert duration / step <= most * (1 + 1e-9)
    assert step < 60 or step % 60 == 0


def test_clock():
    assert [clock(75, 90), clock(0.5, 90)] == ["75", "0.5"]
    assert [clock(75, 600), clock(75.5, 600), clock(60, 3599)] == ["1:15", "1:15.5", "1:00"]
    assert clock(3675, 7200) == "1:01:15"


def test_value_text():
    values = [0, 3.14159, 9.994, 9.996, 41.46, -2.5, 1e-5, 123456.0]
    assert [value_text(v) for v in values] == ["0.00", "3.14", "9.99", "10.0", "41.5", "−2.50", "1e−05", "1.2e+05"]
