#!/usr/bin/env python3
"""How long scoring and start-up take, and how scoring compares with a plain loop over pyannote.metrics.

Hypotheses are made by perturbing references (seeded): turns are lost, their borders moved, some given to another
speaker. Then, A B C A B C ...:

  A  mimidiar: read both, all figures with their intervals, score.json and per_recording.csv written;
  B  the plain loop: read both, DiarizationErrorRate for each recording;
  C  the same loop with what else A measures: JaccardErrorRate and DetectionErrorRate.

Printed are the best times of each, as wall clock and as processor time, and the ratios B / A and C / A; then the wall
clock and the processor time of commands from the start of the process to its end: `mimidiar score` of all of this,
`mimidiar score --help`, `mimidiar score` of two turns, and `mimidiar verify` of as many trials as VoxCeleb1-O has.
Exit code 1 if A, B and C do not find the same DER.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "tools" / "venv" / "bin" / "python"
if PYTHON.exists() and Path(sys.prefix) != PYTHON.parents[1]:
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # called by its name, with whatever python3 that finds

from mimidiar.annotation.rttm import read_rttm, write_rttm  # noqa: E402
from mimidiar.annotation.turns import Turn, Turns  # noqa: E402
from mimidiar.score.from_files import score_files, write_score  # noqa: E402

LOST, MOVED_SEC, CONFUSED = 0.05, 0.2, 0.1
TRIALS = 37611  # of VoxCeleb1-O, cleaned


def main() -> int:
    options = parse()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        reference, hypothesis = Path(folder) / "ref.rttm", Path(folder) / "hyp.rttm"
        turns = read_rttm(options.refs) if options.refs else made_up(rng, options.recordings)
        turns = {name: turns[name] for name in sorted(turns)[: options.recordings]}
        write_rttm(reference, [turn for own in turns.values() for turn in own])
        write_rttm(hypothesis, [turn for own in turns.values() for turn in perturbed(rng, own)])
        hours = sum(turn.duration for own in turns.values() for turn in own) / 3600
        print(f"{len(turns)} recordings, {sum(map(len, turns.values()))} turns, {hours:.1f} h of speaker time")
        return compare(reference, hypothesis, Path(folder) / "scored", options.repeats)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--refs", type=Path, metavar="FOLDER", help="reference *.rttm; without, made up at such a size")
    parser.add_argument("--recordings", type=int, default=232, help="at most so many (default: 232, VoxConverse test)")
    parser.add_argument("--repeats", type=int, default=2, help="how often each is timed (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="of the perturbation (default: 0)")
    return parser.parse_args()


def made_up(rng: random.Random, recordings: int) -> dict[str, list[Turn]]:
    """Recordings with the mean numbers of VoxConverse's test set: 84 turns of 7.4 s, 1 to 12 speakers, some overlap."""
    made = {}
    for index in range(recordings):
        name, start, speakers = f"rec{index:04d}", 0.0, rng.randint(1, 12)
        turns = []
        for _ in range(min(458, 1 + round(rng.expovariate(1 / 83)))):
            end = start + 0.3 + rng.expovariate(1 / 7.1)
            turns.append(Turn(name, start, end, f"spk{rng.randrange(speakers)}"))
            start = max(0.0, end + rng.gauss(0.3, 0.8))
        made[name] = turns
    return made


def perturbed(rng: random.Random, turns: list[Turn]) -> list[Turn]:
    """What a system might have made of these turns of one recording."""
    speakers = sorted({turn.speaker for turn in turns})
    found = []
    for turn in turns:
        start, end = (max(0.0, time + rng.gauss(0, MOVED_SEC)) for time in (turn.start, turn.end))
        speaker = rng.choice(speakers) if rng.random() < CONFUSED else turn.speaker
        if rng.random() >= LOST and end > start + 0.05:
            found.append(Turn(turn.recording, start, end, f"hyp_{speaker}"))
    return found


def compare(reference: Path, hypothesis: Path, folder: Path, repeats: int) -> int:
    ways: dict[str, Callable[[], float]] = {
        "A mimidiar": lambda: scored(reference, hypothesis, folder),
        "B loop, DER": lambda: plain_loop(reference, hypothesis, only_der=True),
        "C loop, all": lambda: plain_loop(reference, hypothesis, only_der=False),
    }
    best, der = dict.fromkeys(ways, (float("inf"), float("inf"))), {}
    for _ in range(repeats):
        for name, way in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            der[name] = way()
            spent = time.perf_counter() - wall, time.process_time() - processor
            best[name] = tuple(map(min, best[name], spent))
    a = best["A mimidiar"]
    for name, (wall, processor) in best.items():
        ratio = f"{wall / a[0]:5.2f} x wall, {processor / a[1]:5.2f} x processor" if name[0] != "A" else ""
        print(f"{name:12} {wall:7.2f} s wall {processor:7.2f} s processor   DER {der[name]:.4f} %   {ratio}".rstrip())
    small, (scores, trials) = folder.parent / "two.rttm", write_trials(folder.parent)
    write_rttm(small, [Turn("one", 0.0, 6.0, "x"), Turn("one", 6.0, 10.0, "y")])
    time_command("mimidiar score", repeats, "score", reference, hypothesis)
    time_command("mimidiar score --help", repeats, "score", "--help")
    time_command("mimidiar score, two turns", repeats, "score", small, small)
    time_command(f"mimidiar verify, {TRIALS} trials", repeats, "verify", scores, trials)
    if max(der.values()) - min(der.values()) > 1e-4:
        print("the DERs differ", file=sys.stderr)
        return 1
    return 0


def write_trials(folder: Path) -> tuple[Path, Path]:
    """Scores and trials of the size of VoxCeleb1-O (cleaned), half of them of one of its 40 speakers each."""
    rng = random.Random(5)
    scores, trials = [], []
    for number in range(TRIALS):
        one = rng.randrange(40)
        other = one if number % 2 else (one + rng.randrange(1, 40)) % 40
        pair = f"id{10270 + one}/x-{number}/1.wav id{10270 + other}/y-{number}/2.wav"
        trials.append(f"{number % 2} {pair}\n")
        scores.append(f"{pair} {rng.gauss(2 * (number % 2), 1):.6f}\n")
    (folder / "trials").write_text("".join(trials))
    (folder / "scores").write_text("".join(scores))
    return folder / "scores", folder / "trials"


def time_command(name: str, repeats: int, *words: object) -> None:
    """Print the best times of a command, each time in a process of its own."""
    command, best = [sys.executable, "-c", "from mimidiar.cli import main; main()", *words], (float("inf"),) * 2
    for _ in range(repeats):
        wall, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        processor = sum(after[2:4]) - sum(before[2:4])  # of children, user and system
        best = tuple(map(min, best, (time.perf_counter() - wall, processor)))
    print(f"{name}, from start to end: {best[0]:.2f} s wall {best[1]:.2f} s processor")


def scored(reference: Path, hypothesis: Path, folder: Path) -> float:
    score, document = score_files(reference, hypothesis)
    write_score(folder, score, document)
    return document["der"]


def plain_loop(reference: Path, hypothesis: Path, only_der: bool) -> float:
    """What a script with pyannote.metrics does; the DER in %."""
    from pyannote.core import Annotation
    from pyannote.metrics.detection import DetectionErrorRate
    from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

    metrics = [DiarizationErrorRate()] + ([] if only_der else [JaccardErrorRate(), DetectionErrorRate()])
    references, hypotheses = annotations(read_rttm(reference)), annotations(read_rttm(hypothesis))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "'uem' was approximated", once a recording: mimidiar says so as well
        for name, annotation in references.items():
            for metric in metrics:
                metric(annotation, hypotheses.get(name, Annotation()))
    return 100 * abs(metrics[0])


def annotations(turns: Turns) -> dict:
    from pyannote.core import Annotation, Segment

    made = {}
    for name, own in turns.items():
        made[name] = Annotation(uri=name)
        for track, turn in enumerate(own):
            made[name][Segment(turn.start, turn.end), track] = turn.speaker
    return made


if __name__ == "__main__":
    sys.exit(main())
