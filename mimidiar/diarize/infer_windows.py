"""Posteriors of every recording of a set, resumable and in jobs."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mimidiar.diarize.window_store import LOCAL, pack_windows
from mimidiar.diarize.windows import Window, run_windows, stitch
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import Features, open_features
from mimidiar.features.store import META, ShardWriter, shard_path, write_scp
from mimidiar.features.timing import Cost, clock
from mimidiar.files import read_json, sha256_file, write_json
from mimidiar.models.build import TrainedModel, load_model
from mimidiar.models.frame_stacking import LABEL_HZ, stack_frames, stacking_factor
from mimidiar.torch_setup import use_one_thread
from mimidiar.training.tune_posteriors import NAME

SHARD_RECORDINGS = 8  # finished recordings of a killed job stay; jobs share by shard


def check_features(trained: TrainedModel, store: Features, model_path: Path) -> None:
    """MimidiarError unless the features are those that the model was trained on: same encoder, tap and weights."""
    for key in ("encoder", "tap", "weights_sha256"):
        if trained.encoder.get(key) != store.meta.get(key):
            raise MimidiarError(
                f"{store.folder}: {key} is {store.meta.get(key)}, but {model_path} was trained on "
                f"{trained.encoder.get(key)}; extract the features that it was trained on"
            )


def check_windows(window_sec: float, hop_sec: float) -> None:
    """MimidiarError unless windows overlap and move on."""
    if not 1 <= round(hop_sec * LABEL_HZ) < round(window_sec * LABEL_HZ):
        raise MimidiarError(
            f"a hop of {hop_sec:g} s does not fit windows of {window_sec:g} s: at least {1 / LABEL_HZ} s, and "
            "shorter than the window, since channels are matched where windows overlap"
        )


def local_posteriors(trained: TrainedModel, features: np.ndarray, window_sec: float, hop_sec: float) -> list[Window]:
    """In 0 ... 1, of the windows of a whole recording, from its features (T', D) at the store's rate."""

    @torch.inference_mode()
    def model(window: np.ndarray) -> np.ndarray:
        return trained.model(torch.from_numpy(window)[None]).sigmoid()[0].numpy()

    if trained.front is not None:
        stacked = trained.front.run(torch.from_numpy(features)).numpy()
    else:
        stacked = stack_frames(features, stacking_factor(trained.frame_hz))
    return run_windows(model, stacked, round(window_sec * LABEL_HZ), round(hop_sec * LABEL_HZ))


def keep_meta(path: Path, meta: dict) -> None:
    """Write down what the posteriors are made with; MimidiarError when others are there, made in another way."""
    if not path.exists():
        write_json(path, meta)
    for key, wanted in meta.items():
        if (found := read_json(path).get(key)) != wanted:
            raise MimidiarError(
                f"{path}: holds posteriors with {key} = {found}, asked for {wanted}; name another folder, or remove it"
            )


def infer(
    model_path: Path,
    feats_dir: Path,
    out_dir: Path,
    window_sec: float | None = None,
    hop_sec: float | None = None,
    job: tuple[int, int] | None = None,
    local: bool = False,
) -> Cost:
    """Posteriors of all recordings to OUT/posteriors.scp, by `job` (k, n) or what is missing and the finish, as
    `extract`. Returns what those computed by this call cost.

    Windows default to the crop length in training, every half of it. They are stitched; or, `local`, kept as they are
    in OUT/local.scp, to be linked.
    """
    use_one_thread()
    trained, store = load_model(model_path), open_features(feats_dir)
    check_features(trained, store, model_path)
    window_sec = trained.crop_sec if window_sec is None else window_sec
    hop_sec = window_sec / 2 if hop_sec is None else hop_sec
    check_windows(window_sec, hop_sec)
    meta = {"frame_hz": LABEL_HZ, "window_sec": window_sec, "hop_sec": hop_sec, "model_sha256": sha256_file(model_path)}
    keep_meta(out_dir / META, meta)
    keys = store.keys()
    shards = [keys[first : first + SHARD_RECORDINGS] for first in range(0, len(keys), SHARD_RECORDINGS)]
    name, finish = (LOCAL, pack_windows) if local else (NAME, stitch)
    began, frames = clock("cpu"), 0
    for number, recordings in enumerate(tqdm(shards, desc="inference", unit="shard", disable=None)):
        if (job is None or number % job[1] == job[0] - 1) and not shard_path(out_dir, name, number).is_file():
            with ShardWriter(out_dir, name, number) as shard:
                for key in recordings:
                    if key not in shard.done:
                        shard.write({key: finish(local_posteriors(trained, store.read(key), window_sec, hop_sec))})
                        frames += store.num_frames(key)
    if job is None:
        write_scp(out_dir, name, len(shards))
    return Cost(frames / store.frame_hz, clock("cpu") - began, "cpu")
