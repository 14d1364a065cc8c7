#!/usr/bin/env python3
"""Statistics of turn-taking in AMI's meetings and PriMock57's consultations, from the references in the mini corpus.

    local/measure_turns.py CORPUS/refs conf/turns.yaml

reads CORPUS/refs/ami_only_words_rttm_uem_lists.tar.xz (the training part alone) and primock57_textgrids.tar.xz, where
each consultation has two TextGrids, which are joined.
"""

import sys
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.textgrid import read_textgrid
from mimidiar.annotation.turns import Turn
from mimidiar.simulation.placement import make_turns
from mimidiar.simulation.turn_taking import measure_turns, write_statistics

JOIN_GAP_SEC = 1.0  # PriMock57 marks utterances; those of one speaker join as AMI's words do


def ami(refs: Path, folder: Path) -> list[list[Turn]]:
    """The turns of each meeting of the training part."""
    with tarfile.open(refs / "ami_only_words_rttm_uem_lists.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    files = sorted(folder.glob("**/rttms/train/*.rttm"))
    return [turns for file in files for turns in read_rttm(file).values()]


def primock57(refs: Path, folder: Path) -> list[list[Turn]]:
    """The turns of each consultation: those of the doctor and of the patient."""
    with tarfile.open(refs / "primock57_textgrids.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    turns: dict[str, list[Turn]] = defaultdict(list)
    for file in sorted(folder.glob("**/*.TextGrid")):
        name, _, speaker = file.stem.rpartition("_")
        turns[name] += [Turn(name, t.start, t.end, speaker) for own in read_textgrid(file).values() for t in own]
    return [make_turns(own, float("inf"), JOIN_GAP_SEC) for own in turns.values()]


def main() -> None:
    refs, out = map(Path, sys.argv[1:])
    corpora = {}
    for read in (ami, primock57):
        with tempfile.TemporaryDirectory() as folder:
            corpora[read.__name__] = measure_turns(read(refs, Path(folder)))
    write_statistics(out, corpora, "Made by local/measure_turns.py: 41 quantiles of each distribution, in seconds.")


if __name__ == "__main__":
    main()
