#!/usr/bin/env python3
"""senko_diarize.py -o DIR FILE...: DIR/<name>.rttm of each file by senko, one after the other in one process.

Runs in senko's own environment. All settings are senko's defaults for a CPU; what is written are its merged segments,
which are its answer (raw ones are cut at each change of its sliding windows). Files are read as they are, 16 kHz and
one channel; senko takes no others.
"""

import argparse
import os
from pathlib import Path

import senko
import soundfile
import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    diarizer = senko.Diarizer(device="cpu", warmup=False)
    # senko asks for a thread for each core of the machine, whether or not it may run there.
    diarizer.logical_cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(diarizer.logical_cores)
    for path in options.files:
        samples, sample_rate = soundfile.read(path, dtype="int16")
        found = diarizer.diarize_samples(samples, sample_rate)  # None where it finds no speech
        (options.out / f"{path.stem}.rttm").write_text(rttm(path.stem, found["merged_segments"] if found else []))


def rttm(name: str, segments: list[dict]) -> str:
    lines = (f"{s['start']:.3f} {s['end'] - s['start']:.3f} <NA> <NA> {s['speaker']}" for s in segments)
    return "".join(f"SPEAKER {name} 1 {line} <NA> <NA>\n" for line in lines)


if __name__ == "__main__":
    main()
