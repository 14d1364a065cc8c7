"""The error regions of one recording from files: what `find_errors` needs, read as `score_files` reads it."""

from pathlib import Path

from mimidiar.annotation.sources import holds_supervisions, read_turns
from mimidiar.annotation.text_file import shown
from mimidiar.annotation.turns import extent, subtract
from mimidiar.annotation.uem import read_uem
from mimidiar.errors import MimidiarError
from mimidiar.files import require_regular
from mimidiar.score.diarization import Protocol
from mimidiar.score.error_regions import ErrorRegions, find_errors
from mimidiar.score.noscore import read_noscore


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
