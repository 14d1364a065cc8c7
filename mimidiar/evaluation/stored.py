"""The pipeline over the stores of a set: features to windows or posteriors, windows to posteriors, and turns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.activity import active_turns, activity_matrix
from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.annotation.uem import read_uem
from mimidiar.diarize.binarize import Binarization, binarize
from mimidiar.diarize.clustering import ANY_NUMBER, Clustering, Count
from mimidiar.diarize.frontend import StoredFeatures
from mimidiar.diarize.pipeline import Frames, Pipeline, Step
from mimidiar.diarize.segmenter import SpeechGate, WindowedAdapter, Windowing
from mimidiar.diarize.tracker import ClusterAtEnd, Oracle, Overlap
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.tuned import read_tuned
from mimidiar.features.fused_store import Features
from mimidiar.features.store import META, MatrixStore, ShardWriter, shard_path, write_scp
from mimidiar.features.timing import Cost, clock
from mimidiar.files import read_json, sha256_file, write_json
from mimidiar.models.projection import load_projection

if TYPE_CHECKING:
    from mimidiar.models.build import TrainedModel

LOCAL, POSTERIORS = "local", "posteriors"  # of the archives and the scp file
SHARD_RECORDINGS = 8  # finished recordings of a killed job stay; jobs share by shard
SPEECH_MARGIN_SEC = 0.5  # posteriors count so far from what the VAD takes for speech, and no farther


@dataclass(frozen=True)
class Gate:
    """The stored speech activity that gates posteriors, and the margin in seconds; no gate without a folder."""

    vad: Path | None = None
    margin_sec: float = SPEECH_MARGIN_SEC

    @property
    def steps(self) -> tuple[Step, ...]:
        """What it is in a pipeline."""
        return (SpeechGate(self.margin_sec),) if self.vad else ()

    @property
    def meta(self) -> dict[str, Any]:
        """What is written beside posteriors, and goes into tuned.yaml and the diarizer's file."""
        return {"speech_margin_sec": self.margin_sec if self.vad else None}


NO_GATE = Gate()


def infer(
    model_path: Path,
    feats_dir: Path,
    out_dir: Path,
    window_sec: float | None = None,
    hop_sec: float | None = None,
    job: tuple[int, int] | None = None,
    local: bool = False,
    gate: Gate = NO_GATE,
) -> Cost:
    """Write the posteriors of all recordings to OUT/posteriors.scp; share `job` (k, n), or the rest and the finish, as
    `extract` does. Returns the computing time of the recordings of this call.

    Windows default to the crop length in training, with a hop of half of it. They are stitched by their overlap; or,
    with `local`, written unstitched to OUT/local.scp, for clustering.
    """
    from mimidiar.models.build import load_model
    from mimidiar.torch_setup import use_one_thread

    use_one_thread()
    trained = load_model(model_path)
    source = StoredFeatures(feats_dir, vad=gate.vad, front=trained.front)
    check_features(trained, source.features, model_path)
    window_sec = trained.crop_sec if window_sec is None else window_sec
    hop_sec = window_sec / 2 if hop_sec is None else hop_sec
    windowing = Windowing.of(window_sec, hop_sec)
    segmenter = WindowedAdapter(trained, windowing)
    pipeline = Pipeline((segmenter,) if local else (segmenter, *gate.steps, Overlap()))
    meta = {"frame_hz": LABEL_HZ, "window_sec": window_sec, "hop_sec": hop_sec}
    meta |= {"model_sha256": sha256_file(model_path)} | ({"lanes": windowing.lanes} if local else gate.meta)
    keep_meta(out_dir / META, meta)
    keys = source.features.keys()
    shards = [keys[first : first + SHARD_RECORDINGS] for first in range(0, len(keys), SHARD_RECORDINGS)]
    name, began, frames = LOCAL if local else POSTERIORS, clock("cpu"), 0
    for number, recordings in enumerate(tqdm(shards, desc="inference", unit="shard", disable=None)):
        if (job is None or number % job[1] == job[0] - 1) and not shard_path(out_dir, name, number).is_file():
            with ShardWriter(out_dir, name, number) as shard:
                for key in recordings:
                    if key not in shard.done:
                        found = pipeline.run(source.read(key))
                        shard.write({key: found.lanes[0].reshape(len(found), -1) if local else found.posteriors[0]})
                        frames += len(found)
    if job is None:
        write_scp(out_dir, name, len(shards))
    return Cost(frames / LABEL_HZ, clock("cpu") - began, "cpu")


def check_features(trained: "TrainedModel", store: Features, model_path: Path) -> None:
    """MimidiarError unless the features are those of the model's training: same encoder, tap and weights."""
    for key in ("encoder", "tap", "weights_sha256"):
        if trained.encoder.get(key) != store.meta.get(key):
            raise MimidiarError(
                f"{store.folder}: {key} is {store.meta.get(key)}, but {model_path} was trained on "
                f"{trained.encoder.get(key)}; extract the features that it was trained on"
            )


def keep_meta(path: Path, meta: dict) -> None:
    """Write the settings of the posteriors; MimidiarError if the folder contains posteriors with other settings."""
    if not path.exists():
        write_json(path, meta)
    for key, wanted in meta.items():
        if (found := read_json(path).get(key)) != wanted:
            raise MimidiarError(
                f"{path}: holds posteriors with {key} = {found}, asked for {wanted}; name another folder, or remove it"
            )


class StoredWindows:
    """The windows of `mimidiar eval infer --local`, with the embeddings and speech activity of their frames, if
    given."""

    def __init__(
        self, folder: Path, embeddings: Path | None = None, probe: Path | None = None, vad: Path | None = None
    ):
        """MimidiarError where there are no windows, and for what `StoredFeatures` refuses."""
        scp = folder / f"{LOCAL}.scp"
        if not scp.is_file():
            raise MimidiarError(f"{scp}: no such file; run `mimidiar eval infer --local` to the end first")
        self.folder, self.store, self.meta = folder, MatrixStore(scp), read_json(folder / META)
        if not isinstance(self.meta.get("lanes"), int):
            raise MimidiarError(f"{folder / META}: names no lanes; run `mimidiar eval infer --local` again")
        self._rest = StoredFeatures(None, embeddings, vad, load_projection(probe) if probe else None)

    def keys(self) -> list[str]:
        """All recordings."""
        return self.store.keys()

    def read(self, name: str) -> Frames:
        """A whole recording (B = 1). MimidiarError where a store does not have it, or holds something else."""
        matrix, lanes = self.store.read(name), self.meta["lanes"]
        if matrix.shape[1] % lanes:
            raise MimidiarError(
                f"{self.store.scp}: {name}: {matrix.shape[1]} columns on {lanes} lanes; run `mimidiar eval infer "
                "--local` again"
            )
        rest = self._rest.read(name, len(matrix))
        return Frames(**rest.arrays(), lanes=matrix.reshape(1, len(matrix), lanes, -1))


Tracking = Callable[[str], Step]  # a recording's name -> what tracks its speakers


def by_clustering(clustering: Clustering, count: Callable[[str], Count] = lambda _: ANY_NUMBER) -> Tracking:
    """By embeddings; `count` returns the allowed number of speakers of each recording."""
    return lambda name: ClusterAtEnd(clustering, count(name))


def by_overlap() -> Tracking:
    """By what windows predict where they overlap."""
    return lambda name: Overlap()


def by_reference(data_dir: Path) -> Tracking:
    """By the reference of the set in `data_dir`."""
    turns = read_rttm(data_dir / "ref.rttm")
    last = {name: max(turn.end for turn in own) for name, own in turns.items()}
    return lambda name: Oracle(reference_frames(turns.get(name, []), int(last.get(name, 0) * LABEL_HZ) + 1, LABEL_HZ))


def reference_count(data_dir: Path) -> Callable[[str], Count]:
    """The number of speakers of each recording by the reference of the set in `data_dir`; any number for a recording
    without speech. The returned function raises MimidiarError for a recording that the set does not contain.
    """
    turns, known = read_rttm(data_dir / "ref.rttm"), read_uem(data_dir / "all.uem")

    def count(name: str) -> Count:
        if name not in known:
            raise MimidiarError(f"{data_dir}: has no recording '{name}', so its speakers cannot be counted")
        number = len({turn.speaker for turn in turns.get(name, [])})
        return Count(number, number) if number else ANY_NUMBER

    return count


def track_all(source: StoredWindows, out_dir: Path, tracking: Tracking, gate: Gate = NO_GATE) -> Cost:
    """Write the posteriors (T, S) of all recordings to OUT/posteriors.scp, with one column for each speaker.

    Posteriors of an interrupted call are computed again, since its tracking may have differed. Returns the computing
    time.
    """
    kept = {key: source.meta[key] for key in ("frame_hz", "window_sec", "hop_sec", "model_sha256")}
    write_json(out_dir / META, kept | gate.meta)
    began, frames = clock("cpu"), 0
    with ShardWriter(out_dir, POSTERIORS, 0, anew=True) as shard:
        for name in tqdm(source.keys(), desc="clustering", unit="rec", disable=None):
            found = Pipeline((*gate.steps, tracking(name))).run(source.read(name))
            shard.write({name: found.posteriors[0]})
            frames += len(found)
    write_scp(out_dir, POSTERIORS, 1)
    return Cost(frames / LABEL_HZ, clock("cpu") - began, "cpu")


def read_posteriors(folder: Path) -> tuple[MatrixStore, dict[str, Any]]:
    """The store of posteriors (T, K) by recording, and their meta, with `frame_hz`. MimidiarError when either is
    missing."""
    store, meta = MatrixStore(folder / f"{POSTERIORS}.scp"), read_json(folder / META)
    frame_hz = meta.get("frame_hz") if isinstance(meta, dict) else None
    if not isinstance(frame_hz, int | float) or not 0 < frame_hz < float("inf"):
        raise MimidiarError(
            f"{folder / META}: frame_hz is {frame_hz!r}, not a rate in Hz; run `mimidiar eval infer` again"
        )
    return store, meta


def reference_frames(turns: list[Turn], num_frames: int, frame_hz: float) -> np.ndarray:
    """Bool (num_frames, speakers) of one recording's reference."""
    return activity_matrix(turns, sorted({turn.speaker for turn in turns}), num_frames, frame_hz)


def write_hypothesis(posteriors_dir: Path, tuned_path: Path, path: Path) -> None:
    """Write RTTM of all recordings. MimidiarError when one of them is among those that were tuned on."""
    store, meta = read_posteriors(posteriors_dir)
    tuned = read_tuned(tuned_path, Binarization, "mimidiar eval tune")
    if both := sorted(set(store.keys()) & set(tuned.recordings)):
        raise MimidiarError(
            f"{tuned_path}: tuned on {tuned.tuned_on}, which holds {len(both)} of these recordings, first '{both[0]}'; "
            "a set must not be decided with what was tuned on itself"
        )
    turns = [
        turn
        for name in tqdm(store.keys(), desc="binarizing", unit="rec", disable=None)
        for turn in to_turns(store.read(name), meta["frame_hz"], tuned.values, name)
    ]
    write_rttm(path, turns)


def to_turns(posteriors: np.ndarray, frame_hz: float, how: Binarization, recording: str = "") -> list[Turn]:
    """Turns of speakers named spk0, spk1, ... by column."""
    names = [f"spk{k}" for k in range(posteriors.shape[1])]
    return active_turns(binarize(posteriors, frame_hz, how), frame_hz, names, recording)
