"""A diarizer in one file: all that a recording is diarized with, but for the weights of the encoders.

A safetensors file. Its tensors: `model.<name>` of the trained model, and `probe.<name>` where voices are heard by a
linear probe of the codec's frames. Its header: those of the model's and the probe's own files, the windows, the linking
and the decision with the sets that they were tuned on, and the sha256 of every file that it was made of.
"""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mimidiar.diarize.binarize import Decision
from mimidiar.diarize.clustering import Linking
from mimidiar.diarize.infer_windows import check_windows
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import split_meta
from mimidiar.files import sha256_file
from mimidiar.models.build import FORMAT as MODEL_FORMAT
from mimidiar.models.build import TrainedModel, build_trained
from mimidiar.models.projection import PROBE_FORMAT, Projection, build_projection
from mimidiar.models.weights import load_weights, save_tensors
from mimidiar.training.tune import read_tuned
from mimidiar.training.tune_clustering import read_linking

FORMAT = "mimidiar-diarizer-1"
SPEECH_MARGIN_SEC = 0.5  # the model is believed so far from what silero-vad takes for speech, and no farther
MODEL, PROBE = "model.", "probe."


@dataclass(frozen=True)
class Settings:
    """How windows of a recording become its turns. `speech_margin_sec`: see SPEECH_MARGIN_SEC."""

    window_sec: float
    hop_sec: float
    speech_margin_sec: float
    linking: Linking
    decision: Decision

    def check(self) -> None:
        """Raise ValueError unless all are numbers that can be meant."""
        check_windows(self.window_sec, self.hop_sec)
        if not (isfinite(self.speech_margin_sec) and self.speech_margin_sec >= 0):
            raise ValueError(f"speech_margin_sec is {self.speech_margin_sec}; at least 0")
        self.linking.check()
        self.decision.check()


@dataclass(frozen=True)
class DiarizerParts:
    """What the file holds. Voices are heard by `probe` in the frames of the first encoder; without it, they are the
    embeddings of the last. `encoders`: what names each of them (`split_meta`)."""

    path: Path
    trained: TrainedModel
    probe: Projection | None
    settings: Settings
    encoders: list[dict[str, Any]]


def bundle(
    model_path: Path,
    out: Path,
    linking_path: Path,
    decision_path: Path,
    probe_path: Path | None = None,
    window_sec: float | None = None,
    hop_sec: float | None = None,
    speech_margin_sec: float = SPEECH_MARGIN_SEC,
    half: bool = False,
) -> DiarizerParts:
    """Write a diarizer file; what it holds is returned.

    Windows default to the crop length in training, every half of it. `half`: matrices in 16 bits. MimidiarError for
    parts that are damaged or do not belong together; then nothing is written.
    """
    weights, model = load_weights(model_path, MODEL_FORMAT)
    more, probe = load_weights(probe_path, PROBE_FORMAT) if probe_path else ({}, None)
    tensors = {MODEL + name: value for name, value in weights.items()}
    tensors |= {PROBE + name: value for name, value in more.items()}
    sources = {"model": model_path, "linking": linking_path, "decision": decision_path, "probe": probe_path}
    window_sec = model["crop_sec"] if window_sec is None else window_sec
    linking, decision = read_linking(linking_path), read_tuned(decision_path)
    header = {
        "format": FORMAT,
        "model": model,
        "probe": probe,
        "window_sec": window_sec,
        "hop_sec": window_sec / 2 if hop_sec is None else hop_sec,
        "speech_margin_sec": speech_margin_sec,
        "linking": linking.linking.as_dict(),
        "decision": decision.decision.as_dict(),
        "tuned_on": {"linking": linking.tuned_on, "decision": decision.tuned_on},
        "sha256": {name: sha256_file(path) for name, path in sources.items() if path},
    }
    tensors = {name: _halved(name, value, model_path) if half else value for name, value in tensors.items()}
    parts = _build(tensors, header, out)
    save_tensors(tensors, out, header)
    return parts


def read_diarizer(path: str | Path) -> DiarizerParts:
    """Read a diarizer file. MimidiarError that names the file and what is wrong with it."""
    return _build(*load_weights(path, FORMAT), Path(path))


def _build(tensors: dict[str, Tensor], header: dict[str, Any], path: Path) -> DiarizerParts:
    tensors = {name: value.float() if value.dtype == torch.float16 else value for name, value in tensors.items()}
    if odd := sorted(name for name in tensors if not name.startswith((MODEL, PROBE))):
        raise MimidiarError(f"{path}: holds {odd[0]}, which is of no part of a diarizer; make the file again")
    try:
        settings = Settings(
            *(float(header[key]) for key in ("window_sec", "hop_sec", "speech_margin_sec")),
            Linking(**header["linking"]),
            Decision(**header["decision"]),
        )
        settings.check()
        model, probe = header["model"], header["probe"]
        encoders = split_meta(model["encoder"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MimidiarError(f"{path}: its header describes no diarizer of this version ({error})") from None
    trained = build_trained(_named(tensors, MODEL), model, path)
    projection = None
    if probe is not None:
        projection = build_projection({k: v.numpy() for k, v in _named(tensors, PROBE).items()}, probe, path)
    _check_voices(encoders, projection, path)
    return DiarizerParts(path, trained, projection, settings, encoders)


def _named(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}


def _check_voices(encoders: list[dict[str, Any]], probe: Projection | None, path: Path) -> None:
    if probe is None and len(encoders) == 1:
        raise MimidiarError(
            f"{path}: the model hears {encoders[0]['encoder']} alone, which tells no voices apart; give a probe "
            "of its features (mimidiar bundle --probe)"
        )
    if probe is not None and probe.dim != encoders[0]["dim"]:
        raise MimidiarError(
            f"{path}: the probe wants {probe.dim} dimensions, {encoders[0]['encoder']} at {encoders[0]['tap']} has "
            f"{encoders[0]['dim']}"
        )


def _halved(name: str, value: Tensor, path: Path) -> Tensor:
    """A matrix in 16 bits; vectors, such as deviations of features, span more than 16 bits do and stay as they are."""
    if value.ndim < 2 or not value.is_floating_point():
        return value
    if not value.half().isfinite().all():
        raise MimidiarError(f"{path}: {name} has numbers beyond what 16 bits hold; leave out --half")
    return value.half()
