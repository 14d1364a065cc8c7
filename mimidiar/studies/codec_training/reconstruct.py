"""A codec's reconstruction of a set: scored against its input, with audio examples.

`score.json`: `kind` "reconstruction"; means over recordings of `mel_db` and `si_sdr_db` between the decoded audio and
the input (`score/reconstruction.py`), and of `stoi` in %, the short-time objective intelligibility (Taal et al. 2011;
pystoi), which predicts the share of words that listeners understand. `intervals` over recordings; `n_recordings`;
`warnings`, where recordings were left out; `protocol`. `per_recording.csv`: the same figures by recording.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from tqdm import tqdm

from mimidiar.data.recordings import RecordingFile, fingerprint, read_recordings
from mimidiar.data.splits import hash_order
from mimidiar.encoders.mimi.autoencode import autoencode, set_codebooks
from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, SAMPLE_RATE
from mimidiar.encoders.registry import describe_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import read_recording
from mimidiar.files import atomic_path
from mimidiar.log import log
from mimidiar.score.bootstrap import LEVEL
from mimidiar.score.ratio_files import ratio_document, write_with_recordings
from mimidiar.score.reconstruction import WINDOW, mel_distance, si_sdr
from mimidiar.torch_setup import use_one_thread

MOST_SEC = 30.0  # of a recording
FIGURES = ("mel_db", "si_sdr_db", "stoi")
TOO_SHORT = 1e-5  # pystoi's result for less than 30 frames (0.4 s) above -40 dB of the loudest
AROUND = "unquantized"  # the folder of reconstructions without codebooks


@dataclass(frozen=True)
class Reconstruction:
    """Of one recording: distance of mel spectra in dB, SI-SDR in dB, STOI in %."""

    recording: str
    mel_db: float
    si_sdr_db: float
    stoi: float


@torch.inference_mode()
def decode(mimi: Any, original: np.ndarray, num_codebooks: int | None) -> np.ndarray:
    """(T,) -> (T,) through a whole Mimi, and `num_codebooks` codebooks; None: without them."""
    if num_codebooks is not None:
        set_codebooks(mimi, num_codebooks)
    padded = np.pad(original, (0, -len(original) % FRAME_SAMPLES))
    passed = autoencode(mimi, torch.from_numpy(padded)[None, None], quantized=num_codebooks is not None)
    return passed.audio[0, 0, : len(original)].numpy()


def reconstruct(
    data_dir: Path,
    out_dir: Path,
    encoder: str,
    checkpoint: Path | None = None,
    seed: int = 0,
    codebooks: Sequence[int] = (),
    examples: int = 0,
    system: str | None = None,
) -> None:
    """Score a Mimi's reconstruction of each recording of a set (at most its first MOST_SEC).

    OUT/unquantized gets score.json and per_recording.csv without codebooks, OUT/quantized<n> through n codebooks, for
    each n of `codebooks`; OUT/examples the input and all reconstructions of some recordings. Raises MimidiarError for
    an encoder other than a Mimi, and for codebooks that it lacks.
    """
    use_one_thread()
    spec = describe_encoder(encoder, None, checkpoint, seed)
    if not spec.build_codec:
        raise MimidiarError(f"{encoder} has no decoder; choose a Mimi")
    mimi = spec.build_codec("cpu")
    ways = {AROUND: None} | {f"quantized{number}": number for number in codebooks}
    for number in codebooks:
        set_codebooks(mimi, number)
    recordings = read_recordings(data_dir)
    kept = set(hash_order([recording.id for recording in recordings], 0)[:examples])
    found: dict[str, dict[str, Reconstruction | None]] = {way: {} for way in ways}
    for recording in tqdm(recordings, desc="reconstruct", unit="rec", disable=None):
        original = _read(recording)
        sounds = {way: decode(mimi, original, number) for way, number in ways.items()}
        for way, decoded in sounds.items():
            found[way][recording.id] = compare_with_input(recording.id, decoded, original, SAMPLE_RATE)
        if recording.id in kept:
            _write_examples(out_dir / "examples", recording.id, {"input": original} | sounds)
    for way, number in ways.items():
        judged = [each for each in found[way].values() if each]
        left_out = [name for name, each in found[way].items() if each is None]
        document = sound_document(judged, left_out, system, _protocol(spec.weights_sha256, recordings, number))
        write_sound(out_dir / way, judged, document)
        figures = "mel {mel_db:.2f} dB, SI-SDR {si_sdr_db:.1f} dB, STOI {stoi:.1f} %".format(**document)
        log.info(f"{out_dir / way}: {figures}")


def _read(recording: RecordingFile) -> np.ndarray:
    return read_recording(recording, SAMPLE_RATE)[: round(MOST_SEC * SAMPLE_RATE)]


def _write_examples(folder: Path, recording: str, sounds: dict[str, np.ndarray]) -> None:
    for name, samples in sounds.items():
        with atomic_path(folder / f"{recording}.{name}.wav") as partial:
            soundfile.write(partial, samples.clip(-1, 1), SAMPLE_RATE, subtype="PCM_16")


def _protocol(codec_sha256: str, recordings: Sequence[RecordingFile], num_codebooks: int | None) -> dict[str, Any]:
    return {
        "metric": "decoded sound against what was put in",
        "codec_sha256": codec_sha256,
        "recordings_sha256": fingerprint(list(recordings)),
        "num_codebooks": num_codebooks,
        "most_sec": MOST_SEC,
        "sound": "SI-SDR; mel distance of 80 bands, floor -60 dB; STOI by pystoi at 10 kHz",
    }


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
    warned = [f"{len(left_out)} recordings silent or too short, first {left_out[0]}"] if left_out else []
    ratios = values, np.ones_like(values)
    return ratio_document("reconstruction", FIGURES, ratios, system, warned, {**protocol, "level": LEVEL})


def write_sound(folder: Path, found: Sequence[Reconstruction], document: Mapping[str, Any]) -> None:
    """Write FOLDER/per_recording.csv and, last, FOLDER/score.json."""
    rows = [[each.recording, *(getattr(each, name) for name in FIGURES)] for each in found]
    write_with_recordings(folder, ["recording", *FIGURES], rows, document)
