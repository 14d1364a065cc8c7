"""tuned.yaml: tuned values, the name of the tuning set and the error rates there; one format for all."""

from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

T = TypeVar("T")


@dataclass(frozen=True)
class Tuned(Generic[T]):
    """`values` (a dataclass, or a dict), and what was `found` on the set: frame_der in %,
    baseline_frame_der (that of the better of the two trivial baselines), ..."""

    values: T
    tuned_on: str
    recordings: tuple[str, ...]
    found: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> str:
        """One line for the log."""
        values = ", ".join(f"{key} {value:g}" for key, value in asdict(self.values).items())
        line = f"tuned on {self.tuned_on}: {values}; frame DER there {self.found['frame_der']:.2f} %"
        if "counted_right" in self.found:
            line += f", speakers counted right in {100 * self.found['counted_right']:.0f} %"
        return line


def write_tuned(tuned: Tuned, path: Path) -> None:
    """Write tuned.yaml, atomically."""
    values = asdict(tuned.values) if is_dataclass(tuned.values) else tuned.values
    found = {key: round(value, 4) if isinstance(value, float) else value for key, value in tuned.found.items()}
    document = {"values": values, "tuned_on": tuned.tuned_on, **found, "recordings": list(tuned.recordings)}
    write_text(path, yaml.safe_dump(document, sort_keys=False))


def read_tuned(path: Path, schema: type[T], command: str) -> Tuned[T]:
    """Read tuned.yaml, written by `command`. MimidiarError names the file and the missing entry."""
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        values, tuned_on, names = (document.pop(key) for key in ("values", "tuned_on", "recordings"))
        chosen = schema(**values)
        if hasattr(chosen, "check"):
            chosen.check()
        return Tuned(chosen, tuned_on, tuple(names), document)
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such file; run `{command}` first") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise MimidiarError(f"{path}: not the tuned.yaml of `{command}` ({error}); run it again") from None
