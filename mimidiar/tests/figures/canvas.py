"""What a drawn figure shows: its texts, and whether all of them lie on the canvas."""

from unittest.mock import patch

from matplotlib.text import Text

SLACK = 1.0  # pixels


def texts(figure) -> list[str]:
    """Every text that is drawn."""
    return [text.get_text() for text in _drawn(figure)]


def texts_outside(figure) -> list[str]:
    """The texts that the edge of the canvas cuts."""
    drawn = _drawn(figure)
    renderer, canvas = figure.canvas.get_renderer(), figure.bbox
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in drawn]
    return [
        words
        for words, box in boxes
        if box.x0 < -SLACK or box.y0 < -SLACK or box.x1 > canvas.x1 + SLACK or box.y1 > canvas.y1 + SLACK
    ]


def _drawn(figure) -> list[Text]:
    """Ticks beyond the axes have labels as well, which are never drawn: so the drawing itself is watched."""
    seen, draw = [], Text.draw

    def watch(text, *args, **kwargs):
        seen.append(text)
        return draw(text, *args, **kwargs)

    with patch.object(Text, "draw", watch):
        figure.canvas.draw()
    return [text for text in seen if text.get_visible() and text.get_text().strip()]
