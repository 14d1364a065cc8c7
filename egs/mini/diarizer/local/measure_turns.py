#!/usr/bin/env python3
"""Statistics of turn-taking in the meetings of AMI and consultations of PriMock57 that simulated conversations follow.

    local/measure_turns.py TRAIN.rttm conf/turns.yaml

TRAIN.rttm is that of `mimidiar data turn-sequences`. VoxConverse in it is edited for broadcast, and left out here.
"""

import math
import sys
from pathlib import Path

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import make_turns
from mimidiar.simulation.turn_statistics import measure_turns, write_statistics

# AMI's turns end with any pause; PriMock57 marks utterances, and those of one speaker join as AMI's words would.
JOIN_GAP_SEC = {"ami": 0.0, "primock57": 1.0}


def main() -> None:
    sequences = read_rttm(sys.argv[1])
    corpora = {}
    for corpus, gap in JOIN_GAP_SEC.items():
        own = [turns for name, turns in sequences.items() if name.startswith(f"{corpus}-")]
        corpora[corpus] = measure_turns(make_turns(turns, math.inf, gap) for turns in own)
    made_by = "Made by local/measure_turns.py of train.rttm: 41 quantiles of each distribution, in seconds."
    write_statistics(Path(sys.argv[2]), corpora, made_by)


if __name__ == "__main__":
    main()
