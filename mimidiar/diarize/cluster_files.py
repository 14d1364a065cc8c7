"""Stored windows and stored features to posteriors of whole recordings, by one of the ways to link. No torch here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.uem import read_uem
from mimidiar.diarize.clustering import ANY_NUMBER, Count, Linking
from mimidiar.diarize.speaker_assignment import link, link_by_reference
from mimidiar.diarize.window_store import LOCAL, unpack_windows
from mimidiar.diarize.windows import Window, stitch
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import Features, on_time_axis, open_features
from mimidiar.features.store import META, MatrixStore, ShardWriter, write_scp
from mimidiar.features.timing import Cost, clock
from mimidiar.files import read_json, write_json
from mimidiar.models.frame_stacking import LABEL_HZ
from mimidiar.models.projection import Projection, load_projection
from mimidiar.training.tune_posteriors import NAME, reference_frames


class Voices:
    """The embedding of each label frame of a set's recordings: of a speaker encoder, or of a codec behind a probe."""

    def __init__(self, feats_dir: Path, probe_path: Path | None = None):
        """Raises MimidiarError for a probe of other features."""
        self.store: Features = open_features(feats_dir)
        self.probe: Projection | None = load_projection(probe_path) if probe_path else None
        if self.probe is not None and self.probe.dim != self.store.dim:
            raise MimidiarError(
                f"{probe_path}: the probe wants {self.probe.dim} dimensions, {feats_dir} has {self.store.dim}"
            )

    def read(self, name: str, frames: int) -> np.ndarray:
        """(frames, E) of a recording; 0 where nothing is heard. MimidiarError for a recording that is not there."""
        if name not in self.store:
            raise MimidiarError(f"{self.store.folder}: has nothing of '{name}'; extract the features of this set")
        found = on_time_axis(self.store.read(name), self.store.frame_hz / LABEL_HZ, 0, frames)
        return self.probe(found) if self.probe is not None else found


def read_local(folder: Path) -> MatrixStore:
    """The windows that `mimidiar infer --local` keeps. MimidiarError where there are none."""
    scp = folder / f"{LOCAL}.scp"
    if not scp.is_file():
        raise MimidiarError(f"{scp}: no such file; run `mimidiar infer --local` to the end first")
    return MatrixStore(scp)


def windows_of(store: MatrixStore, name: str) -> list[Window]:
    """The windows of a recording. MimidiarError where the store holds something else."""
    try:
        return unpack_windows(store.read(name))
    except ValueError as error:
        raise MimidiarError(f"{store.scp}: {name}: {error}; run `mimidiar infer --local` again") from None


Linker = Callable[[str, list[Window]], np.ndarray]  # a recording's name and windows -> posteriors (T, S)


def by_voice(voices: Voices, linking: Linking, count: Callable[[str], Count] = lambda _: ANY_NUMBER) -> Linker:
    """Link by voice; `count` says of each recording how many speakers it may have."""
    return lambda name, windows: link(windows, voices.read(name, windows[-1].stop), linking, count(name))


def by_overlap() -> Linker:
    """Link by what windows say of the time in which they overlap; never more speakers than channels."""
    return lambda name, windows: stitch(windows)


def by_reference(data_dir: Path) -> Linker:
    """Link by the reference of the set in `data_dir`."""
    turns = read_rttm(data_dir / "ref.rttm")
    return lambda name, windows: link_by_reference(
        windows, reference_frames(turns.get(name, []), windows[-1].stop, LABEL_HZ)
    )


def reference_count(data_dir: Path) -> Callable[[str], Count]:
    """The number of speakers of each recording by the reference of the set in `data_dir`; of one in which nobody
    speaks, any. MimidiarError, when asked, for a recording that the set does not have.
    """
    turns, known = read_rttm(data_dir / "ref.rttm"), read_uem(data_dir / "all.uem")

    def count(name: str) -> Count:
        if name not in known:
            raise MimidiarError(f"{data_dir}: has no recording '{name}', whose speakers are to be counted")
        number = len({turn.speaker for turn in turns.get(name, [])})
        return Count(number, number) if number else ANY_NUMBER

    return count


def link_all(local_dir: Path, out_dir: Path, linker: Linker) -> Cost:
    """Write the posteriors (T, S) of all recordings to OUT/posteriors.scp, with as many columns as each has speakers.

    What an interrupted call left there is made again, as it may have been linked in another way. Returns what it cost.
    """
    store = read_local(local_dir)
    write_json(out_dir / META, {"frame_hz": LABEL_HZ, "model_sha256": read_json(local_dir / META)["model_sha256"]})
    began, frames = clock("cpu"), 0
    with ShardWriter(out_dir, NAME, 0, anew=True) as shard:
        for name in tqdm(store.keys(), desc="linking", unit="rec", disable=None):
            windows = windows_of(store, name)
            shard.write({name: linker(name, windows)})
            frames += windows[-1].stop
    write_scp(out_dir, NAME, 1)
    return Cost(frames / LABEL_HZ, clock("cpu") - began, "cpu")
