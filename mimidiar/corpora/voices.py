"""Synthetic voices (espeak-ng) for a smoke test of the recipes without a corpus; they do not reflect Mimi."""

import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mimidiar.corpora.espeak import Job, jobs_as_json
from mimidiar.corpora.sentences import make_sentence
from mimidiar.corpora.trials import make_trials
from mimidiar.corpora.utterances import Utterance
from mimidiar.data.manifests import Trial
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
WOMEN = (
    "Alicia",
    "aunty",
    "f5",
    "Andrea",
    "f1",
    "grandma",
    "f3",
    "f4",
    "f2",
    "steph",
    "linda",
    "belinda",
    "anika",
    "Annie",
    "steph3",
    "shelby",
)
MEN = (
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "Alex",
    "Andy",
    "Denis",
    "Gene",
    "Gene2",
    "Hugo",
    "Lee",
    "Marco",
    "Mario",
    "Michael",
    "Mike",
    "Nguyen",
    "Reed",
    "antonio",
    "boris",
    "adam",
    "caleb",
    "david",
    "ed",
    "ian",
    "iven",
    "gustave",
    "grandpa",
    "norbert",
)
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc", "en-029", "en-gb-x-gbcwmd", "en-gb-x-gbclan")
HELD_OUT_SHARE = 0.19  # of the women and of the men, for dev and again for test


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
    for gender, variants in (("f", WOMEN), ("m", MEN)):
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
    folder = root / CORPUS
    jobs = {voice: _jobs(voice, seed) for voice in voices}
    seconds = _speak(folder, [job for group in jobs.values() for job in group])
    rows, utterances = [], []
    for voice, group in jobs.items():
        for job in group:
            name = Path(job.path).stem
            length = f"{seconds[job.path]:.3f}"
            rows.append("\t".join([name, voice.speaker, job.path, length, voice.speaker, voice.gender, job.text]))
            utterances.append(
                Utterance(name, voice.speaker, folder / job.path, seconds[job.path], "", CORPUS, "", voice.gender)
            )
    tested = {voice.speaker for voice in voices if voice.split == "test"}
    trials = make_trials([u for u in utterances if u.speaker in tested], seed)
    _write_tables(folder, rows, voices, trials)
    write_text(root / "README.md", ORIGIN)
    write_text(root / "SEED", f"{seed}\n")


def _write_tables(folder: Path, rows: list[str], voices: Sequence[Voice], trials: list[Trial]) -> None:
    header = "utt_id\tspeaker\tpath\tseconds\tsession\tgender\ttext"
    write_text(folder / "utts.tsv", "\n".join([header, *rows]) + "\n")
    write_text(folder / "spk2split.tsv", "speaker\tsplit\n" + "".join(f"{v.speaker}\t{v.split}\n" for v in voices))
    write_text(folder / "trials_voices.txt", "".join(f"{label} {a} {b}\n" for label, a, b in trials))


def _jobs(voice: Voice, seed: int) -> list[Job]:
    rng = random.Random(f"text:{seed}:{voice.speaker}")
    return [
        Job(
            path=f"flac/{voice.speaker}-{k:02d}.flac",
            text=make_sentence(rng),
            voice=voice.voice,
            rate=voice.rate + rng.randint(-8, 8),
            pitch=voice.pitch,
            range=voice.range,
        )
        for k in range(UTTERANCES_PER_VOICE)
    ]


def _speak(folder: Path, jobs: list[Job]) -> dict[str, float]:
    """Let the child process speak every job below `folder`; returns path -> seconds."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "mimidiar.corpora.espeak", str(folder)]
    done = subprocess.run(command, input=jobs_as_json(jobs), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MimidiarError(f"espeak-ng failed (exit code {done.returncode}: {last}); is there space below {folder}?")
    rows = [line.split() for line in done.stdout.splitlines()]
    return {path: float(seconds) for path, seconds in rows}
