"""Stage 3: the features of every recording of a set, in shards that any number of jobs fill.

The division into batches and shards depends on the set alone, never on jobs or on finished work: a batch's composition
affects the last bits of its features, and the bytes must not differ.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mimidiar.audio.files import measure_audio, stream_audio
from mimidiar.data.recordings import RecordingFile, fingerprint, read_recordings
from mimidiar.encoders.protocol import BATCH_SEC
from mimidiar.encoders.registry import Encoder, describe_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.store import META, ShardWriter, shard_path, write_scp
from mimidiar.features.timing import Cost, clock
from mimidiar.files import read_json, sweep, write_json

NAME = "feats"
SHARD_SEC = 600.0  # about this much audio in a shard: small enough to share a small set among a few jobs
LENGTH_TOLERANCE_SEC = 0.025  # between manifest and file: compressed formats differ by this much, lhotse allows it

Batch = list[RecordingFile]
Matrices = dict[str, np.ndarray]  # (F, D) by recording id


@dataclass(frozen=True)
class Extracted:
    """The work of one call: recordings and audio seconds computed, wall seconds, and whether the set is finished.

    `cost` is that of the features, without loading the encoder; None where nothing was missing.
    """

    recordings: int
    audio_sec: float
    wall_sec: float
    finished: bool
    cost: Cost | None = None

    def summary(self, out_dir: str | Path) -> str:
        """One line for the log."""
        if not self.recordings:
            return f"{out_dir}: nothing was missing" + (", finished" if self.finished else "")
        speed = self.audio_sec / self.wall_sec
        return (
            f"{out_dir}: {self.recordings} recordings, {self.audio_sec / 60:.1f} min of audio in {self.wall_sec:.1f} s "
            f"({speed:.1f} x real time){', finished' if self.finished else ''}"
        )


def extract(
    data_dir: str | Path,
    out_dir: str | Path,
    encoder: str,
    tap: str | None = None,
    checkpoint: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    job: tuple[int, int] | None = None,
    batch_sec: float | None = None,
    shard_sec: float = SHARD_SEC,
    compress: bool = False,
) -> Extracted:
    """Write the features of all recordings in `data_dir` to `out_dir`: shards, and at the end `feats.scp`.

    `job` (k, n), k from 1, computes the k-th share of the missing shards and stops there; without it all missing shards
    are computed and the set is finished. A killed call can be repeated: finished batches are not computed again. A
    batch holds `batch_sec` of padded audio, by default the encoder's. With `compress` a number takes 16 bits. Raises
    MimidiarError for bad audio (naming the recording), a full disk, an unknown encoder or tap, and an `out_dir` that
    holds features of another encoder or of other recordings.
    """
    began = time.monotonic()
    spec = describe_encoder(encoder, tap, checkpoint, seed)
    recordings = read_recordings(data_dir)
    out_dir = Path(out_dir)
    meta = {**spec.meta(), "recordings": len(recordings), "recordings_sha256": fingerprint(recordings)}
    if compress:
        meta["compressed"] = True
    check_meta(out_dir / META, meta)
    shards = plan_shards(recordings, spec.batch_sec if batch_sec is None else batch_sec, shard_sec)
    missing = [number for number in range(len(shards)) if not shard_path(out_dir, NAME, number).is_file()]
    # By number and not by position among the missing: jobs that start at different times must not share a shard.
    share = [number for number in missing if job is None or number % job[1] == job[0] - 1]
    done, cost = (0, 0.0), None
    if share:
        from mimidiar.torch_setup import pick_device, use_one_thread

        use_one_thread()
        place = pick_device(device)
        encoder, started = spec.build(place), clock(place.type)
        done = fill_shards(out_dir, {number: shards[number] for number in share}, partial(encode_batch, encoder), meta)
        cost = Cost(done[1], clock(place.type) - started, place.type)
    if job is None:
        finish(out_dir, len(shards), recordings)
    return Extracted(*done, time.monotonic() - began, finished=job is None, cost=cost)


def check_meta(path: Path, meta: dict) -> None:
    """Raises MimidiarError when the features beside `path` are of other weights or recordings or in another format by
    it; and for features without such a file.
    """
    # First the features, then meta.json: another job writes meta.json before its features.
    begun = [each for each in sorted(path.parent.glob(f"*{NAME}.*.ark*")) if _holds_bytes(each)]
    if not path.is_file():
        if begun:
            raise MimidiarError(
                f"{begun[0]}: features, and no {path.name} beside them; put it back, or remove this folder"
            )
        return
    found = read_json(path)
    for key in meta | found:
        if found.get(key) != meta.get(key):
            raise MimidiarError(
                f"{path}: holds features with {key} = {found.get(key)!r}, asked for {meta.get(key)!r}; "
                "name another output folder, or remove this one"
            )


def _holds_bytes(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # another job has renamed it meanwhile
        return False


def plan_shards(
    recordings: list[RecordingFile], batch_sec: float = BATCH_SEC, shard_sec: float = SHARD_SEC
) -> list[list[Batch]]:
    """Cut a set into shards of batches: recordings of similar length together, at most `batch_sec` padded seconds
    each."""
    shards: list[list[Batch]] = []
    filled = 0.0
    for batch in _plan_batches(sorted(recordings, key=lambda each: (each.seconds, each.id)), batch_sec):
        seconds = sum(recording.seconds for recording in batch)
        if not shards or filled + seconds > shard_sec:
            shards.append([])
            filled = 0.0
        shards[-1].append(batch)
        filled += seconds
    return shards


def _plan_batches(by_length: list[RecordingFile], batch_sec: float) -> Iterator[Batch]:
    batch: Batch = []
    for recording in by_length:
        if batch and (len(batch) + 1) * recording.seconds > batch_sec:
            yield batch
            batch = []
        batch.append(recording)
    if batch:
        yield batch


def fill_shards(
    out_dir: Path, shards: dict[int, list[Batch]], encode: Callable[[Batch], Matrices], meta: dict
) -> tuple[int, float]:
    """Compute the shards given, by number; returns recordings and audio seconds computed.

    `meta.json` is written with the first features, so that a failed first call claims no folder.
    """
    total = sum(recording.seconds for shard in shards.values() for batch in shard for recording in batch)
    count, seconds = 0, 0.0
    with _progress(total) as bar:
        for number, shard in shards.items():
            with ShardWriter(out_dir, NAME, number, compress=meta.get("compressed", False)) as writer:
                for batch in shard:
                    length = sum(recording.seconds for recording in batch)
                    if not writer.done.issuperset(recording.id for recording in batch):
                        began = time.monotonic()
                        features = encode(batch)
                        if not (out_dir / META).is_file():
                            write_json(out_dir / META, meta)
                        writer.write(features)
                        count, seconds = count + len(batch), seconds + length
                        bar.set_postfix_str(f"{length / (time.monotonic() - began):.1f} x real time")
                    bar.update(length)
    return count, seconds


def _progress(total_sec: float) -> tqdm:
    layout = "{desc} {percentage:3.0f}% |{bar}| {n:.0f}/{total:.0f} s of audio [{elapsed}<{remaining}{postfix}]"
    return tqdm(total=total_sec, desc="extract", bar_format=layout, disable=None)


def encode_batch(encoder: Encoder, batch: Batch) -> Matrices:
    """Features (F, D) by recording id.

    A recording longer than a batch comes alone and is streamed from its file.
    """
    import torch

    if len(batch) == 1:
        from mimidiar.encoders.recordings import encode_chunks

        (recording,) = batch
        return {recording.id: np.concatenate(list(encode_chunks(encoder, read_chunks(recording, encoder.sample_rate))))}
    signals = [read_recording(recording, encoder.sample_rate) for recording in batch]
    lengths = torch.tensor([len(signal) for signal in signals])
    audio = torch.zeros(len(signals), int(lengths.max()))
    for row, signal in zip(audio, signals, strict=True):
        row[: len(signal)] = torch.from_numpy(signal)
    features, frames = encoder.encode(audio, lengths)
    return {each.id: features[i, : int(frames[i])].cpu().numpy() for i, each in enumerate(batch)}


def read_recording(recording: RecordingFile, sample_rate: int) -> np.ndarray:
    """The recording's audio, float32 (T,). Raises MimidiarError as `read_chunks` does."""
    return np.concatenate(list(read_chunks(recording, sample_rate)))


def read_chunks(recording: RecordingFile, sample_rate: int) -> Iterator[np.ndarray]:
    """The recording's audio in chunks. Raises MimidiarError that names the recording and its file."""
    try:
        info = measure_audio(recording.path)
        same_rate = info.sample_rate == recording.sample_rate
        if not same_rate or abs(info.seconds - recording.seconds) > LENGTH_TOLERANCE_SEC:
            raise MimidiarError(
                f"{recording.path}: {info.samples} samples at {info.sample_rate} Hz, in the manifest "
                f"{recording.samples} at {recording.sample_rate} Hz; prepare the data again"
            )
        yield from stream_audio(recording.path, sample_rate, channel=recording.channel, with_gain=True)
    except MimidiarError as error:
        raise MimidiarError(f"recording {recording.id}: {error}") from None


def finish(out_dir: Path, shards: int, recordings: list[RecordingFile]) -> None:
    """Write `feats.scp`. Raises MimidiarError when the shards hold other recordings than the manifest."""
    sweep(out_dir / META)  # left by a killed job
    keys = write_scp(out_dir, NAME, shards)
    wanted = sorted(recording.id for recording in recordings)
    if keys != wanted:
        odd = sorted(set(keys) ^ set(wanted))
        (out_dir / f"{NAME}.scp").unlink()
        raise MimidiarError(
            f"{out_dir}: the shards hold {len(keys)} recordings, the manifest {len(wanted)} (first that differs: "
            f"{odd[0]}); remove this folder and extract again"
        )
