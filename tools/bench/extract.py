#!/usr/bin/env python3
"""How fast features are extracted, and how that compares with a plain loop over moshi's Mimi.

Real speech of the corpus in MIMIDIAR_MINI_CORPUS: utterances, and conversations of minutes joined from them. Each way
is a process of its own (the last: two) with one thread, which loads its model and then makes passes when told to, in
turn:

  A  mimidiar: batches and shards as `mimidiar feats extract` has them, from audio files to archives;
  B  the plain loop: one file at a time through `encode_to_latent(x, quantize=False)` of the model as moshi builds it,
     read and written by the same functions;
  C  mimidiar in two jobs, as with --nj 2.

Printed are medians over the passes: audio over wall clock and over processor time, the ratios of B's times to those of
A and C in the same round (of processor time the jobs' sum), and the largest resident memory of a process. Then the
share of the machine's matrix rate that A reaches by its processor time: the work is what torch.utils.flop_counter
counts of the plain model, which is the multiplications and additions of convolutions and linear layers (not those
between queries, keys and values); the rate is that of float32 matrices of 1024 x 1024, by torch.mm and by oneDNN on
packed weights, measured in A before each pass.

Exit code 1 if features of A and B differ by more than --tolerance standard deviations of the latent, or those of A and
C in any byte.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "tools" / "venv" / "bin" / "python"
if PYTHON.exists() and Path(sys.prefix) != PYTHON.parents[1]:
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # called by its name, with whatever python3 that finds

import numpy as np  # noqa: E402
import soundfile  # noqa: E402

from mimidiar.audio.files import probe_audio, read_audio  # noqa: E402
from mimidiar.corpora.mini import read_mini_corpus  # noqa: E402
from mimidiar.data.recordings import RecordingFile  # noqa: E402
from mimidiar.encoders.registry import describe_encoder  # noqa: E402
from mimidiar.features.extraction import NAME, encode_batch, fill_shards, plan_shards  # noqa: E402
from mimidiar.features.store import MatrixStore, ShardWriter, shard_path, write_scp  # noqa: E402

RATE, MATRIX = 16000, 1024
WAYS = {"A": ["1/1"], "B": ["plain"], "C": ["1/2", "2/2"]}


def main() -> int:
    options = parse()
    if options.worker:
        return work(options)
    with tempfile.TemporaryDirectory() as folder:
        sets = make_sets(options, Path(folder))
        pairs = [(encoder, name) for encoder in options.encoder for name in sets]
        return max([compare(options, encoder, name, sets[name], Path(folder)) for encoder, name in pairs])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=os.environ.get("MIMIDIAR_MINI_CORPUS"), help="folder with real speech")
    parser.add_argument("--encoder", nargs="+", default=["mimi-random-full", "mimi-random"], help="(%(default)s)")
    parser.add_argument("--checkpoint", help="weights of the encoder, if it reads any")
    parser.add_argument("--sets", nargs="+", default=["utterances", "conversations"], help="(%(default)s)")
    parser.add_argument("--minutes", type=float, default=4.0, help="of audio in each set (%(default)s)")
    parser.add_argument("--conversation-sec", type=float, default=120.0, help="length of each (%(default)s)")
    parser.add_argument("--ways", default="ABC", help="some of A, B and C (%(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="passes of each way (%(default)s)")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of A to B (%(default)s)")
    parser.add_argument("--worker", nargs=3, metavar=("SHARE", "SET", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.corpus and not options.worker:
        parser.error("needs real speech: --corpus, or MIMIDIAR_MINI_CORPUS")
    return options


def make_sets(options: argparse.Namespace, folder: Path) -> dict[str, list[RecordingFile]]:
    """The sets asked for: utterances spread over the whole corpus, and recordings joined from such."""
    files = sorted(utterance.path for utterance in read_mini_corpus(options.corpus).utterances)
    order = np.random.default_rng(0).permutation(len(files))
    seconds, makers = 60 * options.minutes, {"utterances": lambda: spread(files, order, seconds)}
    makers["conversations"] = lambda: joined(files, order, seconds, options.conversation_sec, folder)
    return {name: makers[name]() for name in options.sets}


def spread(files: list[Path], order: np.ndarray, seconds: float) -> list[RecordingFile]:
    found: list[RecordingFile] = []
    for index in order:
        if sum(recording.seconds for recording in found) >= seconds:
            break
        found.append(described(files[index]))
    return found


def described(path: Path) -> RecordingFile:
    info = probe_audio(path)
    return RecordingFile(path.stem, path, info.sample_rate, info.samples)


def joined(files: list[Path], order: np.ndarray, seconds: float, each_sec: float, folder: Path) -> list[RecordingFile]:
    """As many recordings of `each_sec` as there are in `seconds`, at least one; after the last file the first again."""
    made, position = [], 0
    for number in range(max(1, round(seconds / each_sec))):
        path, left = folder / f"conversation-{number}.flac", round(each_sec * RATE)
        with soundfile.SoundFile(path, "w", RATE, 1) as file:
            while left > 0:
                samples = read_audio(files[order[position % len(order)]], RATE)[:left]
                file.write(samples)
                left, position = left - len(samples), position + 1
        made.append(described(path))
    return made


def compare(options: argparse.Namespace, encoder: str, name: str, recordings: list[RecordingFile], folder: Path) -> int:
    """Print what the ways took; returns the exit code."""
    seconds = sum(recording.seconds for recording in recordings)
    ways = {way: Way(options, encoder, way, recordings, folder) for way in options.ways}
    for _ in range(options.repeats):
        for way in ways.values():
            way.run()
    print(f"{encoder}, {len(recordings)} {name}, {seconds:.0f} s of audio, {options.repeats} passes")
    for way in ways.values():
        way.end()
        print(f"  {way.name}  {way.report(seconds, ways.get('B'))}", flush=True)
    if {"A", "B"} <= ways.keys():
        print(f"  A: {share_of_rate(ways['A'].passes, ways['B'].last['gflop'], seconds)}")
    return verdict(ways, recordings, options.tolerance)


class Way:
    """The processes of one way, and what their passes took."""

    def __init__(self, options: argparse.Namespace, encoder: str, name: str, recordings: list, folder: Path):
        self.name, self.folder, self.walls, self.passes, self.last = name, folder / name, [], [], {}
        listing = folder / "recordings.json"
        listing.write_text(json.dumps([asdict(each) | {"path": str(each.path)} for each in recordings]))
        more = ["--checkpoint", options.checkpoint] if options.checkpoint else []
        command = [sys.executable, __file__, "--encoder", encoder, *more, "--worker"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.workers = [subprocess.Popen([*command, share, listing, self.folder], **pipes) for share in WAYS[name]]
        self.answers()

    def tell(self, word: str) -> list[dict]:
        for worker in self.workers:
            print(word, file=worker.stdin, flush=True)
        return self.answers()

    def answers(self) -> list[dict]:
        lines = [worker.stdout.readline() for worker in self.workers]
        if not all(lines):
            sys.exit(f"extract.py: a process of way {self.name} ended with exit code {self.workers[0].wait()}")
        return [json.loads(line) for line in lines]

    def run(self) -> None:
        """One pass, from the audio files to the archives."""
        shutil.rmtree(self.folder, ignore_errors=True)
        rates = self.tell("rate")[0] if self.name == "A" else {}
        began = time.perf_counter()
        answers = self.tell("pass")
        self.walls.append(time.perf_counter() - began)
        self.passes.append(rates | {"processor_sec": sum(each["processor_sec"] for each in answers)})

    def end(self) -> None:
        answers = self.tell("end")
        self.last = answers[0] | {"peak_mb": max(each["peak_mb"] for each in answers)}

    def report(self, seconds: float, plain: "Way | None") -> str:
        processor = [each["processor_sec"] for each in self.passes]
        speeds = [f"{seconds / statistics.median(times):6.1f}" for times in (self.walls, processor)]
        line = f"{speeds[0]} x real time, {speeds[1]} by processor time, {self.last['peak_mb']:5.0f} MB at most"
        if plain is None or plain is self:
            return line
        theirs = [each["processor_sec"] for each in plain.passes]
        return f"{line}; B takes {ratio(plain.walls, self.walls)}, of processor time {ratio(theirs, processor)}"


def ratio(theirs: list[float], ours: list[float]) -> str:
    """Median, least and largest, of pairs in a round."""
    ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
    return f"{statistics.median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})"


def share_of_rate(passes: list[dict], gflop: float, seconds: float) -> str:
    reached = statistics.median(gflop * seconds / each["processor_sec"] for each in passes)
    rates = {name: statistics.median(each[name] for each in passes) for name in ("torch.mm", "oneDNN")}
    of_rates = ", ".join(f"{reached / rate:.0%} of {name}'s {rate:.0f}" for name, rate in rates.items())
    return f"{gflop:.2f} GFLOP for a second of audio, {reached:.0f} GFLOP/s: {of_rates}"


def verdict(ways: dict[str, Way], recordings: list[RecordingFile], tolerance: float) -> int:
    """Compare what the last passes wrote; exit code 1 where features differ."""
    shards, failed = len(plan_shards(recordings)), False
    if {"A", "B"} <= ways.keys():
        difference = largest_difference(store(ways["A"].folder, shards), store(ways["B"].folder, 1))
        print(f"  A and B differ by {difference:.1e} standard deviations of the latent at most")
        failed |= difference > tolerance
    if {"A", "C"} <= ways.keys():
        written = [[shard_path(ways[way].folder, NAME, k).read_bytes() for k in range(shards)] for way in "AC"]
        print(f"  A and C wrote {'the same' if written[0] == written[1] else 'OTHER'} bytes")
        failed |= written[0] != written[1]
    return int(failed)


def store(folder: Path, shards: int) -> MatrixStore:
    write_scp(folder, NAME, shards)
    return MatrixStore(folder / f"{NAME}.scp")


def largest_difference(ours: MatrixStore, theirs: MatrixStore) -> float:
    """In deviations of all frames from their mean: the root of the mean variance of the dimensions."""
    pairs = [(ours.read(key), theirs.read(key)) for key in theirs.keys()]  # noqa: SIM118 (not a dict)
    deviation = np.sqrt(np.concatenate([plain for _, plain in pairs]).var(axis=0).mean())
    return float(max(np.abs(own - plain).max() for own, plain in pairs) / deviation)


def work(options: argparse.Namespace) -> int:
    """A process of one way: load the model, then answer each word on stdin with a line of JSON."""
    import torch

    from mimidiar.torch_setup import use_one_thread

    use_one_thread()
    share, listing, out = options.worker
    recordings = [RecordingFile(**row | {"path": Path(row["path"])}) for row in json.loads(Path(listing).read_text())]
    spec = describe_encoder(options.encoder[0], checkpoint=options.checkpoint)
    if share == "plain":
        model = spec.build_codec("cpu").eval()
        one_pass = partial(plain_loop, model, recordings, Path(out))
    else:
        job, jobs = map(int, share.split("/"))
        shards = dict(list(enumerate(plan_shards(recordings)))[job - 1 :: jobs])
        one_pass = partial(fill_shards, Path(out), shards, partial(encode_batch, spec.build("cpu")), spec.meta())
    answer()
    with torch.inference_mode():
        for word in map(str.strip, sys.stdin):
            if word == "rate":
                answer(**matrix_rates())
            elif word == "pass":
                began = time.process_time()
                one_pass()
                answer(processor_sec=time.process_time() - began)
            else:
                peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                answer(peak_mb=peak_mb, gflop=gflop_per_second(model) if share == "plain" else 0.0)
    return 0


def answer(**values: float) -> None:
    print(json.dumps(values), flush=True)


def plain_loop(model, recordings: list[RecordingFile], out: Path) -> None:
    import torch

    with ShardWriter(out, NAME, 0) as shard:
        for recording in recordings:
            audio = torch.from_numpy(read_audio(recording.path, model.sample_rate))
            latent = model.encode_to_latent(audio[None, None], quantize=False)
            shard.write({recording.id: latent[0].T.numpy()})


def gflop_per_second(model, seconds: int = 8) -> float:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model.encode_to_latent(torch.zeros(1, 1, seconds * model.sample_rate), quantize=False)
    return counter.get_total_flops() / seconds / 1e9


def matrix_rates() -> dict[str, float]:
    """GFLOP/s by processor time, the best of a few products."""
    import torch

    from mimidiar.encoders.mimi.onednn_layers import PackedLinear

    x, layer = torch.randn(MATRIX, MATRIX), PackedLinear(torch.nn.Linear(MATRIX, MATRIX, bias=False))
    best = {"torch.mm": float("inf"), "oneDNN": float("inf")}
    for _ in range(4):
        for name, product in {"torch.mm": lambda: torch.mm(x, x), "oneDNN": lambda: layer(x)}.items():
            began = time.process_time()
            product()
            best[name] = min(best[name], time.process_time() - began)
    return {name: 2 * MATRIX**3 / took / 1e9 for name, took in best.items()}


if __name__ == "__main__":
    sys.exit(main())
