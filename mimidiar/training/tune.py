"""The choice of post-processing on a development set, by frame DER, and the record of where it was chosen."""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import yaml
from scipy.optimize import linear_sum_assignment

from mimidiar.diarize.binarize import Decision, decide
from mimidiar.errors import MimidiarError
from mimidiar.files import write_text

THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
MEDIAN_FRAMES = (1, 5, 11, 17, 25, 37)
MIN_TURN_SEC = (0.0, 0.24, 0.48, 0.8)
MIN_PAUSE_SEC = (0.0, 0.24, 0.48, 0.8)


@dataclass(frozen=True)
class Tuned:
    """A decision, the set it was tuned on, and the frame DER in % that it had there."""

    decision: Decision
    tuned_on: str
    recordings: tuple[str, ...]
    frame_der: float


def tune(posteriors: dict[str, np.ndarray], truth: dict[str, np.ndarray], frame_hz: float, set_name: str) -> Tuned:
    """Search threshold and median length together, then minimum turn and pause together, for the least frame DER.

    posteriors: recording -> (T, K); truth: recording -> bool (T, S) of all reference speakers. Ties: the earlier,
    plainer choice.
    """
    names = sorted(posteriors)

    def frame_der(decision: Decision) -> float:
        errors = [frame_errors(decide(posteriors[name], frame_hz, decision), truth[name]) for name in names]
        wrong, speech = np.sum(errors, axis=0)
        return 100 * float(wrong) / max(float(speech), 1.0)

    smoothing = [Decision(threshold, median) for threshold, median in product(THRESHOLDS, MEDIAN_FRAMES)]
    best = min(smoothing, key=frame_der)
    durations = [replace(best, min_turn_sec=t, min_pause_sec=p) for t, p in product(MIN_TURN_SEC, MIN_PAUSE_SEC)]
    best = min(durations, key=frame_der)
    return Tuned(best, set_name, tuple(names), frame_der(best))


def frame_errors(hypothesis: np.ndarray, reference: np.ndarray) -> tuple[int, int]:
    """Error frames and reference speech of one recording: bool (T, K) against (T, S), channels mapped to speakers at
    best.

    A frame costs max(reference speakers, hypothesis speakers) - correct ones, which is DER's missed + false alarm +
    confusion.
    """
    length = max(len(hypothesis), len(reference))
    hyp, ref = (np.pad(x, ((0, length - len(x)), (0, 0))).astype(np.int64) for x in (hypothesis, reference))
    together = ref.T @ hyp
    correct = together[linear_sum_assignment(-together)].sum()
    return int(np.maximum(ref.sum(1), hyp.sum(1)).sum() - correct), int(ref.sum())


def write_tuned(tuned: Tuned, path: str | Path) -> None:
    """tuned.yaml: the decision and what it was tuned on."""
    values = {
        "decision": tuned.decision.as_dict(),
        "tuned_on": tuned.tuned_on,
        "frame_der": round(tuned.frame_der, 4),
        "recordings": list(tuned.recordings),
    }
    write_text(path, yaml.safe_dump(values, sort_keys=False))


def read_tuned(path: str | Path) -> Tuned:
    """Read tuned.yaml. MimidiarError names the file and what it lacks."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        decision = Decision(**values["decision"])
        decision.check()
        return Tuned(decision, values["tuned_on"], tuple(values["recordings"]), values["frame_der"])
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such file; run the tuning step first") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise MimidiarError(f"{path}: not a tuned.yaml ({error}); run the tuning step again") from None
