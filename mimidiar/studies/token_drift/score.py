"""Effect of a changed codec on its tokens and its audio: figures by recording, and their files.

`score.json`: `kind` "drift". Share of codes in % that differ from the frozen codec's: `token_drift`, and
`token_drift_<n>` of codebook n from 1 (the semantic one); `frames_changed`: frames with any changed code;
`latent_distance`: squared distance of the latent over its variance, in %. `codes_used`: distinct codes of the frozen
codec in the codebook that uses the fewest; one with the same code for every frame is left out of `token_drift`, and
`live_codebooks` counts the others. Of decoded excerpts: `mel_change_db` and `si_sdr_change_db` between the changed
codec's audio and the frozen one's; `mel_input_db`, `si_sdr_input_db` between the changed codec's and the input;
`mel_frozen_input_db`, `si_sdr_frozen_input_db` the same for the frozen codec. `intervals` over recordings;
`n_recordings`, `n_decoded`, `warnings`, `protocol`. `per_recording.csv`: the same figures by recording.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.errors import MimidiarError
from mimidiar.score.bootstrap import LEVEL
from mimidiar.score.ratio_files import ratio_document, write_with_recordings
from mimidiar.score.reconstruction import mel_distance, si_sdr


@dataclass(frozen=True)
class Sound:
    """Distances in dB of one excerpt: between the two codecs' audio, and from each to the input."""

    mel_change_db: float
    si_sdr_change_db: float
    mel_input_db: float
    si_sdr_input_db: float
    mel_frozen_input_db: float
    si_sdr_frozen_input_db: float


@dataclass(frozen=True)
class Drift:
    """One recording: changed codes by codebook, frames with any, and the latent's squared distance and variance.

    `sound` is None where nothing was decoded, or the excerpt was silent.
    """

    recording: str
    frames: int
    changed: np.ndarray  # (codebooks,)
    frames_changed: int
    distance: float
    variance: float
    sound: Sound | None


def compare_sound(changed: np.ndarray, frozen: np.ndarray, original: np.ndarray, sample_rate: int) -> Sound | None:
    """Both codecs' decoded audio (T,) against each other and against the input. None where one is silent."""
    sound = Sound(
        mel_distance(changed, frozen, sample_rate),
        si_sdr(changed, frozen),
        mel_distance(changed, original, sample_rate),
        si_sdr(changed, original),
        mel_distance(frozen, original, sample_rate),
        si_sdr(frozen, original),
    )
    return sound if np.isfinite(list(asdict(sound).values())).all() else None


def compare_codes(changed: np.ndarray, frozen: np.ndarray) -> tuple[np.ndarray, int]:
    """(changed codes by codebook (K,), frames with any) of two token streams (K, T)."""
    odd = changed != frozen
    return odd.sum(axis=1), int(odd.any(axis=0).sum())


def drift_document(
    recordings: Sequence[Drift], codes_used: Sequence[int], system: str | None, protocol: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of score.json; `codes_used`: distinct codes of the frozen codec, by codebook.

    MimidiarError where the frozen codec has the same codes for all input.
    """
    live = [used > 1 for used in codes_used]
    if not any(live):
        raise MimidiarError(
            "the frozen codec gives one code for every frame, so that no drift can be measured; fill its codebooks "
            "(`mimidiar study codebooks`) or use trained weights"
        )
    tops, bottoms = zip(*(_ratios(entry, live) for entry in recordings), strict=True)
    names = [name for name in tops[0] if any(bottom[name] for bottom in bottoms)]
    table = [[[line[name] for name in names] for line in lines] for lines in (tops, bottoms)]
    warned = [] if all(live) else [f"{live.count(False)} of {len(live)} codebooks give one code for all frames"]
    return ratio_document("drift", names, (table[0], table[1]), system, warned, {**protocol, "level": LEVEL}) | {
        "codes_used": min(codes_used),
        "live_codebooks": sum(live),
        "n_decoded": sum(entry.sound is not None for entry in recordings),
    }


def write_drift(
    folder: Path, recordings: Sequence[Drift], codes_used: Sequence[int], document: Mapping[str, Any]
) -> None:
    """Write FOLDER/per_recording.csv and, last, FOLDER/score.json."""
    live = [used > 1 for used in codes_used]
    names, rows = list(_ratios(recordings[0], live)[0]), []
    for entry in recordings:
        top, bottom = _ratios(entry, live)
        figures = [float(top[name] / bottom[name]) if bottom[name] else "" for name in names]
        rows.append([entry.recording, entry.frames, *figures])
    write_with_recordings(folder, ["recording", "frames", *names], rows, document)


def _ratios(entry: Drift, live: Sequence[bool]) -> tuple[dict[str, float], dict[str, float]]:
    """Numerators and denominators of all figures of a recording, in % or dB; a denominator of 0 for missing ones."""
    top = {"token_drift": 100.0 * entry.changed[np.array(live)].sum()}
    bottom = {"token_drift": float(entry.frames * sum(live))}
    for number, changed in enumerate(entry.changed, 1):
        top[f"token_drift_{number}"], bottom[f"token_drift_{number}"] = 100.0 * changed, float(entry.frames)
    top |= {"frames_changed": 100.0 * entry.frames_changed, "latent_distance": 100.0 * entry.distance}
    bottom |= {"frames_changed": float(entry.frames), "latent_distance": entry.variance}
    names = Sound.__dataclass_fields__
    top |= dict.fromkeys(names, 0.0) if entry.sound is None else asdict(entry.sound)
    bottom |= dict.fromkeys(names, 0.0 if entry.sound is None else 1.0)
    return top, bottom
