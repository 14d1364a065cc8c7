"""UEM files as turns and back: regions have no speaker, and turns do not define scored regions."""

from pathlib import Path

from mimidiar.annotation.reading import PLAIN, Reading
from mimidiar.annotation.turns import Turn, Turns, extent
from mimidiar.annotation.uem import read_uem, write_uem

REGION = "scored"  # the speaker whose turns are regions


def read_regions(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """Each region of a UEM as a turn of the speaker `scored`. Raises MimidiarError with file and line."""
    return {
        recording: [Turn(recording, start, end, REGION) for start, end in regions]
        for recording, regions in read_uem(path, reading.notes).items()
    }


def write_extents(path: str | Path, turns: Turns) -> None:
    """Write the regions where all turns are of the speaker `scored`; of others, from the first start to the last end.

    md-eval scores this extent without a UEM, since turns do not contain the length of the recording.
    """
    regions = {}
    for recording, spoken in turns.items():
        if are_regions(spoken):
            regions[recording] = [(turn.start, turn.end) for turn in spoken]
        else:
            regions[recording] = extent(spoken)
    write_uem(path, regions)


def are_regions(turns: list[Turn]) -> bool:
    """Whether the turns of a recording stand for the regions of a UEM."""
    return {turn.speaker for turn in turns} == {REGION}
