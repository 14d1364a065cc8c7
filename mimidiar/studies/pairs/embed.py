"""A vector for each window: the mean of stored frames, or what a speaker encoder makes of its audio."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.activity import region_frames
from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import LABEL_HZ, Turns
from mimidiar.data.recordings import RecordingFile, read_recordings
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import read_recording
from mimidiar.features.fused_store import LENGTH_TOLERANCE_SEC, Features, embedding_dim, open_features
from mimidiar.models.projection import Projection, load_projection
from mimidiar.studies.pairs.windows import Window

if TYPE_CHECKING:
    from mimidiar.encoders.speaker.windows import Embedder

Vectors = dict[str, np.ndarray]  # (D,) by the id of a window


def embed_features(
    data_dir: Path, feats_dir: Path, windows: Iterable[Window], center: bool = False, probe: Path | None = None
) -> Vectors:
    """The mean over each window's frames in FEATS; where a part of a frame is a speaker embedding, of that part.

    `center`: less the mean of the recording's frames in which anybody speaks, by the reference. `probe`: in the space
    of this probe. Raises MimidiarError for features without a recording, of a rate that is no multiple of LABEL_HZ or
    does not fit the recording's length, and of other dimensions than the probe's.
    """
    store, files = open_features(feats_dir), {each.id: each for each in read_recordings(data_dir)}
    turns = read_rttm(data_dir / "ref.rttm") if center else None
    space = _space(store, probe)
    _require_rate(store)
    vectors: Vectors = {}
    for name, own in tqdm(_by_recording(windows), desc="windows", unit="rec", disable=None):
        frames = store.read(name)[:, : embedding_dim(store)].astype(np.float64)
        _require_length(store, files[name], len(frames))
        zero = _speech_mean(store, name, frames, turns) if turns is not None else 0.0
        for window in own:
            first, last = window.span(store.frame_hz)
            if last > len(frames):
                raise MimidiarError(f"{feats_dir}: {name} has {len(frames)} frames, {window.id} ends at {last}")
            mean = frames[first:last].mean(0) - zero
            vectors[window.id] = mean if space is None else space(mean)
    return vectors


def _space(store: Features, probe: Path | None) -> Projection | None:
    if probe is None:
        return None
    space = load_projection(probe)
    if space.dim != embedding_dim(store):
        raise MimidiarError(
            f"{probe}: the probe needs {space.dim} dimensions, the features have {embedding_dim(store)}"
        )
    return space


def _require_rate(store: Features) -> None:
    rate = store.frame_hz / LABEL_HZ
    if rate < 1 or rate != round(rate):
        raise MimidiarError(
            f"{store.folder}: features at {store.frame_hz:g} Hz; windows need a whole multiple of {LABEL_HZ:g} Hz, "
            "such as 12.5 or 25"
        )


def _require_length(store: Features, recording: RecordingFile, frames: int) -> None:
    seconds = frames / store.frame_hz
    if abs(seconds - recording.seconds) > LENGTH_TOLERANCE_SEC:
        raise MimidiarError(
            f"{store.folder}: {recording.id} has {frames} frames at {store.frame_hz:g} Hz, {seconds:.2f} s, but is "
            f"{recording.seconds:.2f} s long; is that the frame rate? Extract that set again"
        )


def _speech_mean(store: Features, name: str, frames: np.ndarray, turns: Turns) -> np.ndarray:
    """(D,); a recording with windows has speech."""
    spans = [(turn.start, turn.end) for turn in turns[name]]
    return frames[region_frames(spans, len(frames), store.frame_hz)].mean(0)


def embed_audio(
    data_dir: Path, encoder: str, windows: Iterable[Window], checkpoint: Path | None = None
) -> tuple[Vectors, str]:
    """The embedding of each window's samples alone, by a speaker encoder, and the sha256 of its weights.

    Raises MimidiarError for an encoder that embeds no windows, and as `read_recording` and `describe_encoder` do.
    """
    from mimidiar.encoders.registry import describe_encoder
    from mimidiar.torch_setup import use_one_thread

    use_one_thread()
    spec = describe_encoder(encoder, None, checkpoint)
    embedder = getattr(spec.build("cpu"), "embedder", None)
    if embedder is None:
        raise MimidiarError(f"{encoder} is no speaker encoder; extract its features and give them by --feats")
    return embed_windows(data_dir, embedder, windows), spec.weights_sha256


def embed_windows(data_dir: Path, embedder: "Embedder", windows: Iterable[Window]) -> Vectors:
    """As `embed_audio`, by a model from windows (N, T) of one length to vectors (N, D)."""
    import torch

    from mimidiar.encoders.speaker.windows import embed_segments

    files, vectors = {each.id: each for each in read_recordings(data_dir)}, {}
    for name, own in tqdm(_by_recording(windows), desc="windows", unit="rec", disable=None):
        audio = torch.from_numpy(read_recording(files[name], embedder.sample_rate))
        segments = [audio[slice(*window.span(embedder.sample_rate))] for window in own]
        rows = embed_segments(embedder, segments).cpu().numpy()
        vectors |= {window.id: row for window, row in zip(own, rows, strict=True)}
    return vectors


def _by_recording(windows: Iterable[Window]) -> list[tuple[str, list[Window]]]:
    return [(name, list(own)) for name, own in groupby(sorted(windows), attrgetter("recording"))]
