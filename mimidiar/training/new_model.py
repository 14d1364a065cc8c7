"""The model of a run before its first step, and what its configuration takes from the training features.

Where cosines of windows of one speaker, and of two, are normal with one deviation s and means m and n, the log odds
that a pair is of one speaker are (cosine - (m + n) / 2) (m - n) / s^2. Odds are even in the middle of the means,
`FusionConfig.softness` is s^2 / (m - n), and neither has to be tuned for another speaker encoder.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.errors import MimidiarError
from mimidiar.models.build import Model, build_model
from mimidiar.models.fusion import FusionConfig
from mimidiar.training.config import TrainConfig
from mimidiar.training.crops import Conversations
from mimidiar.training.processes import rank

if TYPE_CHECKING:
    from mimidiar.encoders.mimi.upper_layers import MimiTop

Statistics = Callable[[], tuple[Tensor, Tensor]]  # mean and standard deviation (D,) of the training features
RECORDINGS = 200
EVERY_FRAMES = 10
APART_FRAMES = 25  # 2 s: nearer windows share audio
LEAST_GAP, LEAST_SOFTNESS = 0.05, 0.01  # for an encoder that hardly separates speakers


def completed(config: TrainConfig, data: Conversations) -> TrainConfig:
    """The configuration completed by the features: `model.input_dim`, and open values of `fusion`."""
    model = replace(config.model, input_dim=data.input_dim)
    return replace(config, model=model, fusion=calibrate_similarity(config.fusion, data) if config.fusion else None)


def new_model(config: TrainConfig, measure: Statistics | None, top: "MimiTop | None" = None) -> Model:
    """Fresh weights by a completed configuration, on `top` if given, with the input normalized by `measure`.

    Raises MimidiarError for a configuration that no model can have.
    """
    try:
        model = build_model(config.model, config.fusion, top)
    except ValueError as error:
        raise MimidiarError(f"model: {error}; correct the configuration") from None
    if measure is not None and config.normalize_features and rank() == 0:  # the source for the other processes
        (model if top is None else model.adapter).features.set_statistics(*measure())
    return model


def calibrate_similarity(fusion: FusionConfig, data: Conversations) -> FusionConfig:
    """Complete a configuration by the features: `streams`, `stacked` and, where not given, same_voice and softness.

    Raises MimidiarError when the set has no recording in which two speakers can be compared.
    """
    streams = list(data.meta.get("streams", [0, data.meta["dim"]]))
    same_voice, softness = fusion.same_voice, fusion.softness
    if same_voice is None or softness is None:
        middle, scale = even_odds(data, streams)
        same_voice = middle if same_voice is None else same_voice
        softness = scale if softness is None else softness
    return replace(fusion, same_voice=same_voice, softness=softness, streams=streams, stacked=data.factor)


def even_odds(data: Conversations, streams: list[int]) -> tuple[float, float]:
    """The cosine at which a pair is as likely of one speaker as of two, and the increase at which the odds are e to
    1."""
    sums = np.zeros((2, 3))  # of different and same speakers: pairs, cosines, their squares
    for recording in data.recordings[:: -(-len(data.recordings) // RECORDINGS)]:
        for same, cosines in enumerate(_pairs(data, recording, streams)):
            sums[same] += len(cosines), cosines.sum(), (cosines**2).sum()
    if not sums[:, 0].all():
        raise MimidiarError(
            f"the training set has {sums[1, 0]:.0f} pairs of windows of one speaker and {sums[0, 0]:.0f} of two: set "
            "fusion.same_voice and fusion.softness, or train on more"
        )
    different, same = sums[:, 1] / sums[:, 0]
    variance = float(np.mean(sums[:, 2] / sums[:, 0] - np.array([different, same]) ** 2))
    softness = max(variance / max(float(same - different), LEAST_GAP), LEAST_SOFTNESS)
    return round(float(np.clip((same + different) / 2, -0.95, 0.95)), 4), round(softness, 4)


def _pairs(data: Conversations, recording: str, streams: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of frames of different speakers, and of one speaker; in each frame one speaker is active."""
    if not data.turns[recording]:
        return np.zeros(0), np.zeros(0)
    stacked = data.features(recording).reshape(-1, data.factor, sum(streams))
    embeddings = stacked[..., streams[0] :].mean(1)
    length = np.linalg.norm(embeddings, axis=1)
    turns = data.turns[recording]
    active = activity_matrix(turns, sorted({turn.speaker for turn in turns}), len(embeddings), LABEL_HZ)
    frames = np.flatnonzero((active.sum(1) == 1) & (length > 0))[::EVERY_FRAMES]
    unit, speaker = embeddings[frames] / length[frames, None], active[frames].argmax(1)
    cosines, same = unit @ unit.T, speaker[:, None] == speaker
    apart = np.subtract.outer(frames, frames) >= APART_FRAMES  # each pair once
    return cosines[apart & ~same], cosines[apart & same]
