"""What is measured of turns, and what is drawn from it again."""

from pathlib import Path

import numpy as np
import pytest

from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.simulation.turn_statistics import TurnStatistics, draw, measure_turns, read_statistics, write_statistics

# By hand: b begins 0.5 s before a has ended, a goes on 1 s after b, and again 2 s after herself.
TURNS = [Turn("r", 0, 4, "a"), Turn("r", 3.5, 5, "b"), Turn("r", 6, 7, "a"), Turn("r", 9, 10, "a")]


def test_gaps_and_pauses_by_hand() -> None:
    found = measure_turns([TURNS])
    assert (found.gap_sec[0], found.gap_sec[-1]) == (-0.5, 1.0)
    assert set(found.pause_sec) == {2.0}
    assert (found.turn_sec[0], found.turn_sec[-1], found.turns) == (1.0, 4.0, 4)
    assert found.change_share == pytest.approx(2 / 3, abs=1e-4)


def test_a_gap_is_to_the_end_of_all_that_was_said() -> None:
    """An interjection within a long turn does not end it."""
    long = [Turn("r", 0, 10, "a"), Turn("r", 2, 3, "b"), Turn("r", 12, 13, "b"), Turn("r", 14, 15, "b")]
    assert measure_turns([long]).gap_sec[0] == -8.0 and measure_turns([long]).gap_sec[-1] == 2.0


def test_draws_have_the_quantiles() -> None:
    rng = np.random.default_rng(0)
    quantiles = [0.0, 1.0, 10.0]
    drawn = np.array([draw(quantiles, rng) for _ in range(20000)])
    assert np.quantile(drawn, [0.25, 0.5, 0.75]) == pytest.approx([0.5, 1.0, 5.5], abs=0.15)
    assert drawn.min() >= 0 and drawn.max() <= 10


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = {"talks": measure_turns([TURNS])}
    write_statistics(tmp_path / "turns.yaml", found, "Made by a test.")
    assert read_statistics(tmp_path / "turns.yaml") == found
    assert (tmp_path / "turns.yaml").read_text().startswith("# Made by a test.")


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match="4 turns with 3 changes of speaker and 0 pauses"):
        measure_turns([[Turn("r", k, k + 1, f"s{k % 2}") for k in range(4)]])
    (tmp_path / "none.yaml").write_text("corpora: {}\n")
    with pytest.raises(MimidiarError, match=r"none.yaml: no statistics"):
        read_statistics(tmp_path / "none.yaml")
    for change, message in (
        ({"turn_sec": [2.0, 1.0]}, "turn_sec has 2 values; two or more, the least first"),
        ({"turn_sec": [0.0, 1.0]}, "turns are longer than 0 s"),
        ({"change_share": 1.5}, "between 0 and 1"),
    ):
        good = {"turn_sec": [1.0, 2.0], "gap_sec": [0.0, 1.0], "pause_sec": [1.0, 2.0]}
        with pytest.raises(MimidiarError, match=message):
            TurnStatistics(**good | change).check("turns.yaml: talks")
