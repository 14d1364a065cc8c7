"""Scores as text for a terminal: every number with its unit and its protocol."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mimidiar.score.diarization import DiarizationScore, RecordingScore
from mimidiar.score.ratios import Ratios, by_speakers, figures, kind_of

_COLUMNS = {
    "DER": "der",
    "IER": "ier",
    "missed": "miss",
    "f.alarm": "false_alarm",
    "confus.": "confusion",
    "JER": "jer",
    "sp.miss": "vad_miss",
    "sp.f.a.": "vad_false_alarm",
    "ovl. F1": "overlap_f1",
}
_RATES = {
    "diarization": """\
DER, missed, false alarm, confusion: % of reference speaker time. JER: % (no collar, overlap scored).""",
    "identification": """\
IER: identification error rate. Speakers are NOT mapped: one is right only under the reference's own name. It is no DER,
and cannot be compared with one. IER, missed, false alarm, confusion: % of reference speaker time.""",
}
_LEGEND = """\
sp.: missed and false alarm speech, all speakers as one, % of reference speech. ovl.: detection of two or more speakers,
%. ref., hyp.: speakers in reference and hypothesis; of several recordings, the mean."""


def diarization_table(score: DiarizationScore, document: Mapping[str, Any]) -> str:
    """Per recording, per number of speakers and in total; below it, the intervals and what the numbers mean."""
    groups, (kind, ratios) = by_speakers(score.recordings), kind_of(score)
    columns = {name: key for name, key in _COLUMNS.items() if key in ratios}
    blocks = [{row.recording: [row] for row in score.recordings}]
    if len(groups) > 1:
        blocks.append({_group_name(number, len(group)): group for number, group in groups.items()})
    blocks.append({f"TOTAL ({len(score.recordings)})": score.recordings})
    width = max(len("recording"), *(len(name) for block in blocks for name in block))
    header = " ".join(
        ["recording".ljust(width), "ref. s".rjust(9), *(f"{name:>8}" for name in columns), "  ref.", "  hyp."]
    )
    lines = [header]
    for block in blocks:
        lines += [_row(name.ljust(width), rows, ratios, columns) for name, rows in block.items()]
        lines.append("-" * len(header))
    about = [_RATES[kind], _LEGEND, *_protocol(score, document["protocol"])]
    return "\n".join([*lines[:-1], "", *_totals(document, ratios), "", *about])


def _group_name(number: int, recordings: int) -> str:
    return f"{number} speaker{'s' * (number != 1)} ({recordings})"


def _row(name: str, rows: Sequence[RecordingScore], ratios: Ratios, columns: Mapping[str, str]) -> str:
    found = figures(rows, ratios)
    cells = ["       -" if found[key] is None else f"{found[key]:8.2f}" for key in columns.values()]
    digits = 1 if len(rows) > 1 else 0
    counts = sum(r.reference_speakers for r in rows), sum(r.hypothesis_speakers for r in rows)
    means = [f"{count / len(rows):6.{digits}f}" for count in counts]
    return " ".join([name, f"{sum(r.reference_sec for r in rows):9.1f}", *cells, *means])


def _totals(document: Mapping[str, Any], ratios: Ratios) -> list[str]:
    """The total figures, one a line, each with its interval."""
    intervals = document["intervals"]
    lines = ["TOTAL" + ("".ljust(27) + "95 % bootstrap interval over recordings" if intervals else "")]
    for key, ratio in ratios.items():
        value, interval = document[key], intervals.get(key)
        text = f"{ratio.label:<21}" + ("       -" if value is None else f"{value:8.2f} {ratio.unit}")
        lines.append(f"{text:<40}{interval['low']:8.2f} to {interval['high']:.2f}" if interval else text)
    return lines


def _protocol(score: DiarizationScore, protocol: Mapping[str, Any]) -> list[str]:
    lines = [f"protocol: {score.protocol.in_words()}", f"scored:   {score.extent}", f"scorer:   {protocol['scorer']}"]
    if protocol.get("noscore_regions"):
        lines.append(f"not scored: {protocol['noscore_regions']} regions that the reference marks NOSCORE or NON-LEX")
    return lines


def verification_table(document: Mapping[str, Any]) -> str:
    """The figures of score.json, one a line, with their intervals and what these stand for."""
    trials = f"{document['n_target']} target and {document['n_nontarget']} non-target trials"
    lines = [
        f"EER               {document['eer']:8.2f} %   {_ends(document, 'eer', '.2f')}",
        f"minDCF p=0.01     {document['min_dcf_0.01']:8.4f}     {_ends(document, 'min_dcf_0.01', '.4f')}",
        f"minDCF p=0.05     {document['min_dcf_0.05']:8.4f}     {_ends(document, 'min_dcf_0.05', '.4f')}",
        f"mean score        {document['mean_target']:8.4f}     same speaker",
        f"                  {document['mean_nontarget']:8.4f}     different speakers",
        "",
        f"{trials}; EER linear between the points of the ROC; minDCF normalized, both costs 1",
    ]
    return "\n".join([line.rstrip() for line in lines] + list(_about_intervals(document)))


def _ends(document: Mapping[str, Any], name: str, digits: str) -> str:
    found = document["intervals"].get(name)
    return f"[{found['low']:{digits}}, {found['high']:{digits}}]" if found else ""


def _about_intervals(document: Mapping[str, Any]) -> Iterator[str]:
    if document["intervals"]:
        level = next(iter(document["intervals"].values()))["level"]
        of_speakers = f"{document['n_speakers']} speakers ({document['speakers_from']})"
        drawn = of_speakers if document["protocol"]["resampled"] == "speakers" else "single trials"
        yield f"[ ]: {100 * level:g} % bootstrap interval, {document['protocol']['draws']} draws of {drawn}"
