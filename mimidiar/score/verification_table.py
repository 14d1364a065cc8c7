"""A verification score as text for a terminal."""

from collections.abc import Mapping
from typing import Any


def verification_table(document: Mapping[str, Any]) -> str:
    """The figures of score.json, one a line, with their intervals and what these stand for."""
    trials = f"{document['n_target']} target and {document['n_nontarget']} non-target trials"
    lines = [
        f"EER               {document['eer']:8.2f} %   {_interval(document, 'eer', '.2f')}",
        f"minDCF p=0.01     {document['min_dcf_0.01']:8.4f}     {_interval(document, 'min_dcf_0.01', '.4f')}",
        f"minDCF p=0.05     {document['min_dcf_0.05']:8.4f}     {_interval(document, 'min_dcf_0.05', '.4f')}",
        f"mean score        {document['mean_target']:8.4f}     same speaker",
        f"                  {document['mean_nontarget']:8.4f}     different speakers",
        "",
        f"{trials}; EER linear between the points of the ROC; minDCF normalised, both costs 1",
    ]
    return "\n".join([line.rstrip() for line in lines] + list(_about_intervals(document)))


def _interval(document: Mapping[str, Any], name: str, digits: str) -> str:
    found = document["intervals"].get(name)
    return f"[{found['low']:{digits}}, {found['high']:{digits}}]" if found else ""


def _about_intervals(document: Mapping[str, Any]):
    if document["intervals"]:
        level = next(iter(document["intervals"].values()))["level"]
        of_speakers = f"{document['n_speakers']} speakers ({document['speakers_from']})"
        drawn = of_speakers if document["protocol"]["resampled"] == "speakers" else "single trials"
        yield f"[ ]: {100 * level:g} % bootstrap interval, {document['protocol']['draws']} draws of {drawn}"
