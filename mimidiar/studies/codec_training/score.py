"""Reconstruction quality of a codec: figures by recording, and their files.

`score.json`: `kind` "reconstruction"; means over recordings of `mel_db` and `si_sdr_db` between the decoded audio and
the input (`score/reconstruction.py`), and of `stoi` in %, the short-time objective intelligibility (Taal et al. 2011;
pystoi), which predicts the share of words that listeners understand. `intervals` over recordings; `n_recordings`;
`warnings`, where recordings were left out; `protocol`. `per_recording.csv`: the same figures by recording.
"""

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.files import write_json, write_text
from mimidiar.score.bootstrap import LEVEL, ratio_intervals
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.reconstruction import WINDOW, mel_distance, si_sdr
from mimidiar.score.score_file import SCORE_FILE, rounded

FIGURES = ("mel_db", "si_sdr_db", "stoi")
TOO_SHORT = 1e-5  # pystoi's result for less than 30 frames (0.4 s) above -40 dB of the loudest


@dataclass(frozen=True)
class Reconstruction:
    """Of one recording: distance of mel spectra in dB, SI-SDR in dB, STOI in %."""

    recording: str
    mel_db: float
    si_sdr_db: float
    stoi: float


def compare_with_input(
    recording: str, decoded: np.ndarray, original: np.ndarray, sample_rate: int
) -> Reconstruction | None:
    """Decoded audio (T,) against the input (T,). None where it cannot be scored: silent, or under half a second of
    speech.
    """
    if len(original) < WINDOW or not np.isfinite(ratio := si_sdr(decoded, original)):
        return None
    share = intelligibility(decoded, original, sample_rate)
    return (
        None if share is None else Reconstruction(recording, mel_distance(decoded, original, sample_rate), ratio, share)
    )


def intelligibility(decoded: np.ndarray, original: np.ndarray, sample_rate: int) -> float | None:
    """STOI in %; None for a recording that is too short."""
    from pystoi import stoi

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Not enough STFT frames")
        found = float(stoi(original.astype(np.float64), decoded.astype(np.float64), sample_rate))
    return None if found == TOO_SHORT else 100 * found


def sound_document(
    found: Sequence[Reconstruction], left_out: Sequence[str], system: str | None, protocol: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of score.json. MimidiarError where no recording could be scored."""
    if not found:
        raise MimidiarError(f"none of {len(left_out)} recordings can be scored: all are silent or too short")
    values = [[getattr(each, name) for name in FIGURES] for each in found]
    bounds = dict(zip(FIGURES, map(asdict, ratio_intervals(values, np.ones_like(values))), strict=True))
    ends = {name: rounded({key: bound[key] for key in ("low", "high", "level")}) for name, bound in bounds.items()}
    return (
        {"kind": "reconstruction"}
        | {name: rounded(bound["value"]) for name, bound in bounds.items()}
        | {
            "n_recordings": len(found),
            "intervals": ends if len(found) > 1 else {},
            "system": system,
            "warnings": [f"{len(left_out)} recordings silent or too short, first {left_out[0]}"] if left_out else [],
            "protocol": dict(protocol)
            | {"resampled": "recordings", "level": LEVEL, "conventions": SCORE_KINDS["reconstruction"].conventions},
        }
    )


def write_sound(folder: Path, found: Sequence[Reconstruction], document: Mapping[str, Any]) -> None:
    """Write FOLDER/per_recording.csv and, last, FOLDER/score.json."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["recording", *FIGURES])
    writer.writerows([each.recording, *(rounded(getattr(each, name)) for name in FIGURES)] for each in found)
    write_text(folder / "per_recording.csv", stream.getvalue())
    write_json(folder / SCORE_FILE, document)
