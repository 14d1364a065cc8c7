"""Synthetic voices (espeak-ng) for a smoke test of the recipes without a corpus; they do not reflect Mimi."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mimidiar.corpora.espeak import Job
from mimidiar.corpora.utterances import Utterance, make_trials
from mimidiar.data.splits import hash_order
from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, put_in_place, write_text

UTTERANCES_PER_VOICE = 8
CORPUS = "espeak"
ORIGIN = (
    "Synthetic voices: espeak-ng from the PyPI wheel espeakng-loader, made by `mimidiar data prepare mini`.\n"
    "Figures on this speech show that the chain works. They say nothing about Mimi, nor about any voice of a person.\n"
)
# Variants of espeak-ng that sound like people and differ from one another; each is one speaker.
VARIANTS = {
    "f": "Alicia aunty f5 Andrea f1 grandma f3 f4 f2 steph linda belinda anika Annie steph3 shelby",
    "m": "m1 m2 m3 m4 m5 m6 m7 m8 Alex Andy Denis Gene Gene2 Hugo Lee Marco Mario Michael Mike Nguyen Reed antonio "
    "boris adam caleb david ed ian iven gustave grandpa norbert",
}
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc", "en-029", "en-gb-x-gbcwmd", "en-gb-x-gbclan")
HELD_OUT_SHARE = 0.19  # of the women and of the men, for dev and again for test

# Sentences of ten to twenty words, and what their parts can be.
PEOPLE = (
    "the teacher, my sister, an old sailor, the young doctor, our neighbour, the baker, a quiet student, the captain"
)
PAST = (
    "carried, painted, forgot, borrowed, repaired, discovered, counted, admired, dropped, photographed, measured, sold"
)
THINGS = (
    "a wooden chair, seven green apples, the broken clock, two heavy boxes, a letter from Vienna, the yellow bicycle, "
    "some fresh bread, an enormous map, the kitchen window, a pair of gloves, nine silver coins, the piano"
)
PLACES = (
    "beside the river, in the market, under the bridge, near the station, on the third floor, behind the theatre, "
    "at the edge of the forest, outside the museum, along the harbour, in a narrow street"
)
TIMES = (
    "early on Thursday, before the storm, after a long journey, every winter, just past midnight, during the holidays, "
    "while it was raining, in the middle of July, twice a week, shortly after breakfast"
)
FRAMES = (
    "{time}, {who} {did} {what} {place}.",
    "{who} {did} {what}, and {who2} {did2} {what2} {place}.",
    "Did you hear that {who} {did} {what} {time}?",
    "{place}, {who} {did} {what}; {time} nobody noticed.",
    "I was told that {who} {did} {what} {place} {time}.",
)


@dataclass(frozen=True)
class Voice:
    """One synthetic speaker."""

    speaker: str
    gender: str
    split: str
    voice: str
    rate: int
    pitch: int
    range: int


def write_voices(out: str | Path, seed: int) -> Path:
    """Write the corpus of synthetic voices into the folder `out`, if it is not there yet; returns `out`.

    The folder appears whole. The same seed gives the same bytes.
    """
    out = Path(out)
    marker = out / CORPUS / "utts.tsv"
    if marker.is_file() and (out / "SEED").is_file() and (out / "SEED").read_text().strip() == str(seed):
        return out
    partial = out.with_name(f".{out.name}.partial")
    for stale in (partial, out):
        shutil.rmtree(stale, ignore_errors=True)
    try:
        _write_corpus(partial, choose_voices(seed), seed)
        put_in_place(partial, out)
    except OSError as error:
        raise disk_error(error, out) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def choose_voices(seed: int) -> list[Voice]:
    """The speakers: a variant each, with a seeded accent, speed and pitch; women and men in each split alike."""
    voices = []
    for gender, variants in ((gender, names.split()) for gender, names in VARIANTS.items()):
        held_out = round(len(variants) * HELD_OUT_SHARE)
        for rank, variant in enumerate(hash_order(variants, seed)):
            rng = random.Random(f"voice:{seed}:{variant}")
            split = "dev" if rank < held_out else "test" if rank < 2 * held_out else "train"
            voice = f"{rng.choice(ACCENTS)}+{variant}"
            speaker = f"{CORPUS}-{variant.lower()}"
            voices.append(
                Voice(speaker, gender, split, voice, rng.randint(135, 195), rng.randint(25, 75), rng.randint(30, 80))
            )
    return sorted(voices, key=lambda voice: voice.speaker)


def _write_corpus(root: Path, voices: Sequence[Voice], seed: int) -> None:
    """The corpus in the layout of `corpora.mini`, spoken by a child process (`corpora.espeak`)."""
    folder = root / CORPUS
    jobs = {voice: _jobs(voice, seed) for voice in voices}
    seconds = _speak(folder, [job for group in jobs.values() for job in group])
    lines, tested = ["utt_id\tspeaker\tpath\tseconds\tsession\tgender\ttext"], []
    for voice, group in jobs.items():
        for job in group:
            name, speaker, length = Path(job.path).stem, voice.speaker, seconds[job.path]
            lines.append("\t".join([name, speaker, job.path, f"{length:.3f}", speaker, voice.gender, job.text]))
            if voice.split == "test":
                tested.append(Utterance(name, speaker, folder / job.path, length, "", CORPUS, "", voice.gender))
    write_text(folder / "utts.tsv", "\n".join(lines) + "\n")
    write_text(folder / "spk2split.tsv", "speaker\tsplit\n" + "".join(f"{v.speaker}\t{v.split}\n" for v in voices))
    trials = make_trials(tested, seed)
    write_text(folder / "trials_voices.txt", "".join(f"{label} {a} {b}\n" for label, a, b in trials))
    write_text(root / "README.md", ORIGIN)
    write_text(root / "SEED", f"{seed}\n")


def _jobs(voice: Voice, seed: int) -> list[Job]:
    """The utterances of a voice."""
    rng = random.Random(f"text:{seed}:{voice.speaker}")
    jobs = []
    for k in range(UTTERANCES_PER_VOICE):
        path, text, rate = f"flac/{voice.speaker}-{k:02d}.flac", _sentence(rng), voice.rate + rng.randint(-8, 8)
        jobs.append(Job(path, text, voice.voice, rate, voice.pitch, voice.range))
    return jobs


def _sentence(rng: random.Random) -> str:
    parts = {"who": PEOPLE, "who2": PEOPLE, "did": PAST, "did2": PAST, "what": THINGS, "what2": THINGS}
    parts |= {"place": PLACES, "time": TIMES}
    words = {name: rng.choice(choices.split(", ")) for name, choices in parts.items()}
    text = rng.choice(FRAMES).format(**words)
    return text[0].upper() + text[1:]


def _speak(folder: Path, jobs: list[Job]) -> dict[str, float]:
    """Let the child process speak every job below `folder`; returns path -> seconds."""
    folder.mkdir(parents=True)
    command, orders = (
        [sys.executable, "-m", "mimidiar.corpora.espeak", str(folder)],
        json.dumps(list(map(asdict, jobs))),
    )
    done = subprocess.run(command, input=orders, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MimidiarError(f"espeak-ng failed (exit code {done.returncode}: {last}); is there space below {folder}?")
    return {path: float(seconds) for path, seconds in map(str.split, done.stdout.splitlines())}
