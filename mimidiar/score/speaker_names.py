"""Speakers of the hypothesis whose names the reference lacks: where names count, none of their speech can be right."""

from mimidiar.annotation.text_file import many, shown
from mimidiar.annotation.turns import Turns
from mimidiar.errors import listed


def name_notes(reference: Turns, hypothesis: Turns) -> list[str]:
    """What the user should know of names that do not agree, in one text; none where all agree."""
    known, found = _speakers(reference), _speakers(hypothesis)
    unknown = sorted(found - known)
    if not unknown:
        return []
    by_bare: dict[str, list[str]] = {}
    for name in sorted(known):
        by_bare.setdefault(name.casefold(), []).append(name)
    named = [_with_pair(name, by_bare.get(name.casefold(), [])) for name in unknown]
    if known & found:
        what = f"{many(len(unknown), 'speaker')} of the hypothesis in no reference, so never right: {listed(named)}"
        return [what]
    advice = "for the DER, leave out --keep-names"
    return [f"no speaker of the hypothesis has a name of the reference's: {listed(named)}; {advice}"]


def _with_pair(name: str, near: list[str]) -> str:
    pairs = " or ".join(map(shown, near))
    return f"{shown(name)} (the reference has {pairs}; case counts)" if pairs else shown(name)


def _speakers(turns: Turns) -> set[str]:
    return {turn.speaker for own in turns.values() for turn in own}
