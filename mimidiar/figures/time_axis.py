"""Time along the x axis: seconds for a short stretch, minutes and hours for a long one."""

from mimidiar.annotation.turns import Region

_STEPS_SEC = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 10
_DAY_SEC = 86400


def set_time_axis(axes, window: Region) -> None:
    """Show `window` (start, end) in seconds, with round ticks and a label that says how to read them."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    start, end = window
    axes.set_xlim(start, end)
    axes.xaxis.set_major_locator(MultipleLocator(step_sec(end - start, _MOST_TICKS)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds, end)))
    axes.set_xlabel(f"time ({_unit(end)})")


def step_sec(duration: float, most: int) -> float:
    """The smallest round step that cuts `duration` into at most `most` parts; whole days beyond the list."""
    days = -(-duration // (most * _DAY_SEC))
    return next((step for step in _STEPS_SEC if duration / step <= most), days * _DAY_SEC)


def clock(seconds: float, longest: float) -> str:
    """`seconds` as the axis up to `longest` writes them: 75, 1:15 or 0:01:15."""
    if longest <= 120:
        return f"{seconds:.10g}"
    whole, part = divmod(round(seconds, 3), 1)
    minutes, rest = divmod(int(whole), 60)
    fraction = f"{part:.3f}".rstrip("0")[1:].rstrip(".")
    if longest < 3600:
        return f"{minutes}:{rest:02d}{fraction}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}{fraction}"


def _unit(longest: float) -> str:
    if longest <= 120:
        return "s"
    return "min:s" if longest < 3600 else "h:min:s"
