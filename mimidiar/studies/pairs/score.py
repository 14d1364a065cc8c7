"""Equal error rate (EER) over pairs of windows, for each length of windows by itself.

`score.json`: `kind` "pairs"; `eer` in %, `mean_target` and `mean_nontarget` (mean cosines), `n_target`, `n_nontarget`
(pairs), `n_recordings` (with pairs), `n_left_out` (with too few); `intervals` of `eer`, `system`, `warnings`, `vectors`
(what was compared), `weights_sha256` of a speaker encoder, `scores_sha256`, and `protocol`. `draws.csv`: as `mimidiar
verify` writes it.

The EER is that of verification (`mimidiar.score.verification`). Pairs of a recording share its speakers, its room and
its windows, so that a draw of the bootstrap takes whole recordings, with replacement. Conversations of a set may share
speakers: the interval is about other conversations of these speakers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.annotation.text_file import sha256_lines
from mimidiar.files import write_json
from mimidiar.score.bootstrap import FEW_CLUSTERS, LEVEL, percentiles
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.score_file import SCORE_FILE, rounded
from mimidiar.score.trials import Trials, read_trials, write_scores
from mimidiar.score.verification import SortedTrials, equal_error_rate, score_trials, sort_trials
from mimidiar.score.verify_files import EER_DECIMALS, write_draws
from mimidiar.studies.pairs.choose import TRIALS, WINDOWS, Length, read_lengths
from mimidiar.studies.pairs.embed import Vectors
from mimidiar.studies.pairs.windows import Window, read_windows

KIND, SCORES = "pairs", "scores"
DRAWS = 1000
FIGURES = ("eer", "mean_target", "mean_nontarget", "n_target", "n_nontarget")


def read_pairs(folder: Path) -> tuple[Trials, dict[str, Window]]:
    """The pairs chosen in a folder, and their windows by id."""
    read_lengths(folder)
    return read_trials(folder / TRIALS), read_windows(folder / WINDOWS)


def score_pairs(folder: Path, out: Path, vectors: Vectors, about: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Score the pairs of a folder by the cosine of the vectors of their windows.

    Writes OUT/scores, and for each length OUT/window<seconds> with draws.csv and score.json, which takes up `about`.
    Returns the content of score.json by the names of these folders.
    """
    (trials, windows), (lengths, chosen) = read_pairs(folder), read_lengths(folder)
    cosines = cosines_of(trials, vectors)
    write_scores(out / SCORES, trials.pairs, cosines)
    frames = np.array([windows[one].frames for one, _ in trials.pairs])
    recordings = np.array([windows[one].recording for one, _ in trials.pairs])
    common = dict(about) | {"scores_sha256": sha256_lines(out / SCORES)}
    documents = {}
    for length in lengths:
        own = frames == length.frames
        document, draws = score_length(length, cosines[own], trials.target[own], recordings[own])
        document |= common | {"protocol": _protocol(length, chosen, folder)}
        write_draws(out / length.name, draws)
        write_json(out / length.name / SCORE_FILE, document)
        documents[length.name] = document
    return documents


def cosines_of(trials: Trials, vectors: Vectors) -> np.ndarray:
    """(pairs,): the cosine of the two vectors of each pair; 0 where one is zero."""
    unit = {name: vector / max(np.linalg.norm(vector), 1e-12) for name, vector in vectors.items()}
    return np.array([unit[one] @ unit[other] for one, other in trials.pairs], dtype=float)


def score_length(
    length: Length, cosines: np.ndarray, target: np.ndarray, recordings: np.ndarray
) -> tuple[dict[str, Any], list[float]]:
    """The content of score.json but for its protocol, and the EER in % of each draw. All arguments are (pairs,)."""
    figures = score_trials(cosines, target)
    draws = eer_draws(sort_trials(cosines, target), recordings)
    low, high = percentiles(np.array(draws)).tolist()
    number = len(length.recordings)
    few = [f"only {number} recordings: the interval is rough, and rather too narrow"] if number < FEW_CLUSTERS else []
    document = {"kind": KIND} | {name: figures[name] for name in FIGURES}
    return document | {
        "n_recordings": number,
        "n_left_out": len(length.left_out),
        "intervals": rounded({"eer": {"low": low, "high": high, "level": LEVEL}}) if number > 1 else {},
        "warnings": [
            *few,
            *([f"left out, with too few pairs: {', '.join(length.left_out)}"] if length.left_out else []),
        ],
    }, draws


def eer_draws(trials: SortedTrials, recordings: Sequence[str], draws: int = DRAWS, seed: int = 0) -> list[float]:
    """The EER in % in each draw of whole recordings; `recordings` (pairs,). Same recordings and seed, same draws."""
    _, number_of = np.unique(recordings, return_inverse=True)
    rng, corners, number = np.random.default_rng(seed), trials.corners(), int(number_of.max()) + 1
    sides, found = (number_of[trials.target_order], number_of[trials.nontarget_order]), []
    for _ in range(draws):
        counts = np.bincount(rng.integers(number, size=number), minlength=number).astype(float)
        points = corners.weighted_points(*(counts[side] for side in sides))
        found.append(round(100 * equal_error_rate(points), EER_DECIMALS))
    return found


def _protocol(length: Length, chosen: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {
        "eer": "cosine of two windows of a recording; linear between the operating points of the ROC",
        "window_sec": length.window_sec,
        **chosen,
        "trials_sha256": sha256_lines(folder / TRIALS),
        "resampled": SCORE_KINDS[KIND].resampled,
        "draws": DRAWS,
        "conventions": SCORE_KINDS[KIND].conventions,
    }
