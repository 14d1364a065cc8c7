"""Verification of score and trial files: read, score, and write what `mimidiar verify -o` writes.

`score.json`: `kind` "verification"; `eer` in %, `min_dcf_0.01`, `min_dcf_0.05`, `mean_target`, `mean_nontarget` (mean
scores), `n_target`, `n_nontarget` (trials), `n_speakers` (null when unknown) and `speakers_from` (how they are known);
`intervals`: of `eer` and both `min_dcf`, with `low`, `high` and `level`; `system`, `warnings`, `scores_sha256`, and
`protocol`, which says everything that two scores must share to be compared (`conventions`: of `verification`).

`det.csv`: fpr, fnr, threshold. `histogram.csv`: low, high, target, nontarget (numbers of trials). `draws.csv`: the EER
in each draw of the bootstrap, empty for a draw that lacks one kind of trials; of two systems on the same trials, line k
is of the same draw, so that their difference has an interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.annotation.text_file import sha256_lines
from mimidiar.errors import MimidiarError
from mimidiar.files import require_regular, write_json, write_text
from mimidiar.score.bootstrap import FEW_CLUSTERS
from mimidiar.score.curves import det_curve, histogram, to_csv
from mimidiar.score.score_file import SCORE_FILE, rounded
from mimidiar.score.trial_speakers import TrialSpeakers, find_speakers
from mimidiar.score.trials import align_scores, read_both_kinds, read_scores
from mimidiar.score.verification import CONVENTIONS, score_trials, sort_trials
from mimidiar.score.verification_bootstrap import DRAWS, verification_intervals, verification_samples

DET_FILE, HISTOGRAM_FILE, DRAWS_FILE = "det.csv", "histogram.csv", "draws.csv"
DET_COLUMNS = ("fpr", "fnr", "threshold")
HISTOGRAM_COLUMNS = ("low", "high", "target", "nontarget")
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


def write_verification(folder: str | Path, result: Verification) -> None:
    """Write FOLDER/det.csv, histogram.csv, draws.csv and, last, so that it vouches for all, score.json."""
    folder = Path(folder)
    write_text(folder / DET_FILE, to_csv(DET_COLUMNS, result.det))
    write_text(folder / HISTOGRAM_FILE, to_csv(HISTOGRAM_COLUMNS, result.histogram))
    lines = ["eer", *("" if eer is None else str(eer) for eer in result.eer_draws)]
    write_text(folder / DRAWS_FILE, "".join(f"{line}\n" for line in lines))
    write_json(folder / SCORE_FILE, result.document)


def read_draws(folder: str | Path) -> list[float | None]:
    """The EER of each draw from FOLDER/draws.csv; nothing for a score from before it was written."""
    path = Path(folder) / DRAWS_FILE
    if not path.is_file():
        return []
    try:
        return [float(line) if line else None for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    except (ValueError, UnicodeDecodeError):
        raise MimidiarError(f"{path}: cannot be read; write it again with `mimidiar verify -o`") from None
