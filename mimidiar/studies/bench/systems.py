"""Diarizers as a user calls them, one process for a list of files; their outputs and costs, side by side.

`OUT/<system>/hyp.rttm`: a system's turns of a set; `OUT/<system>/system.json`: its command and its parts;
`OUT/<system>/cost/score.json`: its cost, of kind "cost". Figures, each the median over rounds, with the range over
rounds as its interval (level 1):

- `wall_rtf`, `cpu_rtf`: real-time factors by wall time and by processor time: all files in one process,
  from its start to its end, loading included;
- `wall_rtf_further`, `cpu_rtf_further`: the same without start-up: the extra time of all files over the first one
  alone, by the extra audio;
- `startup_wall_sec`, `startup_cpu_sec`: the extra time of the first file over that rate. With a warning where in some
  round the first file alone took longer than all, as on a busy machine;
- `peak_mb`: the peak memory, in MiB, of the process and its children;
- `wall_ratio`: wall time over that of the system `reference` in the same round.

`audio_sec`, `n_recordings`; `warnings`; `protocol`: the conditions that comparable costs share.
"""

import hashlib
import json
import shlex
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.commit import describe_environment
from mimidiar.data.recordings import RecordingFile, read_recordings
from mimidiar.errors import MimidiarError
from mimidiar.files import make_folder, read_json, sha256_file, write_json
from mimidiar.log import log
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.score_file import SCORE_FILE, rounded
from mimidiar.studies.bench.process import Usage, allowed_cores, run_measured

FILES, OUT = "{files}", "{out}"
SYSTEM_FILE, USAGE_FILE = "system.json", "usage.json"
CLOCKS = ("wall", "cpu")
ODD = "the first file alone took longer than all; the rate without start-up means nothing"


@dataclass(frozen=True)
class Round:
    """A process for all files, and one for the first alone (None for a single file), with the seconds of audio."""

    n_recordings: int
    audio_sec: float
    whole: Usage
    first_audio_sec: float
    first: Usage | None

    def figures(self) -> dict[str, float]:
        found = {"peak_mb": self.whole.peak_mb}
        for clock in CLOCKS:
            whole = getattr(self.whole, f"{clock}_sec")
            found[f"{clock}_rtf"] = whole / self.audio_sec
            if self.first is not None:
                first = getattr(self.first, f"{clock}_sec")
                rate = (whole - first) / (self.audio_sec - self.first_audio_sec)
                found[f"{clock}_rtf_further"] = rate
                found[f"startup_{clock}_sec"] = first - rate * self.first_audio_sec
        return found


def cost_document(own: Sequence[Round], others: Sequence[Round], reference: str) -> dict[str, Any]:
    """The content of score.json for the rounds of a system, and those of the `reference` in the same order."""
    rows = [each.figures() for each in own]
    for row, one, other in zip(rows, own, others, strict=True):
        row["wall_ratio"] = one.whole.wall_sec / other.whole.wall_sec
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    odd = [number for number, row in enumerate(rows, 1) if min(row.get(f"{c}_rtf_further", 1) for c in CLOCKS) <= 0]
    ranges = {name: {"low": min(values), "high": max(values), "level": 1.0} for name, values in columns.items()}
    return {
        "kind": "cost",
        **{name: rounded(statistics.median(values)) for name, values in columns.items()},
        "audio_sec": rounded(own[0].audio_sec),
        "n_recordings": own[0].n_recordings,
        "intervals": rounded(ranges) if len(own) > 1 else {},
        "warnings": [f"round {number}: {ODD}" for number in odd],
        "protocol": {"rounds": len(own), "reference": reference, "conventions": SCORE_KINDS["cost"].conventions},
    }


@dataclass(frozen=True)
class System:
    """A diarizer: `command` takes the audio files at {files}, and writes <file name>.rttm into {out}.

    `packages`: name and version of foreign packages; `weights`: sha256 of our own models.
    """

    name: str
    command: str
    packages: tuple[dict[str, str], ...] = ()
    weights: tuple[str, ...] = ()

    def words(self, files: Sequence[Path], out: str | Path) -> list[str]:
        """The command for these files. MimidiarError where it lacks {files} or {out}."""
        words = shlex.split(self.command)
        if FILES not in words or not any(OUT in word for word in words):
            raise MimidiarError(f"system {self.name}: no words {FILES} and {OUT} in its command: {self.command}")
        filled = [map(str, files) if word == FILES else [word.replace(OUT, str(out))] for word in words]
        return [part for parts in filled for part in parts]


def read_package(folder: str | Path) -> dict[str, str]:
    """`package` and `version` from FOLDER/package.json."""
    about = read_json(Path(folder) / "package.json")
    if not isinstance(about, dict) or not all(isinstance(about.get(key), str) for key in ("package", "version")):
        raise MimidiarError(f"{folder}/package.json: does not name package and version; install it again")
    return {key: about[key] for key in ("package", "version")}


def bench(data: str | Path, out: str | Path, systems: Sequence[System], rounds: int, cores: int) -> None:
    """Run the systems in turn on the recordings of a set, `rounds` times: on the first recording, and on all.

    Before them each is run once on the first recording, uncounted, so that its files are in the disk cache in every
    round. A finished run is not repeated, and a system with all runs finished has no warm-up. Raises MimidiarError for
    a system that fails or leaves a file out.
    """
    recordings, out = read_recordings(data), Path(out)
    _check(systems, recordings)
    chosen = allowed_cores(cores)
    sets = {"first": recordings[:1], "all": recordings} if len(recordings) > 1 else {"all": recordings}
    runs = [(f"{part}.{number}", files) for number in range(1, rounds + 1) for part, files in sets.items()]
    for system in systems:
        folder = out / system.name / "runs"
        if not all((folder / name / USAGE_FILE).is_file() for name, _ in runs):
            shutil.rmtree(folder / "warm-up", ignore_errors=True)
            _run(system, recordings[:1], folder / "warm-up", chosen)
    for name, files in runs:
        for system in systems:
            usage = _run(system, files, out / system.name / "runs" / name, chosen)
            log.info(
                f"{name}, {system.name}, {len(files)} files: {usage.wall_sec:.1f} s, "
                f"{usage.cpu_sec:.1f} s of the processor, {usage.peak_mb:.0f} MB"
            )
    machine = {"cores": cores, "processor": describe_environment()["processor"]}
    conditions = machine | {"recordings_sha256": _digest(recordings)}
    costs = {system.name: _rounds(out / system.name, rounds, recordings) for system in systems}
    for system in systems:
        document = cost_document(costs[system.name], costs[systems[0].name], systems[0].name)
        document["protocol"] |= conditions
        answers = [_answer(out / system.name / f"runs/all.{n}", recordings) for n in range(1, rounds + 1)]
        _write(system, out / system.name, answers, document)


def _check(systems: Sequence[System], recordings: Sequence[RecordingFile]) -> None:
    names = [system.name for system in systems]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise MimidiarError(f"two systems have the name {doubled[0]}")
    for system in systems:
        system.words([], "")
    stems = [recording.path.stem for recording in recordings]
    if doubled := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise MimidiarError(f"two recordings have files named {doubled[0]}, and would have one RTTM; rename one")
    if several := [recording for recording in recordings if recording.channel is not None]:
        what = f"recording {several[0].id} is one channel of {several[0].path}, and systems are given whole files"
        raise MimidiarError(f"{what}; write the channel to a file of its own")


def _run(system: System, recordings: Sequence[RecordingFile], folder: Path, cores: Sequence[int]) -> Usage:
    """One process of a system; its RTTMs, its log and usage.json are in `folder` after success."""
    if (folder / USAGE_FILE).is_file():
        return Usage(**read_json(folder / USAGE_FILE))
    make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder.resolve(), prefix=".work-") as work:
        scratch = Path(work)
        files = [recording.path.resolve() for recording in recordings]
        usage = run_measured(system.words(files, scratch), cores, folder / "log")
        for recording in recordings:
            found = scratch / f"{recording.path.stem}.rttm"
            if not found.is_file():
                raise MimidiarError(f"{system.name}: no {found.name} for {recording.path}; see {folder / 'log'}")
            shutil.copy(found, folder / found.name)
    write_json(folder / USAGE_FILE, asdict(usage))
    return usage


def _answer(folder: Path, recordings: Sequence[RecordingFile]) -> list[Turn]:
    """The turns of a run, with the names of the recordings."""
    turns: list[Turn] = []
    for recording in recordings:
        for own in read_rttm(folder / f"{recording.path.stem}.rttm").values():
            turns += [replace(turn, recording=recording.id) for turn in own]
    return turns


def _rounds(folder: Path, rounds: int, recordings: Sequence[RecordingFile]) -> list[Round]:
    seconds = sum(recording.seconds for recording in recordings)
    found = []
    for number in range(1, rounds + 1):
        first = folder / f"runs/first.{number}" / USAGE_FILE
        one = Usage(**read_json(first)) if first.is_file() else None
        whole = Usage(**read_json(folder / f"runs/all.{number}" / USAGE_FILE))
        found.append(Round(len(recordings), seconds, whole, recordings[0].seconds, one))
    return found


def _write(system: System, folder: Path, answers: Sequence[list[Turn]], document: dict[str, Any]) -> None:
    """Write the turns of the first round, and the system's description."""
    odd = [number for number, answer in enumerate(answers, 1) if answer != answers[0]]
    document["warnings"] += [f"another answer in round {number} than in round 1" for number in odd]
    about = {"command": system.command, "packages": list(system.packages), "weights_sha256": list(system.weights)}
    write_json(folder / SYSTEM_FILE, about)
    write_json(folder / "cost" / SCORE_FILE, document)
    write_rttm(folder / "hyp.rttm", answers[0])


def _digest(recordings: Sequence[RecordingFile]) -> str:
    """A hash of the audio, since comparable costs are of the same files."""
    rows: list[Any] = [[recording.id, sha256_file(recording.path)] for recording in recordings]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
