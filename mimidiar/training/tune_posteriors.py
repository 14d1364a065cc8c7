"""What is done with stored posteriors: tuning on one set, turns for another. No torch here."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.diarize.binarize import to_turns
from mimidiar.errors import MimidiarError
from mimidiar.features.store import META, MatrixStore
from mimidiar.files import read_json
from mimidiar.training.tune import read_tuned, tune, write_tuned

NAME = "posteriors"  # of the archives and the scp file


def read_posteriors(folder: Path) -> tuple[MatrixStore, float]:
    """The store of posteriors (T, K) by recording, and their frame rate in Hz. MimidiarError when either is missing."""
    store, meta = MatrixStore(folder / f"{NAME}.scp"), read_json(folder / META)
    frame_hz = meta.get("frame_hz") if isinstance(meta, dict) else None
    if not isinstance(frame_hz, int | float) or not 0 < frame_hz < float("inf"):
        raise MimidiarError(f"{folder / META}: frame_hz is {frame_hz!r}, not a rate in Hz; run `mimidiar infer` again")
    return store, float(frame_hz)


def tune_on(posteriors_dir: Path, data_dir: Path, path: Path) -> str:
    """Tune on the set in `data_dir`, write tuned.yaml, and return a line that says what was chosen."""
    store, frame_hz = read_posteriors(posteriors_dir)
    turns = read_rttm(data_dir / "ref.rttm")
    missing = sorted(set(turns) - set(store.keys()))
    if missing:
        raise MimidiarError(
            f"{posteriors_dir}: no posteriors of '{missing[0]}' of {data_dir}; run inference on this set"
        )
    names = store.keys()
    posteriors = {name: store.read(name) for name in names}
    truth = {name: reference_frames(turns.get(name, []), len(matrix), frame_hz) for name, matrix in posteriors.items()}
    tuned = tune(posteriors, truth, frame_hz, data_dir.resolve().name)
    write_tuned(tuned, path)
    values = ", ".join(f"{key} {value:g}" for key, value in tuned.decision.as_dict().items())
    return f"tuned on {tuned.tuned_on}: {values}; frame DER there {tuned.frame_der:.2f} %"


def write_hypothesis(posteriors_dir: Path, tuned_path: Path, path: Path) -> None:
    """Write RTTM of all recordings. MimidiarError when one of them is among those that the decision was tuned on."""
    store, frame_hz = read_posteriors(posteriors_dir)
    tuned = read_tuned(tuned_path)
    both = sorted(set(store.keys()) & set(tuned.recordings))
    if both:
        raise MimidiarError(
            f"{tuned_path}: tuned on {tuned.tuned_on}, which holds {len(both)} of these recordings, first '{both[0]}'; "
            "a set must not be decided with what was tuned on itself"
        )
    turns = [
        Turn(name, turn.start, turn.end, turn.speaker)
        for name in tqdm(store.keys(), desc="deciding", unit="rec", disable=None)
        for turn in to_turns(store.read(name), frame_hz, tuned.decision)
    ]
    write_rttm(path, turns)


def reference_frames(turns: list[Turn], num_frames: int, frame_hz: float) -> np.ndarray:
    """Bool (num_frames, speakers) of one recording's reference."""
    return activity_matrix(turns, sorted({turn.speaker for turn in turns}), num_frames, frame_hz)
