"""The figure of a diarized recording: a lane for each speaker, every turn where it is; of silence as well."""

import numpy as np
import pytest

from mimidiar.annotation.turns import Turn
from mimidiar.figures.timeline import Posteriors, draw_speakers
from mimidiar.tests.figures.canvas import texts, texts_outside


def test_every_turn_is_in_the_lane_of_its_speaker() -> None:
    turns = [Turn("", 0, 4, "spk0"), Turn("", 3, 6, "spk1"), Turn("", 7, 9, "spk0")]
    figure = draw_speakers("a meeting", 10.0, turns, Posteriors(np.full((125, 2), 0.5), 12.5, ["spk0", "spk1"]))
    lanes = figure.axes[1]
    for row, speaker in enumerate(("spk0", "spk1")):
        (bars,) = [each for each in lanes.collections if each.get_gid() == f"turns {speaker}"]
        boxes = [path.get_extents() for path in bars.get_paths()]
        assert [(box.x0, box.x1) for box in boxes] == [
            (turn.start, turn.end) for turn in turns if turn.speaker == speaker
        ]
        assert all((box.y0 + box.y1) / 2 == pytest.approx(row) for box in boxes)
    assert lanes.get_xlim() == (0, 10)
    assert {"a meeting", "spk0 6.0 s, spk1 3.0 s"} <= set("\n".join(texts(figure)).split("\n"))
    assert texts_outside(figure) == []


def test_of_silence_there_is_a_figure() -> None:
    figure = draw_speakers("silence", 20.0, [], Posteriors(np.zeros((250, 0)), 12.5, []))
    assert len(figure.axes) == 1 and figure.axes[0].get_xlim() == (0, 20)
    assert "nobody speaks" in "\n".join(texts(figure)) and texts_outside(figure) == []
