"""Pairs of windows of one recording: equal numbers of the same and of different speakers, the same for each recording.

In a recording every speaker with two windows is as likely in a pair of the same speaker, and every two speakers in one
of different speakers: who speaks most does not count most. No two windows overlap. The choice is random, but depends on
seed, recording and length alone, so that a set has the same pairs however many others there are.
"""

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.text_file import sha256_lines
from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.annotation.uem import read_uem
from mimidiar.data.recordings import read_recordings
from mimidiar.errors import MimidiarError, listed
from mimidiar.files import read_json, write_json, write_text
from mimidiar.studies.pairs.windows import ALONE, OTHERS, Activity, Window, frames_of, write_windows

PAIRS, WINDOWS, TRIALS = "pairs.json", "windows.tsv", "trials"
Pair = tuple[Window, Window]


@dataclass(frozen=True)
class Length:
    """The pairs of windows of one length: recordings with pairs, and those `left_out` since they have too few."""

    seconds: float
    frames: int
    recordings: list[str]
    left_out: list[str]

    @property
    def name(self) -> str:
        """The name of its protocol: `window1.5`."""
        return f"window{self.seconds:g}"

    @property
    def window_sec(self) -> float:
        """The exact length."""
        return self.frames / LABEL_HZ

    def summary(self, count: int) -> str:
        """One line for the log."""
        without = f"; {len(self.left_out)} have too few: {listed(self.left_out)}" if self.left_out else ""
        return (
            f"windows of {self.seconds:g} s ({self.window_sec:g} s): {count} pairs of the same speaker and {count} of "
            f"different ones in each of {len(self.recordings)} recordings{without}"
        )


def choose_set(data_dir: Path, out: Path, seconds: Sequence[float], count: int, seed: int) -> list[Length]:
    """Choose `count` pairs of each kind in every recording of a set, for windows of each length in `seconds`.

    Writes OUT/trials, windows.tsv and pairs.json. Raises MimidiarError where no recording has enough pairs, naming the
    length, and for two lengths of as many frames.
    """
    by_frames = {frames_of(length): length for length in seconds}
    if len(by_frames) < len(seconds):
        raise MimidiarError(f"windows of {', '.join(f'{each:g}' for each in seconds)} s: two have as many frames")
    recordings = _read_activity(data_dir)
    lengths, chosen = [], []
    for frames, length in by_frames.items():
        found = {name: _pairs_in(activity, frames, count, seed) for name, activity in recordings.items()}
        kept = [name for name, pairs in found.items() if pairs]
        lengths.append(Length(length, frames, kept, sorted(found.keys() - set(kept))))
        _require_pairs(lengths[-1], count, data_dir)
        chosen += [pair for name in kept for pair in found[name]]
    _write(out, chosen)
    about = {"pairs_per_recording": 2 * count, "seed": seed, "alone": ALONE, "others": OTHERS}
    about["reference_sha256"] = sha256_lines(data_dir / "ref.rttm")
    write_json(out / PAIRS, about | {"lengths": [asdict(length) for length in lengths]})
    return lengths


def _read_activity(data_dir: Path) -> dict[str, Activity]:
    turns, scored = read_rttm(data_dir / "ref.rttm"), read_uem(data_dir / "all.uem")
    return {
        each.id: Activity.of(each.id, each.seconds, turns.get(each.id, []), scored.get(each.id, []))
        for each in sorted(read_recordings(data_dir), key=attrgetter("id"))
    }


def _pairs_in(activity: Activity, frames: int, count: int, seed: int) -> list[Pair]:
    """Those of a recording, which no other recording has a part in."""
    random = np.random.default_rng([seed, frames, zlib.crc32(activity.recording.encode())])
    return choose_pairs(activity.disjoint_windows(frames, random), count, random)


def choose_pairs(windows: Sequence[Window], count: int, random: np.random.Generator) -> list[Pair]:
    """`count` pairs of the same speaker, then as many of different ones; none where there are fewer of either."""
    _, speakers = np.unique(np.array([window.speaker for window in windows], dtype=str), return_inverse=True)
    one, other = np.triu_indices(len(windows), 1)
    who = np.sort(np.stack([speakers[one], speakers[other]]), axis=0)
    chosen: list[int] = []
    for kind in (who[0] == who[1], who[0] != who[1]):
        among = np.flatnonzero(kind)
        if len(among) < count:
            return []
        _, group, size = np.unique(who[:, among], axis=1, return_inverse=True, return_counts=True)
        likely = 1 / size[group.ravel()]
        chosen += sorted(random.choice(among, count, replace=False, p=likely / likely.sum()).tolist())
    return [(windows[one[number]], windows[other[number]]) for number in chosen]


def _require_pairs(length: Length, count: int, data_dir: Path) -> None:
    if not length.recordings:
        raise MimidiarError(
            f"{data_dir}: none of {len(length.left_out)} recordings has {count} pairs of the same and {count} of "
            f"different speakers in windows of {length.seconds:g} s; take fewer pairs (--pairs) or shorter windows"
        )


def _write(out: Path, pairs: Sequence[Pair]) -> None:
    write_windows(out / WINDOWS, sorted({window for pair in pairs for window in pair}))
    lines = (f"{int(one.speaker == other.speaker)} {one.id} {other.id}\n" for one, other in pairs)
    write_text(out / TRIALS, "".join(lines))


def read_lengths(folder: Path) -> tuple[list[Length], dict[str, Any]]:
    """The lengths of chosen pairs, and what else `pairs.json` says of them. MimidiarError without such a file."""
    if not (folder / PAIRS).is_file():
        raise MimidiarError(f"{folder}: no pairs in this folder; choose them first (`mimidiar study pairs choose`)")
    about = read_json(folder / PAIRS)
    return [Length(**length) for length in about.pop("lengths")], about
