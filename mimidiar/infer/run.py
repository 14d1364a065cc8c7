"""Posteriors of every recording of a set, resumable and in jobs."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mimidiar.errors import MimidiarError
from mimidiar.features.store import FeatureStore
from mimidiar.infer.windows import stitch
from mimidiar.models.build import TrainedModel, load_adapter
from mimidiar.models.rate import LABEL_HZ, stack_frames, stacking_factor
from mimidiar.torch_setup import use_one_thread


def check_features(trained: TrainedModel, store: FeatureStore, model_path: Path) -> None:
    """MimidiarError unless the features are those that the model was trained on: same encoder, tap and weights."""
    for key in ("encoder", "tap", "weights_sha256"):
        if trained.encoder.get(key) != store.meta.get(key):
            raise MimidiarError(
                f"{store.folder}: {key} is {store.meta.get(key)}, but {model_path} was trained on "
                f"{trained.encoder.get(key)}; extract the features that it was trained on"
            )


def posteriors(trained: TrainedModel, features: np.ndarray, window_sec: float, hop_sec: float) -> np.ndarray:
    """(T, K) in 0 ... 1 of a whole recording's features at label rate."""

    @torch.inference_mode()
    def model(window: np.ndarray) -> np.ndarray:
        return trained.model(torch.from_numpy(window)[None]).sigmoid()[0].numpy()

    return stitch(model, features, round(window_sec * LABEL_HZ), round(hop_sec * LABEL_HZ))
