"""Scoring of files: read, score, and write `score.json` and `per_recording.csv`.

`score.json` of a diarization score is one object:

- `kind`: "diarization"; or "identification" where speakers are not paired (`Protocol.keep_names`): it has `ier`, the
  identification error rate, in place of `der`, and no `jer`;
- figures, in % where nothing else is said, null where there is nothing to divide by: `der`, `miss`, `false_alarm`,
  `confusion` (of reference speaker time; the last three add up to the first); `jer` (of speakers); `vad_miss`,
  `vad_false_alarm` (of the time with reference speech, speech of all speakers taken as one); `overlap_precision`,
  `overlap_recall`, `overlap_f1` (of the time with two or more speakers); `speaker_count_accuracy` (of recordings),
  `speaker_count_error` (mean absolute error, in speakers), `speaker_count_bias` (mean of hypothesis - reference);
- `intervals`: for each figure that is not null {`low`, `high`, `level`}, by bootstrap over recordings; {} for one
  (`bootstrap` says what they hold for);
- `by_speakers`: by the number of reference speakers ("2"), `n_recordings`, `reference_sec` and the figures;
- `n_recordings`, and `seconds`: `reference`, `missed`, `false_alarm`, `confusion`, `error` of speaker time, `scored` of
  time;
- `system`, a name or null, `warnings`, a list of texts, and `hypothesis_sha256`;
- `protocol`: everything that two scores must share to be compared: `collar` (seconds on either side, as md-eval),
  `skip_overlap`, `extent`, `scorer`, `conventions` (`diarization.CONVENTIONS`), `reference_sha256`, `uem_sha256` (null
  without), `noscore_regions`.

`per_recording.csv` has for each recording the figures (empty where null), the seconds behind them, and the speakers.
"""

import csv
import io
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mimidiar.annotation.reading import Reading
from mimidiar.annotation.sources import holds_supervisions, read_turns, sha256_turns
from mimidiar.annotation.text_file import sha256_source, shown
from mimidiar.annotation.turns import Turns, extent, subtract
from mimidiar.annotation.uem import read_uem
from mimidiar.errors import MimidiarError
from mimidiar.files import require_regular, write_json, write_text
from mimidiar.score.bootstrap import FEW_CLUSTERS
from mimidiar.score.diarization import DiarizationScore, Protocol, score_diarization
from mimidiar.score.error_regions import ErrorRegions, find_errors
from mimidiar.score.kinds import SCORE_KINDS
from mimidiar.score.noscore import read_noscore
from mimidiar.score.ratios import by_speakers, figures, intervals, kind_of
from mimidiar.score.recordings import Matching, Regions, match_hypothesis
from mimidiar.score.score_file import SCORE_FILE, rounded
from mimidiar.score.speaker_names import name_notes

RECORDINGS_FILE = "per_recording.csv"


@dataclass(frozen=True)
class Inputs:
    """What was read to be scored, under any number of protocols: `notes` on the reading, and the hashes of the files
    by their names in `score.json`.
    """

    reference: Turns
    hypothesis: Turns
    uem: Regions | None
    noscore: Regions
    notes: tuple[str, ...]
    hashes: dict[str, str | None]


def score_files(
    reference: str | Path,
    hypothesis: str | Path,
    uem: str | Path | None = None,
    protocol: Protocol | None = None,
) -> tuple[DiarizationScore, dict[str, Any]]:
    """Score RTTM or supervisions, files or folders; the score, and what `score.json` says about it.

    Raises MimidiarError for what cannot be read or scored, and for pipes.
    """
    return score_inputs(read_inputs(reference, hypothesis, uem), protocol)


def read_inputs(
    reference: str | Path, hypothesis: str | Path, uem: str | Path | None = None, matching: Matching | None = None
) -> Inputs:
    """Read what is to be scored, with the recordings of the hypothesis as `matching` says.

    Raises MimidiarError for what cannot be read or matched, and for pipes.
    """
    for path in filter(None, (reference, hypothesis, uem)):
        require_regular(path)  # each is read again for its hash
    notes: list[str] = []
    true, found = read_turns(reference, Reading(notes=notes)), read_turns(hypothesis, Reading(notes=notes))
    regions = None if uem is None else read_uem(uem, notes)
    found, matched = match_hypothesis(true, found, regions, matching or Matching())
    noscore = {} if holds_supervisions(reference) else read_noscore(reference)
    hashes = {
        "hypothesis_sha256": sha256_turns(hypothesis),
        "reference_sha256": sha256_turns(reference),
        "uem_sha256": None if uem is None else sha256_source(uem, ".uem"),
    }
    return Inputs(true, found, regions, noscore, (*notes, *matched), hashes)


def score_inputs(
    inputs: Inputs, protocol: Protocol | None = None, system: str | None = None
) -> tuple[DiarizationScore, dict[str, Any]]:
    """Score what was read; the score, and what `score.json` says about it. MimidiarError where that cannot be."""
    score = score_diarization(inputs.reference, inputs.hypothesis, inputs.uem, protocol, inputs.noscore)
    notes = list(inputs.notes)
    if score.protocol.keep_names:
        notes += name_notes(inputs.reference, inputs.hypothesis)
    if 1 < len(score.recordings) < FEW_CLUSTERS:
        notes.append(f"only {len(score.recordings)} recordings: the intervals are rough, and rather too narrow")
    score = replace(score, warnings=(*notes, *score.warnings))
    document = score_document(score)
    document["system"] = system
    document["hypothesis_sha256"] = inputs.hashes["hypothesis_sha256"]
    document["protocol"] |= {
        "reference_sha256": inputs.hashes["reference_sha256"],
        "uem_sha256": inputs.hashes["uem_sha256"],
        "noscore_regions": sum(map(len, inputs.noscore.values())),
    }
    return score, document


def score_document(score: DiarizationScore) -> dict[str, Any]:
    """What `score.json` says of a score in memory: everything but the names and hashes of files."""
    total = score.total
    names = ("reference", "missed", "false_alarm", "confusion", "error", "scored")
    kind, ratios = kind_of(score)
    protocol = asdict(score.protocol)
    del protocol["keep_names"]  # said by the kind
    groups = {
        str(number): {
            "n_recordings": len(group),
            "reference_sec": sum(r.reference_sec for r in group),
            **figures(group, ratios),
        }
        for number, group in by_speakers(score.recordings).items()
    }
    return {
        "kind": kind,
        **rounded(figures(score.recordings, ratios)),
        "intervals": rounded(intervals(score.recordings, ratios)),
        "by_speakers": rounded(groups),
        "seconds": rounded({name: getattr(total, f"{name}_sec") for name in names}),
        "n_recordings": len(score.recordings),
        "warnings": list(score.warnings),
        "protocol": {
            **protocol,
            "extent": score.extent,
            "scorer": f"pyannote.metrics {version('pyannote.metrics')} (error times), mimidiar (the rest)",
            "conventions": SCORE_KINDS[kind].conventions,
        },
    }


def write_score(folder: str | Path, score: DiarizationScore, document: dict[str, Any]) -> list[str]:
    """Write FOLDER/per_recording.csv and FOLDER/score.json; the latter last, so that it vouches for both.

    Returns the names of the files.
    """
    write_text(Path(folder) / RECORDINGS_FILE, per_recording_csv(score))
    write_json(Path(folder) / SCORE_FILE, document)
    return [SCORE_FILE, RECORDINGS_FILE]


def per_recording_csv(score: DiarizationScore) -> str:
    """One row per recording: its figures, then seconds and speakers."""
    rows = []
    ratios = {name: ratio for name, ratio in kind_of(score)[1].items() if not name.startswith("speaker_count")}
    for recording in score.recordings:
        own = figures([recording], ratios)
        rows.append({"recording": recording.recording, **own, **asdict(recording)})
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rounded(row) for row in rows)
    return stream.getvalue()


def read_seconds(folder: str | Path) -> dict[str, tuple[float, float]]:
    """The seconds of error and of reference speaker time of each recording, from FOLDER/per_recording.csv."""
    path = Path(folder) / RECORDINGS_FILE
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return {row["recording"]: _seconds(row) for row in csv.DictReader(stream)}
    except (OSError, KeyError, ValueError, TypeError, csv.Error):
        raise MimidiarError(f"{path}: cannot be read; write it again with `mimidiar score -o`") from None


def _seconds(row: dict[str, str]) -> tuple[float, float]:
    error_sec = sum(float(row[name]) for name in ("missed_sec", "false_alarm_sec", "confusion_sec"))
    return error_sec, float(row["reference_sec"])


def find_errors_in_files(
    reference: str | Path,
    hypothesis: str | Path,
    recording: str | None = None,
    uem: str | Path | None = None,
    protocol: Protocol | None = None,
) -> ErrorRegions:
    """Find the errors of one recording; without a UEM, over the extent of its reference and hypothesis together.

    Raises MimidiarError for a recording that is in none of the files, and where `recording` is needed and not given.
    """
    require_regular(reference)  # read again for what it does not score
    turns = read_turns(reference), read_turns(hypothesis)
    regions = {} if uem is None else read_uem(uem)
    known = sorted({*turns[0], *turns[1], *regions})
    name = _choose(recording, known, f"{reference} and {hypothesis}")
    if uem is not None and name not in regions:
        raise MimidiarError(f"{uem}: no region of recording {shown(name)}, so none of it is scored; leave out the UEM")
    own = turns[0].get(name, []), turns[1].get(name, [])
    scored = regions.get(name) or extent([*own[0], *own[1]])
    noscore = {} if holds_supervisions(reference) else read_noscore(reference)
    return find_errors(name, *own, subtract(scored, noscore.get(name, [])), protocol)


def _choose(recording: str | None, known: list[str], where: str) -> str:
    few = ", ".join(map(shown, known[:3])) + (", ..." if len(known) > 3 else "")
    if not known:
        raise MimidiarError(f"{where}: no turns at all, so there is no recording to look at")
    if recording is None:
        if len(known) > 1:
            raise MimidiarError(f"{where}: {len(known)} recordings ({few}); say which with --recording")
        return known[0]
    if recording not in known:
        raise MimidiarError(f"{where}: no recording {shown(recording)}; there are {len(known)} ({few})")
    return recording
