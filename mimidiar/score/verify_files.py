"""Verification of score and trial files: read, score, and write what `mimidiar verify -o` writes.

`score.json`: `kind` "verification"; `eer` in %, `min_dcf_0.01`, `min_dcf_0.05`, `mean_target`, `mean_nontarget` (mean
scores), `n_target`, `n_nontarget` (trials), `n_speakers` (null when unknown) and `speakers_from` (how they are known);
`intervals`: of `eer` and both `min_dcf`, with `low`, `high` and `level`; `system`, `warnings`, `scores_sha256`, and
`protocol`, which says everything that two scores must share to be compared (`conventions`: of `verification`).

`det.csv`: fpr, fnr, threshold. `histogram.csv`: low, high, target, nontarget (numbers of trials). `draws.csv`: the EER
in each draw of the bootstrap, empty for a draw that lacks one kind of trials; of two systems on the same trials, line k
is of the same draw, so that their difference has an interval.

The first two are for whoever plots with a program of their own; the figures of this package (`mimidiar.figures`) are
drawn from all trials. The DET curve (Martin et al. 1997, 'The DET curve in assessment of detection task performance':
both error rates on the scale of the normal quantile) is thinned below what can be seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from mimidiar.annotation.text_file import sha256_lines
from mimidiar.errors import MimidiarError
from mimidiar.files import require_regular, write_json, write_text
from mimidiar.score.bootstrap import FEW_CLUSTERS
from mimidiar.score.score_file import SCORE_FILE, rounded
from mimidiar.score.trials import TrialSpeakers, align_scores, find_speakers, read_both_kinds, read_scores
from mimidiar.score.verification import (
    CONVENTIONS,
    DRAWS,
    OperatingPoints,
    score_trials,
    sort_trials,
    verification_intervals,
    verification_samples,
)

DET_FILE, HISTOGRAM_FILE, DRAWS_FILE = "det.csv", "histogram.csv", "draws.csv"
DET_COLUMNS = ("fpr", "fnr", "threshold")
HISTOGRAM_COLUMNS = ("low", "high", "target", "nontarget")
BINS = 60
CELLS = 1000  # an axis of a figure has this many points or less
_EDGE = 1e-7  # a rate of 0 or 1 has no quantile; beyond the resolution of any list of trials
EER_DECIMALS = 3  # of a draw's EER in %: far finer than any interval


@dataclass(frozen=True)
class Verification:
    """What `score.json` says, the rows of `det.csv` and `histogram.csv`, and the EER in % of each draw."""

    document: dict[str, Any]
    det: np.ndarray
    histogram: np.ndarray
    eer_draws: list[float | None]


def verify_files(
    scores: str | Path,
    trials: str | Path,
    system: str | None = None,
    utt2spk: str | Path | None = None,
    draws: int = DRAWS,
) -> Verification:
    """Score the trials of a file; without `draws` there are no intervals. Raises MimidiarError for what is wrong."""
    for path in (scores, trials):
        require_regular(path)  # either is read again for its hash
    listed, scored = read_both_kinds(trials), read_scores(scores)
    values = align_scores(scored, listed, name=str(scores))
    document, ordered = score_trials(values, listed.target), sort_trials(values, listed.target)
    speakers = find_speakers(listed, trials, utt2spk)
    samples = verification_samples(ordered, speakers, draws)
    found = verification_intervals(ordered, samples)
    document = {"kind": "verification", **document} | {
        "n_speakers": speakers and speakers.count,
        "speakers_from": speakers and speakers.source,
        "intervals": rounded({name: {"low": i.low, "high": i.high, "level": i.level} for name, i in found.items()}),
        "system": system,
        "warnings": list(_warnings(len(scored) - len(listed.pairs), speakers, draws)),
        "protocol": _protocol(trials, speakers, draws),
        "scores_sha256": sha256_lines(scores),
    }
    eers = [None if sample is None else round(sample["eer"], EER_DECIMALS) for sample in samples]
    return Verification(document, det_curve(ordered.points()), histogram(values, listed.target), eers)


def _warnings(unused: int, speakers: TrialSpeakers | None, draws: int) -> Iterator[str]:
    if unused:
        yield f"{unused} scores are of no trial and were passed over"
    if draws and speakers is None:
        yield (
            "neither names nor a utt2spk contain the speakers: the intervals draw single trials, and are too narrow "
            "where trials share speakers; give --utt2spk"
        )
    if draws and speakers is not None and speakers.count < FEW_CLUSTERS:
        yield f"only {speakers.count} speakers: the intervals are rough, and rather too narrow"


def _protocol(trials: str | Path, speakers: TrialSpeakers | None, draws: int) -> dict[str, Any]:
    return {
        "eer": "linear between the operating points of the ROC",
        "conventions": CONVENTIONS,
        "min_dcf": "normalised by min(p, 1 - p), costs 1",
        "trials_sha256": sha256_lines(trials),
        "resampled": ("trials" if speakers is None else "speakers") if draws else None,
        "draws": draws,
    }


def write_verification(folder: str | Path, result: Verification) -> list[str]:
    """Write FOLDER/det.csv, histogram.csv, draws.csv and, last, so that it vouches for all, score.json; returns these
    names.
    """
    folder = Path(folder)
    write_text(folder / DET_FILE, to_csv(DET_COLUMNS, result.det))
    write_text(folder / HISTOGRAM_FILE, to_csv(HISTOGRAM_COLUMNS, result.histogram))
    write_draws(folder, result.eer_draws)
    write_json(folder / SCORE_FILE, result.document)
    return [SCORE_FILE, DET_FILE, HISTOGRAM_FILE, DRAWS_FILE]


def write_draws(folder: str | Path, draws: Sequence[float | None]) -> None:
    """Write FOLDER/draws.csv, the EER in % of each draw."""
    lines = ["eer", *("" if eer is None else str(eer) for eer in draws)]
    write_text(Path(folder) / DRAWS_FILE, "".join(f"{line}\n" for line in lines))


def read_draws(folder: str | Path) -> list[float | None]:
    """The EER of each draw from FOLDER/draws.csv; nothing for a score from before it was written."""
    path = Path(folder) / DRAWS_FILE
    if not path.is_file():
        return []
    try:
        return [float(line) if line else None for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    except (ValueError, UnicodeDecodeError):
        raise MimidiarError(f"{path}: cannot be read; write it again with `mimidiar verify -o`") from None


def det_curve(points: OperatingPoints) -> np.ndarray:
    """(rows, 3) of fpr, fnr, threshold, by rising threshold: both ends, and the corners of the curve, of which those
    that fall into one cell of `CELLS` x `CELLS` on the DET plane are represented by the first and the last.
    """
    x, y = _cell(points.fpr), _cell(points.fnr)
    new = (np.diff(x) != 0) | (np.diff(y) != 0)
    keep = np.concatenate([[True], new]) | np.concatenate([new, [True]])
    return np.stack([points.fpr, points.fnr, points.threshold], axis=1)[keep]


def _cell(rate: np.ndarray) -> np.ndarray:
    """(n,) rates to cell numbers along a DET axis from `_EDGE` to 1 - `_EDGE`."""
    quantile = NormalDist().inv_cdf
    limit = quantile(1 - _EDGE)
    borders = np.array([NormalDist().cdf(q) for q in np.linspace(-limit, limit, CELLS + 1)])
    return np.searchsorted(borders, rate)


def histogram(scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(up to BINS, 4) of low, high, targets, non-targets: bins of one width from the lowest to the highest score.

    A score on a border belongs to the upper bin, the highest score to the last one. `scores` finite.
    """
    low, high = float(scores.min()), float(scores.max())
    edges = np.unique(low + (high - low) * np.arange(BINS + 1) / BINS)  # scores that differ in the last digit: fewer
    if edges.size == 1:
        edges = np.array([low, low])  # all scores are the same
    number = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, edges.size - 2)
    counts = [np.bincount(number[chosen], minlength=edges.size - 1) for chosen in (target, ~target)]
    return np.stack([edges[:-1], edges[1:], *counts], axis=1)


def to_csv(header: Sequence[str], rows: Iterable[Iterable[float]]) -> str:
    """Rows of numbers with nine significant digits."""
    lines = [",".join(header), *(",".join(f"{value:.9g}" for value in row) for row in rows)]
    return "\n".join(lines) + "\n"
