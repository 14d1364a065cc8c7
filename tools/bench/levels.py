#!/usr/bin/env python3
"""What the level of recordings does to a diarizer: error rates of a set whose samples are scaled, in float.

Each recording of SET (a data folder with recordings, ref.rttm and all.uem) is read, multiplied, and diarized as
`mimidiar diarize` does; nothing is clipped. Printed for each gain: the DER, and its difference to that at 0 dB, in
points.

  tools/bench/levels.py egs/mini/data/sim_test --model mini mini-fusion --gains 0 6 -20 -40 -60

Exit code 1 when a difference is over --limit.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "tools" / "venv" / "bin" / "python"
if PYTHON.exists() and Path(sys.prefix) != PYTHON.parents[1]:
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # called by its name, with whatever python3 that finds

from dataclasses import replace  # noqa: E402

from tqdm import tqdm  # noqa: E402

from mimidiar.annotation.rttm import read_rttm  # noqa: E402
from mimidiar.annotation.uem import read_uem  # noqa: E402
from mimidiar.audio.files import array_recording, read_audio  # noqa: E402
from mimidiar.data.recordings import read_recordings  # noqa: E402
from mimidiar.diarize.pretrained import Diarizer  # noqa: E402
from mimidiar.score.diarization import score_diarization  # noqa: E402

RATE = 16000


def main() -> int:
    options = parse()
    recordings = read_recordings(options.set)[: options.limit]
    names = {each.id for each in recordings}
    reference = {name: turns for name, turns in read_rttm(options.set / "ref.rttm").items() if name in names}
    uem = {name: regions for name, regions in read_uem(options.set / "all.uem").items() if name in names}
    failed = False
    for model in options.model:
        diarizer, rates = Diarizer.from_pretrained(model, "cpu"), {}
        for gain in [0.0, *(gain for gain in options.gains if gain != 0)]:
            found = {each.id: turns(diarizer, each, gain) for each in tqdm(recordings, f"{gain:g} dB", leave=False)}
            rates[gain] = score_diarization(reference, {k: v for k, v in found.items() if v}, uem).der
            change = rates[gain] - rates[0.0]
            failed |= abs(change) > options.points
            print(f"{model:<14}{gain:>6g} dB  DER {rates[gain]:6.2f} %  {change:+6.2f} points", flush=True)
    return int(failed)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="data folder")
    parser.add_argument("--model", nargs="+", default=["mini", "mini-fusion"], help="names or files (%(default)s)")
    parser.add_argument("--gains", nargs="+", type=float, default=[0, 6, -20, -40, -60], help="in dB (%(default)s)")
    parser.add_argument("--limit", type=int, help="recordings, the first ones (all)")
    parser.add_argument("--points", type=float, default=1.0, help="largest change of the DER (%(default)s)")
    return parser.parse_args()


def turns(diarizer: Diarizer, recording, gain_db: float) -> list:
    samples = read_audio(recording.path, RATE) * 10 ** (gain_db / 20)
    return diarizer.diarize(replace(array_recording(samples, RATE), name=recording.id)).turns


if __name__ == "__main__":
    sys.exit(main())
