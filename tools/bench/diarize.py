#!/usr/bin/env python3
"""How fast `mimidiar diarize` is on whole recordings, and how much memory it takes.

Recordings of the lengths named, joined of utterances of the corpus at random with pauses between them, go through the
command as a user calls it, each in a process of its own, start-up included. Printed for each: wall clock and processor
time over the length of the audio (ratio of real time, less is faster), and the largest resident memory. Then the ratio
of the last length over that of the first: at most 1 where the cost is linear (start-up makes it less). Lengths take
turns, --repeats times; printed are medians.

  tools/bench/diarize.py --model mini-fusion mini
  tools/bench/diarize.py --model my.safetensors --minutes 10 --limit 0.08 --limit-mb 1500
  tools/bench/diarize.py --model mini --minutes 360 --formats wav mp3 m4a --limit-mb 1500    six hours

Exit code 1 when a median ratio of wall clock is above --limit, or memory above --limit-mb. The machine must be quiet:
of a busy one processor time alone tells something.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "tools" / "venv" / "bin" / "python"
if PYTHON.exists() and Path(sys.prefix) != PYTHON.parents[1]:
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # called by its name, with whatever python3 that finds

import av  # noqa: E402
import numpy as np  # noqa: E402
import soundfile  # noqa: E402

from mimidiar.audio.files import read_audio  # noqa: E402
from mimidiar.corpora.mini import read_mini_corpus  # noqa: E402

RATE, PAUSE_SEC = 16000, 1.0  # the mean of exponential pauses


def main() -> int:
    options = parse()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        whole = {minutes: make_recording(options, minutes, Path(folder)) for minutes in options.minutes}
        files = {
            (minutes, suffix): transcode(file, suffix) for minutes, file in whole.items() for suffix in options.formats
        }
        for model in options.model:
            runs = {kind: [] for kind in files}
            for _ in range(options.repeats):
                for kind, file in files.items():
                    runs[kind].append(run(options, model, file))
            failed |= report(options, model, runs)
    return int(failed)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=os.environ.get("MIMIDIAR_MINI_CORPUS"), help="folder with real speech")
    parser.add_argument("--model", nargs="+", default=["mini-fusion", "mini"], help="names or files (%(default)s)")
    parser.add_argument("--minutes", nargs="+", type=float, default=[10, 30, 120], help="(%(default)s)")
    parser.add_argument("--formats", nargs="+", default=["flac"], help="flac, wav, mp3, m4a, ... (%(default)s)")
    parser.add_argument("--speakers", type=int, default=5, help="in each recording (%(default)s)")
    parser.add_argument("--rate", type=int, default=RATE, help="samples in a second of the files (%(default)s)")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each (%(default)s)")
    parser.add_argument("--limit", type=float, default=float("inf"), help="of the ratio of real time")
    parser.add_argument("--limit-mb", type=float, default=float("inf"), help="of memory")
    options = parser.parse_args()
    if not options.corpus:
        parser.error("needs real speech: --corpus, or MIMIDIAR_MINI_CORPUS")
    return options


def make_recording(options: argparse.Namespace, minutes: float, folder: Path) -> Path:
    """A FLAC file of so many minutes: utterances of a few speakers, over again when there are no more."""
    random, path = np.random.default_rng(0), folder / f"{minutes:g}.flac"
    utterances = read_mini_corpus(options.corpus).utterances
    names = sorted({utterance.speaker for utterance in utterances})
    chosen = set(random.choice(names, min(options.speakers, len(names)), replace=False))
    own = sorted(utterance.path for utterance in utterances if utterance.speaker in chosen)
    left = round(60 * minutes * options.rate)
    with soundfile.SoundFile(path, "w", options.rate, 1) as file:
        while left > 0:
            pause = np.zeros(round(random.exponential(PAUSE_SEC) * options.rate), np.float32)
            speech = read_audio(own[random.integers(len(own))], options.rate)
            samples = np.concatenate([speech, pause])[:left]
            file.write(samples)
            left -= len(samples)
    return path


def transcode(file: Path, suffix: str) -> Path:
    """The file in another format, some seconds of it in memory at a time."""
    target = file.with_suffix(f".{suffix}")
    if target == file:
        return file
    with soundfile.SoundFile(file) as source:
        rate = source.samplerate
        if suffix in ("wav", "mp3", "ogg"):
            with soundfile.SoundFile(target, "w", rate, 1) as sink:
                for block in source.blocks(rate * 10):
                    sink.write(block)
            return target
        with av.open(str(target), "w") as container:
            stream, written = container.add_stream("aac", rate=rate, layout="mono"), 0
            for block in source.blocks(stream.frame_size or 1024, dtype="float32"):
                frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = rate, written
                written += len(block)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return target


def run(options: argparse.Namespace, model: str, file: Path) -> dict[str, float]:
    """Seconds by wall clock and of the processor, and MB, of one call."""
    command = [
        sys.executable,
        "-m",
        "mimidiar.cli",
        "diarize",
        str(file),
        "-o",
        str(file.parent),
        "--model",
        model,
    ]
    began = time.monotonic()
    process = subprocess.Popen([*command, "--device", "cpu"], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"diarize.py: {' '.join(command)} ended with exit code {process.returncode}")
    print(f"  {model}: {said.strip()}", file=sys.stderr)
    return {
        "wall": time.monotonic() - began,
        "processor": usage.ru_utime + usage.ru_stime,
        "mb": usage.ru_maxrss / 1024,
    }


def report(options: argparse.Namespace, model: str, runs: dict[tuple[float, str], list[dict[str, float]]]) -> bool:
    """Print the medians; returns whether a limit is broken."""
    print(f"{model}, {options.speakers} speakers, {options.rate} Hz, {options.repeats} run(s) of each length")
    ratios, failed = [], False
    for (minutes, suffix), made in runs.items():
        wall, processor = (
            statistics.median(each[key] for each in made) / (60 * minutes) for key in ("wall", "processor")
        )
        memory = max(each["mb"] for each in made)
        print(
            f"  {minutes:5g} min  {suffix:<4} {wall:.4f} x real time, {processor:.4f} of the processor, "
            f"{memory:5.0f} MB",
            flush=True,
        )
        ratios.append(processor)
        failed |= wall > options.limit or memory > options.limit_mb
    if len(ratios) > 1:
        print(f"  last over first, of the processor: {ratios[-1] / ratios[0]:.2f}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
