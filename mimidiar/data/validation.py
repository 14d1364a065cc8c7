"""Validation of set folders before any computation: lhotse's own checks and further ones."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import soundfile
from lhotse import Recording, SupervisionSegment, validate_recordings_and_supervisions

from mimidiar.annotation.rttm import read_rttm
from mimidiar.data.jsonl import RECORDINGS, SUPERVISIONS
from mimidiar.data.manifests import SetFolder, read_set
from mimidiar.errors import MimidiarError

SHOWN = 20
SET_FILES = (RECORDINGS, SUPERVISIONS, "cuts.jsonl.gz", "ref.rttm", "all.uem")
# Times in RTTM have three decimals.
ROUNDING_SEC = 0.001
ROLES = ("train", "dev", "eval", "test")


def require_valid(folders: Sequence[str | Path], allow_shared: bool = False) -> None:
    """Raise MimidiarError with the first 20 problems and their number, if there are any."""
    problems = find_problems(folders, allow_shared)
    if problems:
        rest = f"\n  ... and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        listed = "".join(f"\n  {problem}" for problem in problems[:SHOWN])
        raise MimidiarError(f"{len(problems)} problem(s) in {len(folders)} data folder(s):{listed}{rest}")


def set_folders(paths: Sequence[str | Path]) -> list[Path]:
    """The paths with at least a part of a set; in `data/*`, logs are ignored. MimidiarError if there is none."""
    found = [Path(path) for path in paths if any((Path(path) / name).is_file() for name in SET_FILES)]
    if not found:
        raise MimidiarError(
            f"{paths[0]}: no set here, {RECORDINGS} is missing; run stage 1 (`mimidiar data prepare`) first"
        )
    return found


def find_problems(folders: Sequence[str | Path], allow_shared: bool = False) -> list[str]:
    """All problems, as sentences with folder, record, numbers and remedy.

    Folders called train, dev, eval, test (or sim_train_two, ami_mix_train, ...) must not share recordings or speakers
    with one another, nor any other folder with train, unless `allow_shared`.
    """
    paths = [Path(folder) for folder in folders]
    sets = {path: read_set(path) for path in paths}
    problems = [f"{path}: {text}" for path, data in sets.items() for text in _problems_of_set(path, data)]
    if not allow_shared:
        problems += _shared(sets)
    return problems


def _problems_of_set(path: Path, data: SetFolder) -> Iterator[str]:
    recordings = {recording.id: recording for recording in data.recordings}
    turns: dict[str, list[SupervisionSegment]] = defaultdict(list)
    for segment in data.supervisions:
        turns[segment.recording_id].append(segment)
    own = [text for r in recordings.values() for text in _problems_of_audio(r)]
    own += [text for name in turns for text in _problems_of_turns(name, recordings.get(name), turns[name])]
    own += _problems_of_uem(data, recordings)
    own += _problems_of_trials(data)
    yield from own
    if not own:
        # What is wrong with the turns is wrong with the RTTM as well. lhotse stops at the first problem and says less
        # about it. So both speak only where nothing was found before.
        yield from _problems_of_rttm(path, data)
        yield from _problems_of_lhotse(data)


def _problems_of_lhotse(data: SetFolder) -> Iterator[str]:
    try:
        validate_recordings_and_supervisions(data.recordings, data.supervisions)
    except AssertionError as error:
        yield f"lhotse: {error}; prepare the set again"


def _problems_of_audio(recording: Recording) -> Iterator[str]:
    path = recording.sources[0].source
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        state = "cannot be read" if Path(path).exists() else "does not exist"
        yield f"recording {recording.id}: audio file {path} {state}; restore it and prepare the set again"
        return
    if (info.frames, info.samplerate) != (recording.num_samples, recording.sampling_rate):
        yield (
            f"recording {recording.id}: audio file {path} has {info.frames} samples at {info.samplerate} Hz, "
            f"the manifest says {recording.num_samples} at {recording.sampling_rate}; prepare the set again"
        )
    of_file = len(recording.sources[0].channels)
    if of_file > 1 and info.channels != of_file:
        yield (
            f"recording {recording.id}: audio file {path} has {info.channels} channel(s), the manifest says {of_file}; "
            "prepare the set again"
        )


def _problems_of_turns(name: str, recording: Recording | None, turns: list[SupervisionSegment]) -> Iterator[str]:
    if recording is None:
        yield f"supervision {turns[0].id}: there is no recording {name}; delete the turn or add the recording"
        return
    ends: dict[str, float] = {}
    for turn in sorted(turns, key=lambda t: t.start):
        where = f"recording {name}: turn {turn.id} of {turn.speaker!r}"
        if not (turn.speaker or "").strip():
            yield f"{where} has no speaker; name one"
        if turn.duration <= 0:
            yield f"{where} lasts {turn.duration:.3f} s; delete it"
        if turn.start < 0 or turn.end > recording.duration + ROUNDING_SEC:
            yield (
                f"{where} is at {turn.start:.3f}-{turn.end:.3f} s, but the recording lasts {recording.duration:.3f} s; "
                "cut the turn or restore the audio"
            )
        before = ends.get(turn.speaker, 0.0)
        if turn.start < before - ROUNDING_SEC:
            yield f"{where} begins at {turn.start:.3f} s, before their last turn ends ({before:.3f} s); join the two"
        ends[turn.speaker] = max(before, turn.end)


def _problems_of_uem(data: SetFolder, recordings: dict[str, Recording]) -> Iterator[str]:
    for name in sorted(recordings.keys() - data.uem.keys()):
        yield f"recording {name}: not in all.uem, so that none of it would be scored; add a line"
    for name, regions in data.uem.items():
        if name not in recordings:
            yield f"all.uem: there is no recording {name}; delete the line"
            continue
        length = recordings[name].duration
        for start, end in regions:
            if not 0 <= start < end <= length + ROUNDING_SEC:
                yield f"all.uem: {name} {start:.3f}-{end:.3f} s is not within the recording, 0-{length:.3f} s"


def _problems_of_trials(data: SetFolder) -> Iterator[str]:
    known = {segment.id for segment in data.supervisions}
    absent = sorted({name for _, *pair in data.trials or [] for name in pair} - known)
    if absent:
        yield f"trials: {len(absent)} name(s) of no utterance here, {absent[0]} for one; delete those lines"


def _problems_of_rttm(path: Path, data: SetFolder) -> Iterator[str]:
    """ref.rttm is what is scored against: it must be about these recordings, and end with them."""
    lengths = {recording.id: recording.duration for recording in data.recordings}
    for name, turns in read_rttm(path / "ref.rttm").items():
        end = max(turn.end for turn in turns)
        if name not in lengths:
            yield f"ref.rttm: there is no recording {name}; prepare the set again"
        elif end > lengths[name] + ROUNDING_SEC:
            yield f"ref.rttm: {name} has a turn until {end:.3f} s, but lasts {lengths[name]:.3f} s; cut the turn"


def _role(path: Path) -> str:
    """`train` for train, sim_train_two and ami_mix_train; trials_dev and quiet_trials_dev have none, whatever their
    speakers are from.
    """
    parts = path.name.split("_")
    return "other" if "trials" in parts else next((part for part in parts if part in ROLES), "other")


def _shared(sets: dict[Path, SetFolder]) -> Iterator[str]:
    for (a, first), (b, second) in combinations(sets.items(), 2):
        roles = {_role(a), _role(b)}
        if len(roles) == 1 or ("other" in roles and "train" not in roles):
            continue
        yield from _overlap(a, b, "recording", {r.id for r in first.recordings}, {r.id for r in second.recordings})
        mine, theirs = ({s.speaker for s in data.supervisions} for data in (first, second))
        yield from _overlap(a, b, "speaker", mine, theirs)


def _overlap(a: Path, b: Path, what: str, mine: set[str], theirs: set[str]) -> Iterator[str]:
    both = sorted(mine & theirs)
    if both:
        yield (
            f"{a} and {b} share {len(both)} {what}(s), {both[0]} for one; split them apart, or say that the corpus' "
            "protocol wants it (--allow-shared)"
        )
