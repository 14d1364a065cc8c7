"""All taps of an encoder, pooled in the pass that computes them: a vector per tap and utterance, or window.

Frames of 16 taps would take ten times the disk space of the audio, and a linear probe of a mean of frames needs only
that mean. A store has a matrix (windows x taps, D) of each recording, and a `meta.json`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.annotation.activity import activity_matrix, region_frames
from mimidiar.annotation.turns import LABEL_HZ, Turn
from mimidiar.data.recordings import RecordingFile, fingerprint, read_recordings
from mimidiar.data.splits import hash_order
from mimidiar.data.utterances_manifest import SourceUtterance, read_source
from mimidiar.encoders.registry import Encoder, EncoderSpec, describe_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.extraction import (
    NAME,
    Batch,
    Extracted,
    Matrices,
    check_meta,
    encode_batch,
    fill_shards,
    finish,
    plan_shards,
)
from mimidiar.features.store import META, MatrixStore, shard_path
from mimidiar.features.timing import Cost, clock
from mimidiar.files import read_json
from mimidiar.log import log

Speech = dict[str, Sequence[tuple[float, float]]]  # recording -> its speech, (start, end) in seconds
SHARD_SEC = 300.0
MIN_HOP_SEC = 0.08  # a frame of the slowest tap


@dataclass(frozen=True)
class Pooling:
    """The frames that are averaged: an utterance's speech, or, with `window_sec`, all frames of each window."""

    window_sec: float = 0.0  # 0: the whole utterance
    hop_sec: float = 0.0

    def check(self) -> None:
        """Raise MimidiarError for impossible windows."""
        if self.window_sec and not MIN_HOP_SEC <= self.hop_sec <= self.window_sec:
            raise MimidiarError(
                f"windows of {self.window_sec:g} s every {self.hop_sec:g} s: the hop must be {MIN_HOP_SEC:g} s or "
                "more, and no longer than the window"
            )

    def ranges(self, num_frames: int, frame_hz: float) -> list[tuple[int, int]]:
        """[first, last) of the frames of each window; the last window has the rest."""
        if not self.window_sec:
            return [(0, num_frames)]
        length, hop = round(self.window_sec * frame_hz), round(self.hop_sec * frame_hz)
        return [(first, min(first + length, num_frames)) for first in range(0, max(num_frames - length, 0) + hop, hop)]

    def shares(self, turns: Sequence[Turn], windows: int) -> tuple[np.ndarray, list[str]]:
        """(windows, S): the share of each window with speech of each speaker, by the reference, and the speakers."""
        speakers = sorted({turn.speaker for turn in turns})
        length, hop = round(self.window_sec * LABEL_HZ), round(self.hop_sec * LABEL_HZ)
        active = activity_matrix(turns, speakers, hop * (windows - 1) + length, LABEL_HZ)
        return np.stack([active[hop * w : hop * w + length].mean(0) for w in range(windows)]), speakers

    def centers(self, windows: int) -> np.ndarray:
        """(windows,) in seconds."""
        return np.arange(windows) * self.hop_sec + self.window_sec / 2


class PooledTaps:
    """A finished store of pooled taps: `taps` in order of depth, the `pooling`, and a matrix for each recording."""

    def __init__(self, folder: str | Path):
        """Raises MimidiarError when the folder holds none, or features of another kind."""
        self.folder = Path(folder)
        if not (self.folder / f"{NAME}.scp").is_file():
            raise MimidiarError(
                f"{self.folder}: no pooled taps here, or not finished; run stage 3 (`mimidiar study taps pool`)"
            )
        self.meta = read_json(self.folder / META)
        if "taps" not in self.meta:
            raise MimidiarError(
                f"{self.folder}: features of the tap {self.meta.get('tap')}; choose a folder of pooled taps"
            )
        self.taps: list[str] = self.meta["taps"]
        self.pooling = Pooling(**self.meta["pooling"])
        self._store = MatrixStore(self.folder / f"{NAME}.scp")

    def read(self, recording: str) -> np.ndarray:
        """(windows, taps, D) float32; one window where utterances are pooled whole."""
        return self._store.read(recording).reshape(-1, len(self.taps), self.meta["dim"])

    @property
    def recordings(self) -> list[str]:
        return self._store.keys()


def utterances_in(data_dir: str | Path, pooled: PooledTaps) -> list[SourceUtterance]:
    """The utterances of a set that were pooled. MimidiarError where there are none."""
    known = set(pooled.recordings)
    rows = [row for own in read_source(data_dir).values() for row in own if row.recording in known]
    if not rows:
        raise MimidiarError(f"{pooled.folder}: no utterance of {data_dir}; pool the taps of that set")
    return rows


@dataclass(frozen=True)
class OpenTaps:
    """An encoder with `taps` side by side, and its kind of device."""

    encoder: Encoder
    taps: list[str]
    device: str


def open_taps(name: str, checkpoint: str | Path | None, seed: int, device: str) -> OpenTaps:
    """An encoder with all taps of a study. Taps behind empty codebooks are left out, with a note."""
    from mimidiar.torch_setup import pick_device, use_one_thread

    use_one_thread()
    place, spec = pick_device(device), describe_encoder(name, None, checkpoint, seed)
    encoder, taps = spec.build(place).all_taps()
    if spec.build_codec and not any(tap.startswith("quantized.") for tap in taps):
        log.info(f"{name}: taps quantized.n are left out (the codebooks of these weights are empty: untrained)")
    return OpenTaps(encoder, taps, place.type)


def pool_sets(
    data_dirs: Sequence[str | Path],
    out_dir: str | Path,
    encoder: str,
    pooling: Pooling,
    checkpoint: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    job: tuple[int, int] | None = None,
    limit: int | None = None,
) -> Iterator[tuple[Path, Extracted]]:
    """Write the pooled taps of each set to the folder of its name in `out_dir`; yields folder and report.

    Of all recordings of a set, or of `limit` of them, a random choice. Shares, resuming and errors as in `extract`; the
    encoder is built once, and not at all where nothing is missing.
    """
    pooling.check()
    spec = describe_encoder(encoder, None, checkpoint, seed)

    build = cache(lambda: open_taps(encoder, checkpoint, seed, device))
    for data_dir in map(Path, data_dirs):
        folder = Path(out_dir) / data_dir.resolve().name
        yield folder, _pool_set(data_dir, folder, spec, build, pooling, job, limit)


def _pool_set(
    data_dir: Path,
    out_dir: Path,
    spec: EncoderSpec,
    build: Callable[[], OpenTaps],
    pooling: Pooling,
    job: tuple[int, int] | None,
    limit: int | None,
) -> Extracted:
    began, recordings = time.monotonic(), read_recordings(data_dir)
    chosen = set(hash_order([recording.id for recording in recordings], seed=0)[:limit])
    recordings = [recording for recording in recordings if recording.id in chosen]
    known = read_json(out_dir / META).get("taps", []) if (out_dir / META).is_file() else build().taps
    meta = _meta(spec.meta(), known, pooling, recordings)
    check_meta(out_dir / META, meta)
    shards = plan_shards(recordings, spec.batch_sec, SHARD_SEC)
    share = {
        number: shard
        for number, shard in enumerate(shards)
        if not shard_path(out_dir, NAME, number).is_file() and (job is None or number % job[1] == job[0] - 1)
    }
    done, cost = (0, 0.0), None
    if share:
        opened = build()
        speech, started = {} if pooling.window_sec else speech_of(data_dir), clock(opened.device)
        done = fill_shards(out_dir, share, lambda batch: _pooled(opened, batch, speech, pooling), meta)
        cost = Cost(done[1], clock(opened.device) - started, opened.device)
    if job is None:
        finish(out_dir, len(shards), recordings)
    return Extracted(*done, time.monotonic() - began, finished=job is None, cost=cost)


def _meta(
    of_spec: dict[str, Any], taps: list[str], pooling: Pooling, recordings: list[RecordingFile]
) -> dict[str, Any]:
    meta = {**of_spec, "tap": taps[0] if len(taps) == 1 else "all", "taps": taps, "pooling": asdict(pooling)}
    # Rows are not frames; this rate keeps them from use as such.
    return meta | {"frame_hz": 0.0, "recordings": len(recordings), "recordings_sha256": fingerprint(recordings)}


def speech_of(data_dir: str | Path) -> Speech:
    """The speech of each recording of a set of utterances, by the manifest's alignment."""
    speech: dict[str, list[tuple[float, float]]] = {}
    for utterances in read_source(data_dir).values():
        for utterance in utterances:
            speech.setdefault(utterance.recording, []).extend(utterance.speech)
    return speech


def _pooled(opened: OpenTaps, batch: Batch, speech: Speech, pooling: Pooling) -> Matrices:
    features, taps, frame_hz = encode_batch(opened.encoder, batch), len(opened.taps), opened.encoder.frame_hz
    return {
        name: pool(frames, speech.get(name, ()), frame_hz, pooling).reshape(-1, frames.shape[1] // taps)
        for name, frames in features.items()
    }


def pool(frames: np.ndarray, speech: Sequence[tuple[float, float]], frame_hz: float, pooling: Pooling) -> np.ndarray:
    """(windows, D): means of the frames (T, D), of those with `speech` if there are any."""
    active = region_frames(speech, len(frames), frame_hz)
    frames = frames[active] if active.any() else frames
    ranges = pooling.ranges(len(frames), frame_hz)
    return np.stack([frames[first:last].mean(0, dtype=np.float64) for first, last in ranges]).astype(np.float32)
