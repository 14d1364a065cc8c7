"""The style of all figures, and their files: the same data give the same bytes.

Colors are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart with any common color vision; no
figure relies on color alone. Matplotlib's object interface is used throughout, and a user's matplotlibrc is passed
over.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

BLUE, ORANGE, VERMILLION = "#0072B2", "#E69F00", "#D55E00"
SKY, GREEN, PURPLE, BLACK = "#56B4E9", "#009E73", "#CC79A7", "#000000"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # Okabe and Ito's yellow is lost on white
DASHES = ("-", "--", ":", "-.")
INK, MID, FAINT = "#404040", "#8C8C8C", "#DADADA"

FORMATS = ("png", "svg", "pdf")
WIDTH = 9.0  # inches: 1350 pixels as PNG, readable at the width of a page
DPI = 150
_LONGEST_TEXT = 300

_RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.parse_math": False,  # a name may hold dollar signs
    "svg.hashsalt": "mimidiar",
    "svg.fonttype": "path",  # looks alike where the font is not installed
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}
# Metadata that depends on the day or the version of matplotlib.
_METADATA = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults and then the style of this package, until the block ends."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """A function that draws in our style."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with style():
            return draw(*args, **kwargs)

    return in_style


def new_figure(height: float, width: float = WIDTH):
    """An empty matplotlib Figure, in inches, with a layout that leaves room for all labels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    FigureCanvasAgg(figure)
    return figure


def targets(path: str | Path) -> list[Path]:
    """The files of `path`: itself as png, svg or pdf; without such a suffix, path.png and path.svg.

    Raises MimidiarError for the suffix of another format; `exp1.5` and `ES2004a.Mix-Headset` have none.
    """
    path = Path(path)
    suffix = path.suffix.removeprefix(".")
    if suffix.lower() in FORMATS:
        return [path]
    if suffix.isalpha():
        raise MimidiarError(f"{path}: figures are written as png, svg or pdf, or without a suffix as png and svg")
    return [path.with_name(f"{path.name}.{kind}") for kind in ("png", "svg")]


def save_figure(figure, path: str | Path) -> list[Path]:
    """Write a figure atomically to all `targets(path)`; same figure, same bytes. Returns the files."""
    files = targets(path)
    with style(), _boxes_for_unknown_letters():
        # Laid out once and for all: the layout of a format would depend on the one that was written before it.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    for file in files:
        kind = file.suffix.removeprefix(".").lower()
        with style(), _boxes_for_unknown_letters(), atomic_path(file) as partial:
            figure.savefig(partial, format=kind, metadata=_METADATA[kind])
    return files


@contextmanager
def _boxes_for_unknown_letters() -> Iterator[None]:
    """A name in a script that the font lacks shows boxes; one warning per letter would help nobody."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def shown_label(text: object, limit: int = 28) -> str:
    """A name for a label: on one line, printable, and with its middle left out where it is longer than `limit`.

    Names of one corpus often share their beginning, so the end is kept as well.
    """
    name = "".join(letter if letter.isprintable() else " " for letter in str(text))
    name = " ".join(name.split()) or "(no name)"
    if len(name) <= limit:
        return name
    tail = (limit - 1) // 2
    return f"{name[: limit - 1 - tail]}…{name[-tail:]}"


def shown_labels(names: Sequence[str], limit: int = 28) -> list[str]:
    """`shown_label` of each; where that makes different names alike, they are cut around the part that differs."""
    labels = [shown_label(name, limit) for name in names]
    if len(set(labels)) == len(set(names)):
        return labels
    head = _shared_letters(names)
    tail = _shared_letters([name[head:][::-1] for name in names])
    middles = [name[head : len(name) - tail] for name in names]
    room = min(head, max(0, limit - 2 - max(map(len, middles))))
    return [shown_label(f"{names[0][:room]}…{middle}{'…' if tail else ''}", limit) for middle in middles]


def _shared_letters(names: Sequence[str]) -> int:
    """How many letters all names begin with."""
    columns = enumerate(zip(*names, strict=False))
    return next((place for place, letters in columns if len(set(letters)) > 1), min(map(len, names)))


def series_look(index: int) -> dict[str, str]:
    """Color and dashes of the series of this number (from 0); 28 differ."""
    return {"color": SERIES[index % len(SERIES)], "linestyle": DASHES[index // len(SERIES) % len(DASHES)]}


def run_colors(count: int) -> list[str]:
    """Colors for `count` lines that dashes cannot tell apart: ours, or, beyond them, steps from dark to light."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if count <= len(SERIES):
        return list(SERIES[:count])
    return [to_hex(colormaps["viridis"](0.92 * index / (count - 1))) for index in range(count)]


def fitted(text: str, inches: float, size: float = 10) -> str:
    """Free text, printable and shortened where it is endless, in lines that fit into `inches` at `size` points."""
    from textwrap import fill

    letters = max(8, int(115 / size * inches))
    return fill(shown_label(text, _LONGEST_TEXT), letters) if text.strip() else ""


def set_title(figure, *lines: str) -> None:
    """Lines over the whole figure, from its left edge."""
    text = "\n".join(filter(None, (fitted(line, figure.get_figwidth() - 0.2) for line in lines)))
    if text:
        figure.suptitle(text, x=0.01, ha="left", fontsize=10, linespacing=1.4)
