"""How a recording is divided into windows, as a name and its numbers; nothing here needs numpy or torch."""

import re
from dataclasses import dataclass

from mimidiar.errors import MimidiarError

SAMPLE_RATE = 16000  # of the audio that is embedded
# Embeddings of shorter windows are poor: CAM++'s error rate at 1.5 s is already ten times that at 3 s.
SHORTEST_SEC = 0.5
INTERPOLATIONS = ("linear", "nearest")
_TAP = re.compile(r"window(\d+(?:\.\d+)?)-hop(\d+(?:\.\d+)?)(?:-(?!speech)(\w+))?(-speech)?")


@dataclass(frozen=True)
class EmbeddingWindows:
    """Windows of `window_sec` every `hop_sec`, and how label frames between two centers are filled.

    `linear` interpolates between the two windows, `nearest` takes the nearer one. With `speech`, frames without speech
    by silero-vad are 0, and windows that only they would need are not computed.
    """

    window_sec: float = 1.5
    hop_sec: float = 0.6
    interpolation: str = "linear"
    speech: bool = False

    def __post_init__(self) -> None:
        if not SHORTEST_SEC <= self.window_sec <= 60 or not 0.01 <= self.hop_sec <= 60:
            raise MimidiarError(
                f"windows of {self.window_sec:g} s every {self.hop_sec:g} s: a window must be {SHORTEST_SEC:g} to 60 s "
                "long, and the hop 0.01 to 60 s"
            )
        if self.interpolation not in INTERPOLATIONS:
            raise MimidiarError(f"interpolation is {self.interpolation!r}; choose one of {', '.join(INTERPOLATIONS)}")

    @property
    def tap(self) -> str:
        """The windows as the name of a tap, such as `window1.5-hop0.6`; `parse_tap` reads it."""
        ending = "" if self.interpolation == "linear" else f"-{self.interpolation}"
        return f"window{self.window_sec:g}-hop{self.hop_sec:g}{ending}{'-speech' if self.speech else ''}"


def parse_tap(tap: str, encoder: str) -> EmbeddingWindows:
    """Read `window1.5-hop0.6`, with `-nearest` or `-speech` at its end or both. MimidiarError for anything else."""
    found = _TAP.fullmatch(tap)
    if not found:
        raise MimidiarError(
            f"{encoder} has no tap {tap!r}; its taps are windows of some length and hop in s: "
            f"{EmbeddingWindows().tap}, or {EmbeddingWindows(interpolation='nearest').tap}, or "
            f"{EmbeddingWindows(speech=True).tap}, or other numbers"
        )
    return EmbeddingWindows(float(found[1]), float(found[2]), found[3] or "linear", bool(found[4]))
