"""What every `score.json` has in common, whatever was scored: its name, and the digits of its numbers."""

from typing import Any

SCORE_FILE = "score.json"


def rounded(value: Any) -> Any:
    """Six decimals, in dicts as well: microseconds, and no digits that differ from machine to machine."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return round(value, 6) + 0.0 if isinstance(value, float) else value  # + 0.0: no "-0.0"
